// Namespaces: opened by path, joined, unshared; and the clone that makes the new ones.

import { EAGAIN, EINVAL, ENOMEM, ENOSPC, EPERM, ERANGE } from "../errno.ts";
import { RuntimeError, SyscallError, withHint } from "../errors.ts";
import { O_NOCTTY, O_NONBLOCK, O_RDONLY, O_WRONLY, open, tryWriteOnce } from "../sys/file.ts";
import {
  bringUp as bringInterfaceUp,
  setDomainname as callSetdomainname,
  setHostname as callSethostname,
  unshare as callUnshare,
  namespaceType,
  tryJoinNamespace,
} from "../sys/namespace.ts";
import { CLONE_PARENT } from "../sys/process.ts";
import { defineOp } from "./op.ts";

/** Opens a namespace by path and checks that it is one of that type (ioctl_nsfs(2)). */
export const openNamespace = defineOp<{ type: string; flag: number; path: string; into: string }>({
  name: "namespace.open",
  print: ({ type, path, into }) => `${type} ${path} →${into}`,
  run: ({ type, flag, path, into }, { slots }) => {
    // Whatever it is, opening it must not wait (fifo(7)).
    const fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    slots.put(into, fd);
    const found = namespaceType(fd);
    if (found !== flag) throw new RuntimeError(`${path} is not a namespace of type ${type}`);
  },
});

interface EnterNamespace {
  type: string;
  flag: number;
  from: string;
  /** The caller may lack the right now and have it later, as root of a user namespace. */
  ifAllowed: boolean;
}

/** setns(2), unless it has been done before. */
export const enterNamespace = defineOp<EnterNamespace>({
  name: "namespace.join",
  print: ({ type, from, ifAllowed }) => `${type} ${from}${ifAllowed ? " if allowed" : ""}`,
  run: ({ type, flag, from, ifAllowed }, { slots }) => {
    if (!slots.has(from)) return;
    const result = tryJoinNamespace(slots.get(from), flag);
    if (result === -EPERM && ifAllowed) return;
    if (result < 0) throw joinError(type, from, -result);
    slots.close(from);
  },
});

function joinError(type: string, from: string, errno: number): RuntimeError {
  const error = new SyscallError(`setns(${from})`, errno);
  if (type !== "user" || errno !== EINVAL) return error;
  return new RuntimeError(`${error.message} (hint: it is the caller's own, leave it out)`);
}

interface Offset {
  clock: string;
  /** Whole seconds, decimal: 64 bits. */
  secs: string;
  nanosecs: number;
}

const OFFSETS_FILE = "/proc/self/timens_offsets";

/** Opens the file of {@link setTimeOffsets} while it is the process's own, which no one may trace later. */
export const openTimeOffsets = defineOp<{ into: string }>({
  name: "time.open-offsets",
  print: ({ into }) => `${OFFSETS_FILE} →${into}`,
  run: ({ into }, { slots }) => slots.put(into, open(OFFSETS_FILE, O_WRONLY)),
});

/** /proc/self/timens_offsets (time_namespaces(7)), before any child is in the namespace. */
export const setTimeOffsets = defineOp<{ offsets: readonly Offset[]; file: string }>({
  name: "time.set-offsets",
  print: ({ offsets }) => offsets.map(offsetText).join(", "),
  run: ({ offsets, file }, { slots }) => {
    const result = tryWriteOnce(slots.get(file), `${offsets.map(offsetText).join("\n")}\n`);
    slots.close(file);
    if (result < 0) {
      const hint =
        result === -ERANGE ? " (hint: the clock would be below zero or far too large)" : "";
      const text = offsets.map(offsetText).join(", ");
      throw new RuntimeError(
        `${new SyscallError(`write("${OFFSETS_FILE}", "${text}")`, -result).message}${hint}`,
      );
    }
  },
});

function offsetText({ clock, secs, nanosecs }: Offset): string {
  return `${clock} ${secs} ${nanosecs}`;
}

/** fork(2) of the process that joins namespaces on init's behalf. */
export const forkJoiner = defineOp<Record<string, never>>({
  name: "joiner.fork",
  print: () => "",
  run: (_args, context) => context.clone({ flags: 0, child: "joiner" }),
});

interface InitClone {
  flags: number;
  /** The new namespaces, for people. */
  text: string;
  by: "host" | "joiner";
  /** Slot of the cgroup v2 that init is born in. */
  cgroup: string | null;
}

/** clone3(2) of the container's init, with its new namespaces; the joiner's is a child of the host. */
export const cloneInit = defineOp<InitClone>({
  name: "clone",
  print: ({ text, cgroup }) => `${text}${cgroup === null ? "" : ` in ${cgroup}`} →$init`,
  gives: ({ by }) => (by === "joiner" ? "$init" : undefined),
  run: ({ flags, by, cgroup }, context) => {
    try {
      context.clone({
        flags: by === "joiner" ? flags | CLONE_PARENT : flags,
        child: "init",
        ...(cgroup !== null && { cgroup }),
      });
      // The host's, and of no more use to either.
      if (cgroup !== null) context.slots.close(cgroup);
    } catch (error) {
      throw error instanceof SyscallError ? withHint(error, cloneHint(error.errno, by)) : error;
    }
  },
});

/** What clone(2) means by its errors. */
function cloneHint(errno: number, by: InitClone["by"]): string | undefined {
  if (errno === ENOMEM && by === "joiner")
    return "a pid namespace that is joined may have ended with its first process";
  if (errno === EAGAIN)
    return "a limit on processes is reached: of the user (ulimit -u), of a cgroup (pids.max) or of the kernel (kernel.pid_max)";
  if (errno === ENOSPC)
    return "a limit on namespaces is reached, or they are turned off: see /proc/sys/user/max_*_namespaces";
  if (errno === EPERM)
    return "namespaces take CAP_SYS_ADMIN, or a user namespace, which a chroot, the sysctl kernel.unprivileged_userns_clone or AppArmor may forbid; runt doctor tells";
  return undefined;
}

/** Takes over the init that the joiner has cloned. */
export const adoptInit = defineOp<Record<string, never>>({
  name: "init.adopt",
  print: () => "$init",
  run: (_args, context) => context.adoptInit("$init"),
});

/** unshare(2), for what the clone of init cannot make. */
export const unshareNamespace = defineOp<{ type: string; flag: number }>({
  name: "unshare",
  print: ({ type }) => type,
  run: ({ flag }) => callUnshare(flag),
});

/** A new network namespace has its loopback interface down. */
export const bringUp = defineOp<{ name: string }>({
  name: "interface.up",
  print: ({ name }) => name,
  run: ({ name }) => bringInterfaceUp(name),
});

/** sethostname(2). */
export const setHostname = defineOp<{ name: string }>({
  name: "hostname.set",
  print: ({ name }) => name,
  run: ({ name }) => callSethostname(name),
});

/** setdomainname(2). */
export const setDomainname = defineOp<{ name: string }>({
  name: "domainname.set",
  print: ({ name }) => name,
  run: ({ name }) => callSetdomainname(name),
});
