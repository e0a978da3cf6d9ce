// What a profile says of each system call by its name, merged as runc and libseccomp do:
//
// - A rule whose action is the default one is skipped: it does not shadow other rules.
// - A rule without conditions decides for its system call, whatever rules with conditions stand
//   before or after it; of several without conditions the first counts.
// - Conditions on different arguments must all hold; if two are on the same argument, each
//   condition of the rule is a rule of its own.

import { EPERM } from "../errno.ts";
import { conditionFrom, type Rule } from "./condition.ts";
import { ACTION_VALUES, ERRNO_ACTIONS } from "./names.ts";
import type { Seccomp, SeccompSyscall } from "./profile.ts";

/** An action's value for every call of a number, or rules on its arguments (not yet in order). */
export type Outcome = number | readonly Rule[];

/**
 * What is said of a name: an action's value, what is to be looked at once the width of arguments is
 * known, or null: it is named, and the default holds.
 */
export type Said = number | Conditional | null;

/** Entries of the profile, in its order, and what has been made of them by the arguments' width. */
export interface Conditional {
  entries: readonly SeccompSyscall[];
  outcomes: Map<32 | 64, Outcome>;
}

/**
 * What the profile says of the names in it.
 *
 * @throws TypeError if an action is unknown.
 */
export function saidIn(profile: Seccomp, defaultValue: number): Map<string, Said> {
  const said = new Map<string, Said>();
  for (const entry of profile.syscalls ?? []) {
    const value = actionValue(entry.action, entry.errnoRet);
    const isPlain = entry.args === undefined || entry.args.length === 0;
    const fresh = value === defaultValue ? null : isPlain ? value : conditionalOf([entry]);
    for (const name of entry.names) {
      const present = said.get(name) ?? null;
      if (present === null) said.set(name, fresh);
      else if (fresh !== null && typeof present !== "number") {
        said.set(name, conditionalOf([...present.entries, entry]));
      }
    }
  }
  return said;
}

/**
 * SECCOMP_RET_* and its data.
 *
 * @param errnoRet The data of an action that has one; absent: EPERM.
 * @throws TypeError if the action is unknown.
 */
export function actionValue(action: string, errnoRet: number | bigint | undefined): number {
  const value = ACTION_VALUES.get(action);
  if (value === undefined) throw new TypeError(`seccomp action "${action}" is unknown`);
  return ERRNO_ACTIONS.includes(action) ? value + Number(errnoRet ?? EPERM) : value;
}

function conditionalOf(entries: readonly SeccompSyscall[]): Conditional {
  return { entries, outcomes: new Map() };
}

/**
 * What becomes of a system call; the same object for the same width, so that tests can be shared.
 *
 * @param bits Width of the architecture's arguments.
 * @throws TypeError if an operator is unknown.
 */
export function outcomeFrom({ entries, outcomes }: Conditional, bits: 32 | 64): Outcome {
  const outcome = outcomes.get(bits) ?? merged(entries, bits);
  outcomes.set(bits, outcome);
  return outcome;
}

function merged(entries: readonly SeccompSyscall[], bits: 32 | 64): Outcome {
  const rules: Rule[] = [];
  for (const entry of entries) {
    const added = rulesOf(entry, bits);
    const always = added.find(({ conditions }) => conditions.length === 0);
    if (always !== undefined) return always.action;
    rules.push(...added);
  }
  return rules;
}

/** The rules that one entry makes; one without conditions holds always. */
export function rulesOf(entry: SeccompSyscall, bits: 32 | 64): Rule[] {
  const { args = [] } = entry;
  const action = actionValue(entry.action, entry.errnoRet);
  const sameArgument = new Set(args.map((arg) => Number(arg.index))).size < args.length;
  const conjunctions = sameArgument ? args.map((arg) => [arg]) : [args];
  return conjunctions.map((conjunction) => ({
    conditions: conjunction
      .map((arg) => conditionFrom(arg, bits))
      .filter((condition) => condition !== undefined)
      .sort((a, b) => a.index - b.index),
    action,
  }));
}
