// What a failure of the last system calls before a program means, in words.

import { ENOMEM, errnoText } from "../errno.ts";
import { STAGE_CLONE, STAGE_EXEC, STAGE_TERMINAL } from "../sys/exec.ts";
import { programFailure } from "./program-failure.ts";

/** The call that failed, why, and a hint where it is known. */
export function lastCallFault(fault: { name: string; stage: number; errno: number }): string {
  const { name, stage, errno } = fault;
  if (stage === STAGE_EXEC) return programFailure(name, errno).message;
  return `${CALLS[stage] ?? "seccomp"}: ${errnoText(errno)}${hintFor(stage, errno)}`;
}

const CALLS: Readonly<Record<number, string>> = {
  [STAGE_CLONE]: "clone3",
  [STAGE_TERMINAL]: "ioctl(0, TIOCSCTTY)",
};

function hintFor(stage: number, errno: number): string {
  if (stage !== STAGE_CLONE || errno !== ENOMEM) return "";
  return " (hint: the container's init may have ended, and its pid namespace with it)";
}
