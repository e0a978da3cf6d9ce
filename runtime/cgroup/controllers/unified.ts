// linux.resources.unified: files of cgroup v2 as they are (config-linux.md#unified). Last of all, so that it
// has the last word on what other fields have been converted to.

import type { Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import { type Controller, type Limits, NO_LIMITS, type Write } from "./limits.ts";

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
};

function v2({ unified = {} }: Resources): Limits {
  const entries = Object.entries(unified);
  const problems = entries.flatMap(([file]) => nameProblems(file));
  const writes = entries.flatMap(([file, text]): Write[] => {
    const controller = file.slice(0, Math.max(file.indexOf("."), 0));
    // Files such as io.max take one line a write.
    const values = text.includes("\n") ? text.split("\n").filter((line) => line !== "") : [text];
    return values.map((value) => ({ controller, file, value, pointer: pointerOf(file) }));
  });
  return { writes: problems.length > 0 ? [] : writes, problems, warnings: [] };
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
