// The properties of a container's unit: what every unit has, its limits, and what annotations add.

import type { Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import type { Property, SystemdHost } from "../controllers/limits.ts";
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
  const { resources, host } = request;
  const limits = CONTROLLERS.filter(({ name }) => request.devices || name !== "devices").flatMap(
    ({ systemd }) => systemd?.(resources, host) ?? [],
  );
  const { properties: annotated, problems } = annotationProperties(request.annotations);
  const byName = new Map<string, Property>();
  for (const one of [...baseProperties(request), ...limits, ...annotated]) {
    byName.delete(one.name);
    byName.set(one.name, one);
  }
  return { properties: [...byName.values()], problems };
}

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
