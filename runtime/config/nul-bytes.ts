// NUL characters: the kernel ends a string there, so that it would act on another one than the
// configuration says. Annotations are not given to the kernel and may hold them.

import type { Problem } from "../errors.ts";
import { foundText } from "./found.ts";
import { schemaTable } from "./schemas.gen.ts";
import { walk } from "./walk.ts";

/** Whether a JSON text can hold a string with a NUL character at all; it can only be escaped. */
export function mayHoldNul(text: string): boolean {
  return text.includes("\\u0000");
}

/** A problem for each string and each key with a NUL character, of a value of a named type. */
export function nulProblems(value: unknown, type: string): NulProblem[] {
  const problems: NulProblem[] = [];
  walk(value, { type, table: schemaTable() }, (visited) => {
    if (visited.pointer.startsWith("/annotations")) return;
    const isMap = visited.node.values !== undefined && typeof visited.value === "object";
    const texts = isMap ? Object.keys(visited.value ?? {}) : [visited.value];
    for (const text of texts) {
      if (typeof text !== "string" || !text.includes("\0")) continue;
      problems.push({
        rule: "no NUL",
        pointer: visited.pointer,
        message: `found ${foundText(text)}, wanted text without NUL characters`,
      });
    }
  });
  return problems;
}

interface NulProblem extends Problem {
  rule: "no NUL";
}
