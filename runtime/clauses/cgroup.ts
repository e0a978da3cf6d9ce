// linux.cgroupsPath and linux.resources: the container's cgroup, its limits, and when init joins.

import { deviceList } from "../cgroup/controllers/devices.ts";
import type { Write } from "../cgroup/controllers/limits.ts";
import { CONTROLLERS } from "../cgroup/controllers/table.ts";
import { type CgroupDirectory, containerCgroups, namesNoCgroup } from "../cgroup/paths.ts";
import type { Config, Resources } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import {
  cgroupCreate,
  cgroupEnable,
  cgroupFillCpuset,
  cgroupJoin,
  cgroupWrite,
} from "../ops/cgroup.ts";
import { attachDevices } from "../ops/device-program.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step } from "../plan/step.ts";
import { type CgroupWays, cgroupWays, isRootless, pathsOf } from "./cgroup-ways.ts";
import type { Container } from "./container.ts";

const SPEC = "config-linux.md#control-groups";

export interface CgroupClause extends CgroupWays {
  /** Before the clone. */
  readonly create: readonly Step[];
  /** Before anything joins. */
  readonly limits: readonly Step[];
  readonly problems: readonly Problem[];
}

type CgroupContainer = Pick<
  Container,
  "id" | "directory" | "missingCgroups" | "rootless" | "systemd"
>;

/** The cgroup of a container to be created (config-linux.md#control-groups). */
export function cgroup(config: Config, facts: HostFacts, container: CgroupContainer): CgroupClause {
  const { resources = {} } = config.linux ?? {};
  const cgroupsPath = config.linux?.cgroupsPath || undefined;
  const directories = containerCgroups(facts.cgroup, cgroupsPath, container);
  if (container.systemd !== null) return ofUnit(config, facts, { ...container, directories });
  const limits = limitsFor(resources, facts, directories);
  const asked = cgroupsPath !== undefined || limits.steps.some((one) => one.because !== "");
  const optional = !asked && container.rootless;
  const because = cgroupsPath === undefined ? "" : "/linux/cgroupsPath";
  return {
    create: createSteps(directories, container.missingCgroups, { optional, because }),
    limits: limits.steps,
    ...cgroupWays(directories, facts, { optional, because }),
    problems: [...limits.problems, ...pathProblems(cgroupsPath)],
  };
}

/** `delete` ends what is in the container's cgroup, which had better not be everything. */
function pathProblems(cgroupsPath: string | undefined): Problem[] {
  if (cgroupsPath === undefined || !namesNoCgroup(cgroupsPath)) return [];
  const message = `found "${cgroupsPath}", wanted a cgroup of the container's own`;
  return [{ pointer: "/linux/cgroupsPath", message, spec: "config-linux.md#cgroups-path" }];
}

/**
 * With systemd: the unit, which begins with a process in it and so comes after the clone, late for
 * the same reason as every join; then the files, because systemd does not know them all. Of v1 it
 * has some hierarchies only: the cgroups are made beforehand, where they can be shown to init.
 */
function ofUnit(
  config: Config,
  facts: HostFacts,
  container: CgroupContainer & { directories: readonly CgroupDirectory[] },
): CgroupClause {
  const { cgroupsPath, resources = {} } = config.linux ?? {};
  const { directories, missingCgroups } = container;
  const because = cgroupsPath === undefined ? "" : "/linux/cgroupsPath";
  const isV2 = facts.cgroup.mode === "v2";
  const limits = limitsFor(resources, facts, directories);
  const unit = unitFor(config, facts, container);
  const [v2] = directories;
  const making = createSteps(directories, missingCgroups, { optional: false, because });
  const join = cgroupJoin({ directories: pathsOf(directories), optional: false });
  return {
    ...{ limits: [], open: [], birthplace: null, enter: [], enterMemory: [], join: [] },
    create: isV2 ? [] : making,
    joinMemory: [
      ...unit.steps,
      // Controllers that systemd does not know, such as hugetlb.
      ...(isV2 && v2 !== undefined ? [step("host", cgroupEnable(placeOf(v2)), because)] : []),
      ...limits.steps,
      ...(isV2 && !unit.isSlice ? [] : [step("host", join, because)]),
    ],
    // Without a unit there is no cgroup to have the controllers for.
    problems: unit.steps.length === 0 ? unit.problems : [...limits.problems, ...unit.problems],
  };
}

