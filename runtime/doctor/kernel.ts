// The kernel: its version, and whether it answers to the calls that runt makes.

import { ENOSYS, EPERM } from "../errno.ts";
import type { Machine } from "../host/machine.ts";
import type { CallName } from "../sys/questions.ts";
import { good, type Judgement } from "./check.ts";

/** The oldest kernel that has everything which has no fallback; docs/kernel-features.md. */
const OLDEST: readonly [number, number] = [5, 14];

export function version({ text }: Machine): Judgement {
  const release = text("/proc/sys/kernel/osrelease")?.trim() ?? "";
  const found = `Linux ${release}, ${OLDEST.join(".")} is needed`;
  if (isSince(release, OLDEST)) return good(found);
  return { verdict: "fatal", found, effect: "creates no container", advice: "a newer kernel" };
}

export function architecture({ architecture: found }: Machine): Judgement {
  if (found === "x86_64") return good(found);
  return { verdict: "fatal", found, effect: "creates no container: it knows x86_64 alone" };
}

/** Calls that the kernel leaves to privileged callers; to others it answers EPERM. */
const PRIVILEGED: ReadonlySet<string> = new Set(["move_mount", "fsopen", "fsmount"]);

/** Calls without which there is no container. */
const NEEDED: readonly CallName[] = [
  "clone3",
  "pidfd_open",
  "pidfd_send_signal",
  "openat2",
  "close_range",
  "faccessat2",
  "statx",
  "memfd_create",
  "open_tree",
  "mount_setattr",
  "move_mount",
  "fsopen",
  "fsconfig",
  "fsmount",
];

export function calls(machine: Machine): Judgement {
  const missing = NEEDED.filter((call) => {
    const errno = machine.answers(call);
    return errno === ENOSYS || (errno === EPERM && !PRIVILEGED.has(call));
  });
  if (missing.length === 0) return good(`all ${NEEDED.length} that are needed answer`);
  return {
    verdict: "fatal",
    found: `${missing.join(" ")}: no answer`,
    effect: "creates no container",
    advice: isFiltered(machine)
      ? "allow them in the seccomp profile that this machine's own container has"
      : "a kernel that has them",
  };
}

export function filter(machine: Machine): Judgement {
  if (!isFiltered(machine)) return good("none on this process");
  return {
    verdict: "limited",
    found: "this process is under one itself",
    effect: "reports a call that is forbidden by its name; containers inherit the filter",
  };
}

export function keyrings({ answers }: Machine): Judgement {
  if (answers("keyctl") !== ENOSYS) return good("there are some");
  return {
    verdict: "limited",
    found: "the kernel has none",
    effect: "makes no session keyring for containers",
  };
}

/** What came after the oldest kernel and is used where a configuration asks for it. */
const LATER: readonly [since: readonly [number, number], what: string][] = [
  [[5, 15], "cpu.idle"],
  [[5, 15], "MPOL_PREFERRED_MANY"],
  [[5, 19], "idmapped layers of overlay"],
  [[6, 3], "idmapped tmpfs"],
  [[6, 9], "MPOL_WEIGHTED_INTERLEAVE"],
];

export function later({ text }: Machine): Judgement {
  const release = text("/proc/sys/kernel/osrelease") ?? "";
  const missing = LATER.filter(([since]) => !isSince(release, since));
  if (missing.length === 0) return good("everything up to Linux 6.9");
  return {
    verdict: "limited",
    found: `not yet: ${missing.map(([since, what]) => `${what} (${since.join(".")})`).join(", ")}`,
    effect: "passes on the kernel's refusal where a configuration asks for it",
    advice: "a newer kernel, if that is needed",
  };
}

function isSince(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, first = "0", second = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

function isFiltered({ text }: Machine): boolean {
  return /^Seccomp:\s*[12]/m.test(text("/proc/self/status") ?? "");
}
