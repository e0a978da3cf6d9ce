// Into a container that is there: its init held, its namespaces joined, and its program awaited.

import { EPERM, ESRCH } from "../errno.ts";
import { RuntimeError, StateError, SyscallError } from "../errors.ts";
import { O_DIRECTORY, O_PATH, open } from "../sys/file.ts";
import { tryJoinNamespace } from "../sys/namespace.ts";
import { openPidfd, processStat } from "../sys/process.ts";
import { defineOp } from "./op.ts";
import { openProc } from "./proc.ts";

/** A pidfd of the container's init, which is known by its start time. */
export const holdInit = defineOp<{ pid: number; startTime: string; into: string }>({
  name: "container.hold",
  print: ({ pid, into }) => `init, ${pid} →${into}`,
  run: ({ pid, startTime, into }, { slots }) => {
    const pidfd = openPidfd(pid);
    if (pidfd !== undefined) slots.put(into, pidfd);
    if (processStat(pid)?.startTime !== startTime) throw gone();
  },
});

/** Its root, for a container in its caller's mount namespace. */
export const openContainerRoot = defineOp<{ pid: number }>({
  name: "container.open-root",
  print: ({ pid }) => `/proc/${pid}/root →$root`,
  run: ({ pid }, { slots }) => slots.put("$root", open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY)),
});

/** A procfs in which this process still finds itself when it has joined the container's namespaces. */
export const openOwnProc = defineOp<Record<string, never>>({
  name: "proc.open",
  print: () => "→$proc",
  run: (_args, { slots }) => slots.put("$proc", openProc()),
});

/** What the maker of this process has open stays out of the container (CVE-2024-21626). */
export const closeOthers = defineOp<{ preserve: number }>({
  name: "descriptors.close",
  print: ({ preserve }) => `the host's from ${3 + preserve}`,
  run: ({ preserve }, context) => context.closeOthers(3 + preserve),
  // What the next calls need is open already; it goes before anybody inside can see it.
  onTape: () => undefined,
});

/**
 * setns(2) by pidfd (Linux 5.8): all namespaces at once, or none. A pid namespace is for children:
 * nobody in it sees this process.
 */
export const joinNamespaces = defineOp<{ from: string; flags: number; types: readonly string[] }>({
  name: "namespaces.join",
  print: ({ from, types }) => `${types.join(" ")} of ${from}`,
  onTape: true,
  run: ({ from, flags, types }, { slots }) => {
    const result = flags === 0 ? 0 : tryJoinNamespace(slots.get(from), flags);
    slots.close(from);
    if (result === -ESRCH) throw gone();
    if (result >= 0) return;
    const hint =
      result === -EPERM ? " (hint: whoever made the container, or root, may join it)" : "";
    throw new RuntimeError(
      `${new SyscallError(`setns(${from}, ${types.join(" | ")})`, -result).message}${hint}`,
    );
  },
});

/** The process that has been cloned last, while it waits: what init stands for from here on. */
export const adoptProgram = defineOp<Record<string, never>>({
  name: "exec.adopt",
  print: () => "→$init",
  run: (_args, context) => context.adoptProgram(),
});

/** It goes on. */
export const letProgramGo = defineOp<Record<string, never>>({
  name: "exec.go",
  print: () => "",
  run: (_args, context) => context.letProgramGo(),
});

/** The host's last step: the program has been executed, or why not. */
export const awaitProgram = defineOp<{ name: string }>({
  name: "exec.await",
  awaitsEnd: true,
  print: ({ name }) => `${name} →$init`,
  run: ({ name }, context) => context.awaitProgram(name),
});

function gone(): StateError {
  return new StateError("the container has stopped");
}
