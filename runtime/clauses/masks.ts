// linux.maskedPaths and linux.readonlyPaths (config-linux.md#masked-paths, #readonly-paths).

import type { Config } from "../config/types.gen.ts";
import { makeReadonly, maskPath } from "../ops/mask.ts";
import { type Clause, step, steps } from "../plan/step.ts";
import { pointerTo } from "./container.ts";

/** Read-only first: a masked path below a read-only one can then still be covered. */
export function masks(config: Config): Clause {
  const { maskedPaths = [], readonlyPaths = [] } = config.linux ?? {};
  return steps([
    ...withPointers(readonlyPaths, "/linux/readonlyPaths").map(({ path, pointer }) =>
      step("init", makeReadonly({ path }), pointer),
    ),
    ...withPointers(maskedPaths, "/linux/maskedPaths").map(({ path, pointer }) =>
      step("init", maskPath({ path }), pointer),
    ),
  ]);
}

/** Each path once, with the pointer of its first mention. */
function withPointers(
  paths: readonly string[],
  parent: string,
): { path: string; pointer: string }[] {
  return paths
    .map((path, index) => ({ path, pointer: pointerTo(parent, index) }))
    .filter(({ path }, index) => paths.indexOf(path) === index);
}
