// Namespaces: opened by path, joined, unshared; and the clone that makes the new ones.

import { RuntimeError } from "../errors.ts";
import { O_NOCTTY, O_NONBLOCK, O_RDONLY, open } from "../sys/file.ts";
import {
  bringUp as bringInterfaceUp,
  setDomainname as callSetdomainname,
  setHostname as callSethostname,
  unshare as callUnshare,
  joinNamespace,
  namespaceType,
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

/** setns(2). */
export const enterNamespace = defineOp<{ type: string; flag: number; from: string }>({
  name: "namespace.join",
  print: ({ type, from }) => `${type} ${from}`,
  run: ({ flag, from }, { slots }) => joinNamespace(slots.get(from), flag),
});

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
  run: ({ flags, by, cgroup }, context) =>
    context.clone({
      flags: by === "joiner" ? flags | CLONE_PARENT : flags,
      child: "init",
      ...(cgroup !== null && { cgroup }),
    }),
});

/** Takes over the init that the joiner has cloned. */
export const adoptInit = defineOp<Record<string, never>>({
  name: "init.adopt",
  print: () => "$init",
  run: (_args, context) => context.adoptInit("$init"),
});

/** unshare(2), for the cgroup namespace, whose root is where its maker stands. */
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
