// Root filesystems of one static program: busybox under the names that the tests call it by.

import { copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshDirectory, room } from "./room.ts";

const busybox = "/bin/busybox";

const applets =
  "awk cat chmod chown cut dd df dirname echo env expr false find grep head hostname id ifconfig" +
  " kill ln ls mkdir mknod mount nproc ps pwd readlink rm rmdir sed setsid sh" +
  " sleep sort stat stty tail test touch tr true tty umount uname unlink wc";

let shared: string | undefined;

/** A root filesystem for tests that do not care what others did to it. */
export function sharedRootfs(): string {
  shared ??= newRootfs();
  return shared;
}

/** A root filesystem of the caller's own. */
export function newRootfs(): string {
  const rootfs = freshDirectory();
  for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp"]) mkdirSync(join(rootfs, name));
  linkSync(program(), join(rootfs, "bin/busybox"));
  for (const name of applets.split(" ")) symlinkSync("busybox", join(rootfs, "bin", name));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  return rootfs;
}

/** A copy of the machine's busybox, one a room: a test that harmed it would harm nobody else. */
function program(): string {
  const path = join(room.directory, "busybox");
  if (!existsSync(path)) copyFileSync(busybox, path);
  return path;
}
