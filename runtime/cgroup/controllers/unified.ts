// linux.resources.unified: files of cgroup v2 as they are (config-linux.md#unified). Last of all, so that it
// has the last word on what other fields have been converted to.

import type { Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import { quotaProperties } from "./cpu.ts";
import { maskProperty } from "./cpuset.ts";
import {
  type Controller,
  INFINITY,
  type Limits,
  NO_LIMITS,
  numberProperties,
  type Property,
  type SystemdHost,
  type Write,
} from "./limits.ts";

const POINTER = "/linux/resources/unified";
const SPEC = "config-linux.md#unified";

export const unified: Controller = {
  name: "unified",
  v1: ({ unified = {} }) => ({
    ...NO_LIMITS,
    problems: Object.keys(unified).map((file) => ({
      pointer: pointerOf(file),
      message: "is for hosts with cgroup v2 alone, and this one is not",
      spec: SPEC,
    })),
  }),
  v2,
  systemd,
};

function v2({ unified = {} }: Resources): Limits {
  const entries = Object.entries(unified);
  const problems = entries.flatMap(([file]) => nameProblems(file));
  const writes = entries.flatMap(([file, text]): Write[] => {
    const controller = file.slice(0, Math.max(file.indexOf("."), 0));
    // Files such as io.max take one line a write.
    const lines = text.split("\n").filter((line) => line !== "");
    // An empty list is written as a line: nothing at all would not be a write.
    const values = lines.length === 0 ? ["\n"] : lines;
    return values.map((value) => ({ controller, file, value, pointer: pointerOf(file) }));
  });
  return { writes: problems.length > 0 ? [] : writes, problems, warnings: [] };
}

/** Files that are a number or `max`, and what systemd calls them. */
const NUMBERS: Readonly<Record<string, string>> = {
  "cpu.weight": "CPUWeight",
  "memory.min": "MemoryMin",
  "memory.low": "MemoryLow",
  "memory.high": "MemoryHigh",
  "memory.max": "MemoryMax",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
};

/** Of the files that systemd writes as well; a value that it could not take is the kernel's to refuse. */
function systemd({ unified = {} }: Resources, host: SystemdHost): Property[] {
  return Object.entries(unified).flatMap(([file, text]) => propertiesOf(file, text.trim(), host));
}

function propertiesOf(file: string, text: string, { version }: SystemdHost): Property[] {
  const name = NUMBERS[file];
  if (name !== undefined) {
    const value = text === "max" ? INFINITY : text;
    return /^\d+$/.test(value) ? [{ name, type: "t", value }] : [];
  }
  switch (file) {
    case "cpu.max": {
      const [, quota, period] = /^(max|\d+)(?:\s+(\d+))?$/.exec(text) ?? [];
      if (quota === undefined) return [];
      const limits = { quota: quota === "max" ? -1 : Number(quota) };
      return quotaProperties(
        period === undefined ? limits : { ...limits, period: Number(period) },
        version,
      );
    }
    case "cpu.idle":
      return text === "1" && version >= 252 ? numberProperties([["CPUWeight", 0]]) : [];
    case "cpuset.cpus":
      return version < 244 ? [] : maskProperty("AllowedCPUs", text);
    case "cpuset.mems":
      return version < 244 ? [] : maskProperty("AllowedMemoryNodes", text);
    case "memory.oom.group": {
      const value = { 0: "continue", 1: "kill" }[text];
      return value === undefined || version < 253 ? [] : [{ name: "OOMPolicy", type: "s", value }];
    }
    default:
      return [];
  }
}

/** A name of a file in the cgroup: nothing that leads elsewhere. */
function nameProblems(file: string): Problem[] {
  if (/^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/.test(file)) return [];
  const message = `found "${file}", wanted the name of a file such as memory.high`;
  return [{ pointer: pointerOf(file), message, spec: SPEC }];
}

function pointerOf(file: string): string {
  return `${POINTER}/${file.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
