// What is wrong with `linux.seccomp`: what the specification, libseccomp or the kernel forbids.

import type { Problem } from "../errors.ts";
import {
  ERRNO_ACTIONS,
  OTHER_ARCHS,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHS,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from "./names.ts";
import {
  isSeccompEnabled,
  notifies,
  type Seccomp,
  type SeccompArg,
  type SeccompSyscall,
} from "./profile.ts";

type Report = (pointer: string, message: string) => void;

const SPEC = "config-linux.md#seccomp";
const NOTIFY = "SCMP_ACT_NOTIFY";
const WAIT_KILLABLE_RECV = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
const LAST_ARGUMENT = 5;
/** The data of an action has 16 bits. */
const MAX_ERRNO_RET = 0xffff;
const MAX_VALUE = 0xffffffffffffffffn;

/** What is wrong with a profile, with pointers into config.json; empty if it can be compiled. */
export function seccompProblems(profile: Seccomp): Problem[] {
  if (!isSeccompEnabled(profile)) return [];
  const problems: Problem[] = [];
  const report = (pointer: string, message: string) => {
    problems.push({ pointer: `/linux/seccomp${pointer}`, message, spec: SPEC });
  };
  checkDefaultAction(profile, report);
  checkArchitectures(profile, report);
  checkFlags(profile, report);
  checkListener(profile, report);
  for (const [position, entry] of (profile.syscalls ?? []).entries()) {
    checkSyscall(entry, (pointer, message) => report(`/syscalls/${position}${pointer}`, message));
  }
  return problems;
}

function checkDefaultAction(profile: Seccomp, report: Report): void {
  const { defaultAction = "", defaultErrnoRet } = profile;
  if (defaultAction === NOTIFY) {
    report(
      "/defaultAction",
      `${NOTIFY} cannot be the default, as in other runtimes: not even the end would be free`,
    );
  } else if (!SECCOMP_ACTIONS.includes(defaultAction)) {
    report("/defaultAction", unknownName("action", defaultAction));
  }
  checkErrnoRet(defaultAction, defaultErrnoRet, (message) => report("/defaultErrnoRet", message));
}

function checkArchitectures({ architectures = [] }: Seccomp, report: Report): void {
  for (const [position, name] of architectures.entries()) {
    if (SECCOMP_ARCHS.includes(name) || OTHER_ARCHS.includes(name)) continue;
    report(`/architectures/${position}`, unknownName("architecture", name));
  }
}

function checkFlags(profile: Seccomp, report: Report): void {
  for (const [position, name] of (profile.flags ?? []).entries()) {
    const pointer = `/flags/${position}`;
    if (!SECCOMP_FLAGS.includes(name)) report(pointer, unknownName("flag", name));
    else if (name === WAIT_KILLABLE_RECV && !notifies(profile)) {
      report(pointer, `${name} is about calls that wait for an agent: no rule has ${NOTIFY}`);
    }
  }
}

/** A listener without NOTIFY gets nothing to hear and is left alone, as by runc. */
function checkListener(profile: Seccomp, report: Report): void {
  const { listenerPath = "", listenerMetadata = "" } = profile;
  if (listenerMetadata !== "" && listenerPath === "") {
    report("/listenerMetadata", "listenerMetadata is of no use without listenerPath");
  }
  if (listenerPath === "" && notifies(profile)) {
    report("", `${NOTIFY} is used, but listenerPath is missing`);
  }
}

function checkSyscall(entry: SeccompSyscall, report: Report): void {
  const { names, action, errnoRet, args = [] } = entry;
  if (names.length === 0) report("/names", "names is empty, wanted at least one system call");
  const unnamed = names.indexOf("");
  if (unnamed >= 0) report(`/names/${unnamed}`, "the name of a system call is empty");
  const write = names.indexOf("write");
  if (action === NOTIFY && write >= 0) {
    report(`/names/${write}`, `write cannot have ${NOTIFY}, as in other runtimes`);
  }
  if (!SECCOMP_ACTIONS.includes(action)) {
    report("/action", unknownName("action", action));
  }
  checkErrnoRet(action, errnoRet, (message) => report("/errnoRet", message));
  for (const [position, arg] of args.entries()) {
    checkArg(arg, (pointer, message) => report(`/args/${position}${pointer}`, message));
  }
}

function checkErrnoRet(
  action: string,
  errnoRet: number | bigint | undefined,
  report: (message: string) => void,
): void {
  if (errnoRet === undefined) return;
  if (!ERRNO_ACTIONS.includes(action)) {
    report(`${action || "no action"} takes no errno, ${ERRNO_ACTIONS.join(" and ")} do`);
  } else if (!isWithin(errnoRet, MAX_ERRNO_RET)) {
    report(`${errnoRet} is not an errno, wanted 0 to ${MAX_ERRNO_RET}`);
  }
}

function checkArg(arg: SeccompArg, report: Report): void {
  if (!isWithin(arg.index, LAST_ARGUMENT)) {
    report("/index", `argument ${arg.index} does not exist, wanted 0 to ${LAST_ARGUMENT}`);
  }
  if (!SECCOMP_OPERATORS.includes(arg.op)) report("/op", unknownName("operator", arg.op));
  const { value, valueTwo = 0 } = arg;
  for (const [field, number] of Object.entries({ value, valueTwo })) {
    if (!isWithin(number, MAX_VALUE)) {
      report(`/${field}`, `${number} is not an unsigned integer of 64 bits, known exactly`);
    }
  }
}

/** A number beyond 2^53 is not known exactly: it has to come as a bigint. */
function isWithin(value: number | bigint, max: number | bigint): boolean {
  if (typeof value === "number" && !Number.isSafeInteger(value)) return false;
  return value >= 0 && value <= max;
}

function unknownName(kind: string, name: string): string {
  return name === "" ? `${kind} is missing` : `${kind} "${name}" is unknown`;
}
