// Resources of a container that is there already: what has to be written so that a change holds, from
// the same controllers that create asks.

import { deviceList } from "../cgroup/controllers/devices.ts";
import type { Controller, Write } from "../cgroup/controllers/limits.ts";
import { CONTROLLERS } from "../cgroup/controllers/table.ts";
import type { CgroupDirectory } from "../cgroup/paths.ts";
import type { SystemdManager } from "../cgroup/systemd/unit.ts";
import type { LimitWrite } from "../cgroup/write-limit.ts";
import { mergeResources } from "../config/merge-resources.ts";
import type { IntelRdt, Resources } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { jsonText } from "../json-text.ts";
import {
  cgroupUpdate,
  changeDevices,
  checkMemory,
  keepResources,
  replaceDevices,
} from "../ops/update.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step } from "../plan/step.ts";
import { unmountedProblems } from "./cgroup.ts";
import { rdtDirectories } from "./intel-rdt.ts";

/** A container whose resources change. */
export interface Updated {
  id: string;
  /** Absolute path of the container's own folder. */
  directory: string;
  /** The resources in force. */
  resources: Resources;
  intelRdt: IntelRdt | undefined;
  cgroups: readonly CgroupDirectory[];
  /** With --systemd-cgroup. */
  unit: UpdatedUnit | null;
}

export interface UpdatedUnit {
  name: string;
  manager: SystemdManager;
}

/** What is asked for. */
export interface Change {
  resources: Resources;
  /** Lines for its class of service in resctrl. */
  schemata: readonly string[];
}

export interface UpdateClause {
  /** Whether the limits can be had, before anything is done. */
  check: readonly Step[];
  /** What systemd has to know. */
  unit: readonly Step[];
  limits: readonly Step[];
  devices: readonly Step[];
  schemata: readonly Step[];
  /** What is in force from here on. */
  keep: readonly Step[];
  problems: readonly Problem[];
}

/** config-linux.md#control-groups */
export function update(change: Change, container: Updated, facts: HostFacts): UpdateClause {
  const merged = mergeResources(container.resources, change.resources);
  const layout = facts.cgroup.mode === "v2" ? "v2" : "v1";
  const limits: Step[] = [];
  const problems: Problem[] = [];
  for (const controller of CONTROLLERS) {
    const of = (resources: Resources) => controller[layout](resources);
    problems.push(...of(merged).problems);
    for (const text of of(change.resources).warnings) limits.push(step("host", warn({ text }), ""));
    if (controller.name === "devices") continue;
    // systemd writes all that it knows anew, and rounds some of it.
    const asked = of(container.unit === null ? change.resources : merged).writes;
    const writes = changedWrites(controller, {
      asked,
      before: of(container.resources).writes,
      after: of(merged).writes,
    });
    const [first] = writes;
    if (first === undefined) continue;
    const place = placeFor(controller.name, container, layout);
    if (place === undefined) problems.push(...unmountedProblems(writes));
    else limits.push(writesStep(place.directory, writes));
  }
  const schemata = schemataSteps(change, container, facts);
  return {
    check: checkSteps(change.resources, merged, { container, layout }),
    unit: unitSteps(merged, container, layout),
    limits,
    devices: deviceSteps(change.resources, merged, { container, facts, layout }),
    schemata: schemata.steps,
    keep: [
      step(
        "host",
        keepResources({
          path: `${container.directory}/resources.json`,
          text: jsonText(merged),
        }),
        "",
      ),
    ],
    problems: [...problems, ...schemata.problems],
  };
}

type Layout = "v1" | "v2";

function unitSteps(merged: Resources, { unit, resources }: Updated, layout: Layout): Step[] {
  if (unit === null) return [];
  const {
    changedProperties,
  }: typeof import("../cgroup/systemd/properties.ts") = require("../cgroup/systemd/properties.ts");
  const { unitChange }: typeof import("../ops/unit.ts") = require("../ops/unit.ts");
  const { name, manager } = unit;
  const { address, version, user } = manager;
  const context = { host: { layout, version }, devices: !user };
  const properties = changedProperties(resources, merged, context);
  if (properties.length === 0) return [];
  const former = changedProperties(merged, resources, context);
  return [step("host", unitChange({ address, name, properties, former }), "/linux/resources")];
}

