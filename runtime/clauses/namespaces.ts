// linux.namespaces (config-linux.md#namespaces): which are new, which are joined, and the clone.

import type { Config, Namespace } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import {
  adoptInit,
  bringUp,
  cloneInit,
  enterNamespace,
  forkJoiner,
  openNamespace,
  unshareNamespace,
} from "../ops/namespace.ts";
import { type Step, step } from "../plan/step.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
} from "../sys/process.ts";
import { type Container, pointerTo } from "./container.ts";

/** The types that are acted on, with their flag. */
const TYPES: Readonly<Record<string, number>> = {
  pid: CLONE_NEWPID,
  network: CLONE_NEWNET,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  mount: CLONE_NEWNS,
  cgroup: CLONE_NEWCGROUP,
};

/** Names of the types that are acted on, as `features` lists them. */
export const NAMESPACE_TYPES: readonly string[] = Object.keys(TYPES);

export interface NamespacesClause {
  /** Opens what is joined by path, before anything is made. */
  open: readonly Step[];
  /** Everything up to and with the clone of init. */
  clone: readonly Step[];
  /** For init, first of all: the loopback interface of a new network namespace. */
  prepare: readonly Step[];
  /** For init, after its last join: the cgroup namespace, whose root is where init stands. */
  unshareCgroup: readonly Step[];
  problems: readonly Problem[];
}

/** Whether the configuration lists a namespace of this type, new or joined. */
export function hasNamespace(config: Config, type: Namespace["type"]): boolean {
  return config.linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

/** Whether what is changed in the container's namespace of this type stays away from the caller. */
export function isolates(config: Config, container: Container, type: Namespace["type"]): boolean {
  return hasNamespace(config, type) && !container.callerNamespaces.includes(type);
}

/** Whether the container's namespace of this type is made for it. */
export function hasNewNamespace(config: Config, type: Namespace["type"]): boolean {
  return config.linux?.namespaces?.some((one) => one.type === type && isNew(one)) ?? false;
}

function isNew({ path }: Namespace): boolean {
  return path === undefined || path === "";
}

/** `birthplace` is the slot of the cgroup v2 that init is born in, if it is. */
export function namespaces(config: Config, birthplace: string | null): NamespacesClause {
  const listed = (config.linux?.namespaces ?? []).map((namespace, index) => ({
    ...namespace,
    flag: TYPES[namespace.type] ?? 0,
    pointer: pointerTo("/linux/namespaces", index),
    slot: `$${namespace.type}-namespace`,
  }));
  const joined = listed.filter((one) => !isNew(one));
  const made = listed.filter((one) => isNew(one) && one.type !== "cgroup");
  const newCgroup = listed.filter((one) => isNew(one) && one.type === "cgroup");
  const flags = made.reduce((all, { flag }) => all | flag, 0);
  const text = made.map(({ type }) => type).join(" ");
  const because = "/linux/namespaces";
  return {
    open: joined.map(({ type, flag, path = "", pointer, slot }) =>
      step("host", openNamespace({ type, flag, path, into: slot }), pointer),
    ),
    clone:
      joined.length === 0
        ? [step("host", cloneInit({ flags, text, by: "host", cgroup: birthplace }), because)]
        : [
            step("host", forkJoiner({}), because),
            ...joined.map(({ type, flag, pointer, slot }) =>
              step("joiner", enterNamespace({ type, flag, from: slot }), pointer),
            ),
            step("joiner", cloneInit({ flags, text, by: "joiner", cgroup: birthplace }), because),
            step("host", adoptInit({}), because),
          ],
    prepare: made
      .filter(({ type }) => type === "network")
      .map(({ pointer }) => step("init", bringUp({ name: "lo" }), pointer)),
    unshareCgroup: newCgroup.map(({ type, flag, pointer }) =>
      step("init", unshareNamespace({ type, flag }), pointer),
    ),
    problems: listed
      .filter(({ flag }) => flag === 0)
      .map(({ type, pointer }) => ({
        pointer,
        message: `a namespace of type "${type}" is not supported yet`,
        spec: "config-linux.md#namespaces",
      })),
  };
}
