// linux.cgroupsPath, linux.resources and annotations with --systemd-cgroup: the unit of systemd that has
// the container's processes.

import type { CgroupDirectory } from "../cgroup/paths.ts";
import { unitProperties } from "../cgroup/systemd/properties.ts";
import { unitOf } from "../cgroup/systemd/unit.ts";
import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { unitStart } from "../ops/unit.ts";
import { type Step, step } from "../plan/step.ts";
import type { Container } from "./container.ts";

export interface UnitClause {
  /** By the host, when init is there. */
  readonly steps: readonly Step[];
  /** A slice begins empty, and init has to join it. */
  readonly isSlice: boolean;
  readonly problems: readonly Problem[];
}

export function systemdUnit(
  { linux = {}, annotations = {} }: Config,
  facts: HostFacts,
  container: Pick<Container, "id" | "directory" | "systemd"> & {
    directories: readonly CgroupDirectory[];
  },
): UnitClause {
  const { id, directory, systemd, directories } = container;
  const problems: Problem[] = [];
  const pointer = "/linux/cgroupsPath";
  if (systemd === null) return { steps: [], isSlice: false, problems };
  const layout = facts.cgroup.mode === "v2" ? "v2" : "v1";
  if (systemd.user && layout === "v1") {
    const message = "the systemd of an ordinary user has no cgroups of v1, which this host has";
    problems.push({ pointer, message, hint: "leave out --systemd-cgroup" });
  }
  const unit = unitOf(linux.cgroupsPath, id, systemd);
  if (typeof unit === "string") {
    const hint = "without --systemd-cgroup it is a path";
    const spec = "config-linux.md#cgroups-path";
    return {
      steps: [],
      isSlice: false,
      problems: [...problems, { pointer, message: unit, spec, hint }],
    };
  }
  const { properties, problems: wrong } = unitProperties({
    unit,
    // The folder is this container's alone, so this tells it from others of the same name.
    description: `runt container ${id} (${directory})`,
    resources: linux.resources ?? {},
    annotations,
    host: { layout, version: systemd.version },
    devices: !systemd.user,
  });
  const { name, path } = unit;
  const op = unitStart({
    address: systemd.address,
    name,
    path,
    properties,
    directories: directories.map((one) => one.directory),
  });
  const because = linux.cgroupsPath === undefined ? "" : pointer;
  return {
    steps: [step("host", op, because)],
    isSlice: name.endsWith(".slice"),
    problems: [...problems, ...wrong],
  };
}