/** On v2 there is one directory; on v1, the one of the controller. */
function placeFor(name: string, { cgroups }: Updated, layout: Layout): CgroupDirectory | undefined {
  return cgroups.find(({ controllers }) => layout === "v2" || controllers.includes(name));
}

/**
 * What the change speaks of, whether the value is new or not, since others may have written the file;
 * what follows from it for other files; and what nobody asks for any more.
 */
export function changedWrites(
  { resets = {} }: Pick<Controller, "resets">,
  writes: { asked: readonly Write[]; before: readonly Write[]; after: readonly Write[] },
): Write[] {
  const { asked, before, after } = writes;
  const isIn = (list: readonly Write[], write: Write, same: (one: Write) => boolean): boolean =>
    list.some((one) => one.file === write.file && same(one));
  const changed = after.filter(
    (write) =>
      isIn(asked, write, (one) => keyOf(one) === keyOf(write)) ||
      !isIn(before, write, ({ value }) => value === write.value),
  );
  const gone = before.filter((write) => !isIn(after, write, () => true));
  return [
    ...changed,
    ...gone.flatMap((write) => {
      const value = resets[write.file];
      return value === undefined ? [] : [{ ...write, value }];
    }),
  ];
}

/** The device of a line for one; the same for all values of other files. */
function keyOf({ value }: Write): string {
  return /^(\d+:\d+) /.exec(value)?.[1] ?? "";
}

function writesStep(directory: string, writes: readonly Write[]): Step {
  const limits = writes.map(
    ({ controller, file, value, otherwise }): LimitWrite => ({
      controller,
      file,
      value,
      fallback: otherwise ?? null,
      required: otherwise === undefined,
    }),
  );
  return step("host", cgroupUpdate({ directory, writes: limits }), sharedPointer(writes));
}

/** The field itself if there is one, or the part of resources that the fields are in. */
function sharedPointer(writes: readonly Write[]): string {
  const pointers = new Set(writes.map(({ pointer }) => pointer));
  const [first = ""] = pointers;
  return pointers.size === 1 ? first : first.split("/").slice(0, 4).join("/");
}

function checkSteps(
  change: Resources,
  { memory }: Resources,
  { container, layout }: { container: Updated; layout: Layout },
): Step[] {
  const limit = change.memory?.limit ?? 0;
  const place = placeFor("memory", container, layout);
  if (memory?.checkBeforeUpdate !== true || limit <= 0 || place === undefined) return [];
  const file = layout === "v2" ? "memory.current" : "memory.usage_in_bytes";
  const { directory } = place;
  return [
    step(
      "host",
      checkMemory({ directory, file, limit: `${limit}` }),
      "/linux/resources/memory/limit",
    ),
  ];
}

function deviceSteps(
  change: Resources,
  merged: Resources,
  { container, facts, layout }: { container: Updated; facts: HostFacts; layout: Layout },
): Step[] {
  if (change.devices === undefined) return [];
  const pointer = "/linux/resources/devices";
  if (facts.uid !== 0 || facts.userNamespace) {
    const text = `${pointer}: only root of the host can set device rules: left out`;
    return [step("host", warn({ text }), "")];
  }
  const place = placeFor("devices", container, layout);
  if (place === undefined) return [];
  const { directory } = place;
  const lists = { former: deviceList(container.resources), list: deviceList(merged) };
  const cgroups = container.cgroups.map((one) => one.directory);
  const op =
    layout === "v2"
      ? replaceDevices({ directory, ...lists })
      : changeDevices({ directory, ...lists, cgroups });
  return [step("host", op, pointer)];
}

function schemataSteps(
  { schemata }: Change,
  { intelRdt, id }: Updated,
  { resctrl }: HostFacts,
): { steps: Step[]; problems: Problem[] } {
  const pointer = "/linux/intelRdt";
  if (schemata.length === 0) return { steps: [], problems: [] };
  if (intelRdt === undefined || resctrl === null) {
    const message =
      intelRdt === undefined
        ? "the container was created without it and has no class of service"
        : "no resctrl filesystem is mounted";
    return { steps: [], problems: [{ pointer, message, spec: "config-linux.md#intelrdt" }] };
  }
  const { changeSchemata }: typeof import("../ops/intel-rdt.ts") = require("../ops/intel-rdt.ts");
  const [directory = resctrl] = rdtDirectories(intelRdt, resctrl, id);
  const op = changeSchemata({ mount: resctrl, directory, lines: schemata });
  return { steps: [step("host", op, pointer)], problems: [] };
}
