// Fields that mean nothing on Linux and are ignored, as the specification says.

/** Their JSON pointers. */
export const IGNORED_FIELDS: readonly string[] = [
  "/process/commandLine",
  "/process/user/username",
  "/solaris",
  "/windows",
  "/vm",
  "/zos",
  "/freebsd",
];
