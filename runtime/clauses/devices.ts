// linux.devices and the devices that every container has (config-linux.md#default-devices).

import type { Config, Device } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { makeNode, makeSymlink, mountNode, type Node, openNode } from "../ops/node.ts";
import { type Step, step } from "../plan/step.ts";
import { pointerTo } from "./container.ts";
import { mountOptions } from "./mount-options.ts";
import { hasNamespace } from "./namespaces.ts";
import { treeOpener } from "./tree-opener.ts";

function character(path: string, major: number, minor: number): Node {
  return { path, type: "c", major, minor };
}

/** config-linux.md#default-devices, but for /dev/console and /dev/ptmx. */
const DEFAULT_DEVICES: readonly Node[] = [
  character("/dev/null", 1, 3),
  character("/dev/zero", 1, 5),
  character("/dev/full", 1, 7),
  character("/dev/random", 1, 8),
  character("/dev/urandom", 1, 9),
  character("/dev/tty", 5, 0),
];

/** Made if what they point to is there after the mounts (runtime-linux.md#dev-symbolic-links). */
const LINKS: readonly (readonly [path: string, to: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
];

/** Callers may leave the bits of the file's type beside these. */
const PERMISSIONS = 0o7777;

export interface DevicesClause {
  /** By the {@link treeOpener}: the host's own nodes, for a container that may not make any. */
  open: readonly Step[];
  make: readonly Step[];
  problems: readonly Problem[];
}

export function devices(config: Config, facts: HostFacts): DevicesClause {
  const listed = config.linux?.devices ?? [];
  const named = new Set(listed.map(({ path }) => path));
  const own = listed.map((device, index) => ({
    node: nodeFrom(device),
    pointer: pointerTo("/linux/devices", index),
  }));
  const nodes = [...(hostDev(config) ? [] : defaultNodes(named)), ...own];
  const steps = nodes.map((place, index) => nodeSteps(place, `$device${index}`, { config, facts }));
  return {
    open: steps.flatMap(({ open }) => open),
    make: [...steps.flatMap(({ make }) => make), ...(hostDev(config) ? [] : linkSteps())],
    problems: listed.flatMap((device, index) =>
      problemsOf(device, pointerTo("/linux/devices", index)),
    ),
  };
}

interface Place {
  node: Node;
  pointer: string;
}

/** A listed device stands in for the default one of the same path. */
function defaultNodes(named: ReadonlySet<string>): Place[] {
  return DEFAULT_DEVICES.filter(({ path }) => !named.has(path)).map((node) => ({
    node,
    pointer: "",
  }));
}

/**
 * A fifo can be made by anyone, a device only by the root of the initial user namespace. Others get
 * the host's own node, with the host's owner and mode.
 */
function nodeSteps(
  { node, pointer }: Place,
  slot: string,
  { config, facts }: { config: Config; facts: HostFacts },
): { open: Step[]; make: Step[] } {
  if (node.type === "p" || makesNodes(config, facts)) {
    return { open: [], make: [step("init", makeNode(node), pointer)] };
  }
  const { path, type, major, minor } = node;
  const lent = { path, type, major, minor };
  return {
    open: [step(treeOpener(facts), openNode({ ...lent, into: slot }), pointer)],
    make: [step("init", mountNode({ ...lent, from: slot }), pointer)],
  };
}

/** mknod(2) of a device takes CAP_MKNOD in the initial user namespace. */
function makesNodes(config: Config, facts: HostFacts): boolean {
  const isInitial = !facts.userNamespace && !hasNamespace(config, "user");
  return isInitial && facts.capabilities.includes("CAP_MKNOD");
}

function linkSteps(): Step[] {
  const links = LINKS.map(([path, to]) =>
    step("init", makeSymlink({ path, to, existing: "keep", ifThere: true }), ""),
  );
  const ptmx = { path: "/dev/ptmx", to: "pts/ptmx", existing: "replace", ifThere: false } as const;
  return [...links, step("init", makeSymlink(ptmx), "")];
}

/** A /dev of the host's is left as it is: what is made in it would stay behind on the host. */
function hostDev(config: Config): boolean {
  return (config.mounts ?? []).some(
    ({ destination, options }) =>
      /^\/?dev\/?$/.test(destination) && mountOptions(options ?? []).bind !== undefined,
  );
}

function nodeFrom(device: Device): Node {
  return {
    path: device.path,
    type: device.type,
    major: Number(device.major ?? 0),
    minor: Number(device.minor ?? 0),
    ...(device.fileMode !== undefined && { fileMode: device.fileMode & PERMISSIONS }),
    ...(device.uid !== undefined && { uid: device.uid }),
    ...(device.gid !== undefined && { gid: device.gid }),
  };
}

function problemsOf(device: Device, pointer: string): Problem[] {
  const problems: Problem[] = [];
  if (device.type === "p") return problems;
  for (const key of ["major", "minor"] as const) {
    const value = device[key];
    if (value === undefined || Number(value) < 0) {
      problems.push({
        pointer: `${pointer}/${key}`,
        message: `found ${value ?? "nothing"}, wanted the ${key} number of the device`,
        spec: "config-linux.md#devices",
      });
    }
  }
  return problems;
}
