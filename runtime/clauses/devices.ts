// linux.devices and the devices that every container has (config-linux.md#default-devices).

import type { Config, Device } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { makeNode, makeSymlink, type Node } from "../ops/node.ts";
import { type Step, step } from "../plan/step.ts";
import { pointerTo } from "./container.ts";
import { mountOptions } from "./mount-options.ts";

const RW_ALL = 0o666;

function character(path: string, major: number, minor: number): Node {
  return { path, type: "c", major, minor, fileMode: RW_ALL, uid: 0, gid: 0 };
}

/** config-linux.md#default-devices, but for /dev/console and /dev/ptmx. */
export const DEFAULT_DEVICES: readonly Node[] = [
  character("/dev/null", 1, 3),
  character("/dev/zero", 1, 5),
  character("/dev/full", 1, 7),
  character("/dev/random", 1, 8),
  character("/dev/urandom", 1, 9),
  character("/dev/tty", 5, 0),
];

/** runtime-linux.md#dev-symbolic-links */
const LINKS: readonly (readonly [path: string, to: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
];

export interface DevicesClause {
  make: readonly Step[];
  problems: readonly Problem[];
}

export function devices(config: Config): DevicesClause {
  const listed = config.linux?.devices ?? [];
  const named = new Set(listed.map(({ path }) => path));
  const own = listed.map((device, index) => ({
    node: nodeFrom(device),
    pointer: pointerTo("/linux/devices", index),
  }));
  const defaults = hostDev(config) ? [] : defaultSteps(named);
  return {
    make: [...defaults, ...own.map(({ node, pointer }) => step("init", makeNode(node), pointer))],
    problems: listed.flatMap((device, index) =>
      problemsOf(device, pointerTo("/linux/devices", index)),
    ),
  };
}

/** A listed device stands in for the default one of the same path. */
function defaultSteps(named: ReadonlySet<string>): Step[] {
  const nodes = DEFAULT_DEVICES.filter(({ path }) => !named.has(path)).map((node) =>
    step("init", makeNode(node), ""),
  );
  const links = LINKS.map(([path, to]) =>
    step("init", makeSymlink({ path, to, existing: "keep" }), ""),
  );
  const ptmx = makeSymlink({ path: "/dev/ptmx", to: "pts/ptmx", existing: "replace" });
  return [...nodes, ...links, step("init", ptmx, "")];
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
    fileMode: device.fileMode ?? RW_ALL,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
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
