// Mounts as /proc/PID/mountinfo tells them (proc_pid_mountinfo(5)).

export interface MountLine {
  /** What of the filesystem is mounted. */
  root: string;
  target: string;
  options: string[];
  /** `shared:N`, `master:N` and the like. */
  propagation: string[];
  type: string;
  source: string;
  superOptions: string[];
}

/** All mounts, in the order of the file. */
export function parseMountinfo(text: string): MountLine[] {
  return text.trimEnd().split("\n").map(mountLine);
}

/** The topmost mount at a target. */
export function mountAt(text: string, target: string): MountLine {
  const found = parseMountinfo(text).findLast((line) => line.target === target);
  if (found === undefined) throw new Error(`no mount at ${target} in\n${text}`);
  return found;
}

function mountLine(line: string): MountLine {
  const [first = "", second = ""] = line.split(" - ");
  const [, , , root = "", target = "", options = "", ...propagation] = first.split(" ");
  const [type = "", source = "", superOptions = ""] = second.split(" ");
  return {
    root,
    target,
    options: options.split(","),
    propagation: propagation.filter(Boolean),
    type,
    source,
    superOptions: superOptions.split(","),
  };
}
