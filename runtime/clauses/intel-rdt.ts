// linux.intelRdt (config-linux.md#intelrdt): the container's class of service in resctrl, with its
// schemata, and its monitoring group.

import type { Config, IntelRdt } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { type Step, step } from "../plan/step.ts";
import type { Container } from "./container.ts";

const SPEC = "config-linux.md#intelrdt";
const FIELD = "/linux/intelRdt";
/** Directories of resctrl's own, where a class would be. */
const RESERVED = ["info", "mon_data", "mon_groups"];

export interface IntelRdtClause {
  /** The class and the monitoring group, before there is anyone to put there. */
  make: readonly Step[];
  /** Init joins. */
  join: readonly Step[];
  problems: readonly Problem[];
}

export function intelRdt(config: Config, facts: HostFacts, container: Container): IntelRdtClause {
  const field = config.linux?.intelRdt;
  if (field === undefined) return { make: [], join: [], problems: [] };
  const mount = facts.resctrl;
  if (mount === null) return { make: [], join: [], problems: [notMounted] };
  const ops: typeof import("../ops/intel-rdt.ts") = require("../ops/intel-rdt.ts");
  const { missingClasses } = container;
  const [directory = mount, group] = rdtDirectories(field, mount, container.id);
  const writes = writesFrom(field);
  const isOwn = field.closID === undefined;
  const make = [
    ...(isOwn || writes.length > 0
      ? [
          ops.makeClass({
            mount,
            directory,
            writes,
            existing: isOwn ? "write" : "compare",
            removes: isOwn && missingClasses.includes(directory),
          }),
        ]
      : []),
    ...(group === undefined
      ? []
      : [ops.makeGroup({ mount, directory: group, removes: missingClasses.includes(group) })]),
  ];
  const joined = group === undefined ? [directory] : [directory, group];
  return {
    make: make.map((op) => step("host", op, FIELD)),
    join: joined.map((one) => step("host", ops.joinClass({ mount, directory: one }), FIELD)),
    problems: problemsOf(field, { directory, container, isMade: isOwn || writes.length > 0 }),
  };
}

/** Directories of the class and, if there is to be one, of the monitoring group. */
export function rdtDirectories(
  { closID, enableMonitoring }: IntelRdt,
  mount: string,
  id: string,
): string[] {
  const directory = closID === "/" ? mount : `${mount}/${closID ?? id}`;
  return enableMonitoring === true ? [directory, `${directory}/mon_groups/${id}`] : [directory];
}

/** What is written to the schemata file, one write an entry. */
function writesFrom({ l3CacheSchema, memBwSchema, schemata }: IntelRdt): string[][] {
  const memory = memBwSchema ?? "";
  const cache = l3CacheSchema ?? "";
  // memBwSchema stands in for the memory bandwidth that l3CacheSchema may speak of.
  const isReplaced = memory !== "" && cache.startsWith("MB:");
  const first = [isReplaced ? "" : cache, memory].filter((line) => line !== "");
  return [first, schemata ?? []].filter((lines) => lines.length > 0);
}

const notMounted: Problem = {
  pointer: FIELD,
  message: "no resctrl filesystem is mounted",
  spec: SPEC,
  hint: "where the processor has resource control: mount -t resctrl resctrl /sys/fs/resctrl",
};

function problemsOf(
  { closID }: IntelRdt,
  { directory, container, isMade }: { directory: string; container: Container; isMade: boolean },
): Problem[] {
  const pointer = `${FIELD}/closID`;
  const name = closID ?? container.id;
  if (RESERVED.includes(name)) {
    const what = closID === undefined ? "the container's id is" : "found";
    const message = `${what} "${name}", which is no class but a directory of resctrl's own`;
    return [{ pointer, message, spec: SPEC }];
  }
  if (isMade || !container.missingClasses.includes(directory)) return [];
  const message = `there is no class "${name}" (${directory}), and no schemata to make one with`;
  return [{ pointer, message, spec: SPEC }];
}
