// What a check of `doctor` is: one question to a machine, and the judgement of its answer.

import type { Machine } from "../host/machine.ts";

export interface Judgement {
  /** `limited`: containers run, but not with everything. `fatal`: none can run. */
  verdict: "good" | "limited" | "fatal";
  /** What was found. */
  found: string;
  /** What runt does where it is missing. */
  effect?: string;
  /** What to change about it, where something can be. */
  advice?: string;
}

export interface Check {
  area: string;
  topic: string;
  judge(machine: Machine): Judgement;
  /** It changes this process: asked when everything else is known. */
  last?: true;
}

/** A check with its judgement. */
export interface Finding extends Judgement {
  area: string;
  topic: string;
}

export function good(found: string): Judgement {
  return { verdict: "good", found };
}

/** Words as a list, or "none". */
export function listText(words: readonly string[]): string {
  return words.length === 0 ? "none" : words.join(" ");
}

/** A number from a file such as /proc/sys/user/max_user_namespaces. */
export function numberIn(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+\s*$/.test(text) ? undefined : Number(text);
}
