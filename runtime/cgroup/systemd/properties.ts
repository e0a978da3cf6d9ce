// The properties of a container's unit: what every unit has, its limits, and what annotations add.

import type { Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import { INFINITY, type Property, type SystemdHost } from "../controllers/limits.ts";
import { CONTROLLERS } from "../controllers/table.ts";
import { annotationProperties } from "./annotations.ts";
import type { Unit } from "./unit.ts";

export interface UnitRequest {
  unit: Unit;
  /** Tells whose unit it is; nobody else's has the same. */
  description: string;
  resources: Resources;
  annotations: Readonly<Record<string, string>>;
  host: SystemdHost;
  /** Whether rules for devices are systemd's to set. */
  devices: boolean;
}

/**
 * All properties but the processes of the unit, which are known when it is started. Each name once:
 * what an annotation or `unified` says has the last word.
 */
export function unitProperties(request: UnitRequest): {
  properties: Property[];
  problems: Problem[];
} {
  const { properties: annotated, problems } = annotationProperties(request.annotations);
  const byName = new Map<string, Property>();
  for (const one of [...baseProperties(request), ...limitProperties(request), ...annotated]) {
    byName.delete(one.name);
    byName.set(one.name, one);
  }
  return { properties: [...byName.values()], problems };
}

type Limited = Pick<UnitRequest, "resources" | "host" | "devices">;

function limitProperties({ resources, host, devices }: Limited): Property[] {
  return CONTROLLERS.filter(({ name }) => devices || name !== "devices").flatMap(
    ({ systemd }) => systemd?.(resources, host) ?? [],
  );
}

/** What has to be set for other limits. A list is added to until it is cleared. */
export function changedProperties(
  before: Resources,
  after: Resources,
  { host, devices }: Omit<Limited, "resources">,
): Property[] {
  const named = (resources: Resources): Map<string, Property> =>
    new Map(limitProperties({ resources, host, devices }).map((one) => [one.name, one]));
  const [old, wanted] = [named(before), named(after)];
  const names = new Set([...old.keys(), ...wanted.keys()]);
  return [...names].flatMap((name) => {
    const [from, to] = [old.get(name), wanted.get(name)];
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    const reset = from ?? to;
    const none = reset && { ...reset, value: NONE[name] ?? (reset.type === "t" ? INFINITY : []) };
    if (to === undefined) return none ?? [];
    return to.type.startsWith("a(") && none ? [none, to] : [to];
  });
}

/** Properties with words for what nobody asks for. */
const NONE: Readonly<Record<string, string>> = { DevicePolicy: "auto", OOMPolicy: "continue" };

/** A slice has the slices above it by its name, and is not delegated. */
function baseProperties({ unit, description, host }: UnitRequest): Property[] {
  const isScope = unit.name.endsWith(".scope");
  const on = (name: string): Property => ({ name, type: "b", value: true });
  return [
    { name: "Description", type: "s", value: description },
    ...(isScope ? [{ name: "Slice", type: "s", value: unit.slice }, on("Delegate")] : []),
    ...(!isScope && unit.slice !== "" ? [{ name: "Wants", type: "as", value: [unit.slice] }] : []),
    on("MemoryAccounting"),
    on("CPUAccounting"),
    on(host.layout === "v1" ? "BlockIOAccounting" : "IOAccounting"),
    on("TasksAccounting"),
    { name: "DefaultDependencies", type: "b", value: false },
  ];
}