/** Loaded for those who use it. */
function unitFor(
  ...args: Parameters<typeof import("./systemd-unit.ts").systemdUnit>
): ReturnType<typeof import("./systemd-unit.ts").systemdUnit> {
  const { systemdUnit }: typeof import("./systemd-unit.ts") = require("./systemd-unit.ts");
  return systemdUnit(...args);
}

function createSteps(
  directories: readonly CgroupDirectory[],
  missing: readonly string[],
  { optional, because }: { optional: boolean; because: string },
): Step[] {
  if (directories.length === 0) return [];
  const host = (op: Step["op"]): Step => step("host", op, because);
  const cpuset = directories.find((one) => one.controllers.includes("cpuset"));
  const unified = directories.find(({ controllers }) => controllers.length === 0);
  return [
    host(cgroupCreate({ directories: pathsOf(directories), missing, optional })),
    ...(cpuset === undefined ? [] : [host(cgroupFillCpuset({ ...placeOf(cpuset), optional }))]),
    // Beside hierarchies of v1 the unified one has no controllers to pass on.
    ...(unified === undefined || directories.length > 1
      ? []
      : [host(cgroupEnable(placeOf(unified)))]),
  ];
}

function placeOf({ directory, mount }: CgroupDirectory) {
  return { directory, mount };
}

function limitsFor(
  resources: Resources,
  facts: HostFacts,
  directories: readonly CgroupDirectory[],
): { steps: Step[]; problems: Problem[] } {
  const steps: Step[] = [];
  const problems: Problem[] = [];
  const layout = facts.cgroup.mode === "v2" ? "v2" : "v1";
  for (const controller of CONTROLLERS) {
    const { writes, problems: wrong, warnings } = controller[layout](resources);
    problems.push(...wrong);
    for (const text of warnings) steps.push(step("host", warn({ text }), ""));
    if (controller.name === "devices" && isRootless(facts)) {
      steps.push(...devicesWarning(resources));
      continue;
    }
    const found = directories.find(
      ({ controllers }) => layout === "v2" || controllers.includes(controller.name),
    );
    if (layout === "v2" && controller.name === "devices") {
      steps.push(...deviceSteps(resources, directories));
      continue;
    }
    if (found) steps.push(...writes.map((write) => writeStep(found.directory, write)));
    else problems.push(...unmountedProblems(writes));
  }
  return { steps, problems };
}

function writeStep(
  directory: string,
  { controller, file, value, otherwise, pointer }: Write,
): Step {
  const required = otherwise === undefined;
  const fallback = otherwise ?? null;
  return step(
    "host",
    cgroupWrite({ directory, controller, file, value, fallback, required }),
    pointer,
  );
}

/** A program has the place of v1's files; a list that forbids nothing needs none. */
function deviceSteps(resources: Resources, [place]: readonly CgroupDirectory[]): Step[] {
  const list = deviceList(resources);
  const isOpen = list.everything && list.exceptions.length === 0;
  if (place === undefined || isOpen) return [];
  const because = resources.devices === undefined ? "" : "/linux/resources/devices";
  return [step("host", attachDevices({ directory: place.directory, list }), because)];
}

/** One problem a limit, and one for the whole list of devices. */
export function unmountedProblems(writes: readonly Write[]): Problem[] {
  const pointers = new Set(writes.map(({ pointer }) => pointer.replace(/\/\d+$/, "")));
  pointers.delete("");
  const message = `cannot be set: the cgroup controller ${writes[0]?.controller} is not mounted`;
  return [...pointers].map((pointer) => ({ pointer, message, spec: SPEC }));
}

/** The kernel leaves device rules to root in the initial user namespace (devices.rst). */
function devicesWarning({ devices = [] }: Resources): Step[] {
  if (devices.length === 0) return [];
  const text = "/linux/resources/devices: only root of the host can set device rules: left out";
  return [step("host", warn({ text }), "")];
}
