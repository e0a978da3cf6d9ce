// What to write to a control file so that it says again what it said before.

/**
 * The value that takes a write back.
 * @param value what was written
 * @param contents what the file said before
 * @param none for a file with a line for each device or interface: what is written for one that has
 *   no line
 */
export function formerValue(value: string, contents: string, none: string | undefined): string {
  const key = /^(\S+) ./.exec(value)?.[1];
  if (none !== undefined && key !== undefined) {
    const line = contents.split("\n").find((one) => one.startsWith(`${key} `));
    return line ?? `${key} ${none}`;
  }
  const first = contents.split("\n")[0]?.trim() ?? "";
  // An empty list of CPUs is written as a line; nothing at all would not be a write.
  return first === "" ? "\n" : first.replace(/^(default|oom_kill_disable) /, "");
}
