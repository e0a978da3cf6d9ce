// The compiled seccomp filter of a container, kept beside its configuration: compiling the profile of
// an engine takes longer than all else that an exec has to work out.

import type { FilterText } from "../ops/exec.ts";
import type { Plan } from "../plan/step.ts";
import { directoryOf, type Place } from "../store/directory.ts";
import { writeFile } from "../sys/file.ts";
import { textIfThere } from "./text-if-there.ts";

function fileOf(place: Place): string {
  return `${directoryOf(place)}/filter.json`;
}

/** Keeps the filter that a plan loads, if it does. */
export function keepFilter(place: Place, plan: Plan): void {
  for (const { op } of plan) {
    if (op.name !== "exec.prepare" || !("filter" in op.args) || op.args.filter === null) continue;
    writeFile(fileOf(place), JSON.stringify(op.args.filter), 0o600);
  }
}

/** Undefined for a container without a filter, and for those of releases that did not keep it. */
export function keptFilter(place: Place): FilterText | undefined {
  const text = textIfThere(fileOf(place));
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  return isFilter(value) ? value : undefined;
}

function isFilter(value: unknown): value is FilterText {
  return typeof value === "object" && value !== null && "program" in value && "flags" in value;
}
