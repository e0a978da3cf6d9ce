// Rules between the fields of a seccomp filter.

import type { Seccomp, SeccompAction } from "./types.gen.ts";
import type { Violation } from "./violation.ts";

const spec = "config-linux.md#seccomp";

/** Violations in a filter that fits its schema; `at` is the JSON pointer of the filter. */
export function seccompRules(seccomp: Seccomp, at: string): Violation[] {
  const { defaultAction, defaultErrnoRet, listenerPath, syscalls = [] } = seccomp;
  const violations: Violation[] = [];
  function checkErrno(action: SeccompAction, errno: number | undefined, pointer: string): void {
    if (errno === undefined || action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE") return;
    const message = `found ${errno} with ${action}, wanted it only with SCMP_ACT_ERRNO or SCMP_ACT_TRACE`;
    violations.push({ rule: "seccomp errno", pointer, message, spec });
  }
  checkErrno(defaultAction, defaultErrnoRet, `${at}/defaultErrnoRet`);
  syscalls.forEach(({ action, errnoRet }, index) => {
    checkErrno(action, errnoRet, `${at}/syscalls/${index}/errnoRet`);
  });
  if (listenerPath !== undefined && listenerPath !== "") return violations;
  const notifying = syscalls.findIndex(({ action }) => action === "SCMP_ACT_NOTIFY");
  if (defaultAction === "SCMP_ACT_NOTIFY" || notifying >= 0) {
    const pointer =
      defaultAction === "SCMP_ACT_NOTIFY"
        ? `${at}/defaultAction`
        : `${at}/syscalls/${notifying}/action`;
    const message = "found SCMP_ACT_NOTIFY, wanted a listenerPath with it";
    violations.push({ rule: "seccomp listener", pointer, message, spec });
  }
  if (seccomp.listenerMetadata !== undefined && seccomp.listenerMetadata !== "") {
    const pointer = `${at}/listenerMetadata`;
    const message = "found it without a listenerPath, wanted both";
    violations.push({ rule: "seccomp metadata", pointer, message, spec });
  }
  return violations;
}
