// What is refused of a `linux.seccomp` that fits its schema and the rules of the specification.

import type { Problem } from "../errors.ts";
import { notifies, type Seccomp } from "./profile.ts";

type Report = (pointer: string, message: string) => void;

const NOTIFY = "SCMP_ACT_NOTIFY";
const WAIT_KILLABLE_RECV = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
/** The data of an action has 16 bits; the kernel takes an errno above 4095 for 4095. */
const MAX_ERRNO_RET = 0xffff;

/** What of a profile cannot be done, with pointers into config.json; empty if it can be compiled. */
export function seccompProblems(profile: Seccomp): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (pointer, message) => {
    problems.push({
      pointer: `/linux/seccomp${pointer}`,
      message,
      spec: "config-linux.md#seccomp",
    });
  };
  const { defaultAction, defaultErrnoRet, flags = [], syscalls = [] } = profile;
  if (defaultAction === NOTIFY) {
    report(
      "/defaultAction",
      `${NOTIFY} cannot be the default, as in other runtimes: not even the end would be free`,
    );
  }
  checkErrnoRet(defaultErrnoRet, "/defaultErrnoRet", report);
  const flag = flags.indexOf(WAIT_KILLABLE_RECV);
  if (flag >= 0 && !notifies(profile)) {
    const why = `is about calls that wait for an agent: no rule has ${NOTIFY}`;
    report(`/flags/${flag}`, `${WAIT_KILLABLE_RECV} ${why}`);
  }
  for (const [position, { names, action, errnoRet }] of syscalls.entries()) {
    const pointer = `/syscalls/${position}`;
    checkErrnoRet(errnoRet, `${pointer}/errnoRet`, report);
    if (action !== NOTIFY || !names.includes("write")) continue;
    const name = names.indexOf("write");
    report(`${pointer}/names/${name}`, `write cannot have ${NOTIFY}, as in other runtimes`);
  }
  return problems;
}

function checkErrnoRet(errnoRet: number | bigint | undefined, pointer: string, report: Report) {
  if (errnoRet === undefined || errnoRet <= MAX_ERRNO_RET) return;
  report(pointer, `${errnoRet} is not an errno, wanted 0 to ${MAX_ERRNO_RET}`);
}
