// A profile as rules: for every architecture, what happens to each system call number.

import { RuntimeError } from "../errors.ts";
import type { Arch } from "./arch/arch.ts";
import { callCondition, conditionFrom, type Rule } from "./condition.ts";
import { ACTION_VALUES, ERRNO_ACTIONS } from "./names.ts";
import type { Seccomp, SeccompSyscall } from "./profile.ts";

/** An action's value for every call of a number, or rules on its arguments (not yet in order). */
export type Outcome = number | readonly Rule[];

export interface ArchRules {
  arch: Arch;
  /** By system call number less the architecture's `firstNumber`. */
  outcomes: (Outcome | undefined)[];
  /** Largest system call number that the profile names, socketcall(2) for socket(2); 0 if none. */
  newest: number;
}

const EPERM = 1;

/**
 * What the profile says of each system call, merged as runc and libseccomp do:
 *
 * - A rule whose action is the default one is skipped: it does not shadow other rules.
 * - A rule without conditions decides for its system call, whatever rules with conditions stand
 *   before or after it; of several without conditions the first counts.
 * - Conditions on different arguments must all hold; if two are on the same argument, each
 *   condition of the rule is a rule of its own.
 * - On i386, socket(2) and the like also mean their calls through socketcall(2) and ipc(2).
 *
 * @returns The rules of each of `archs`, and the names that none of them knows.
 * @throws RuntimeError if an action or an operator is unknown.
 */
export function rulesFrom(
  profile: Seccomp,
  archs: readonly Arch[],
): { archRules: ArchRules[]; unknown: string[] } {
  const archRules = archs.map((arch): ArchRules => ({ arch, outcomes: [], newest: 0 }));
  const unknown: string[] = [];
  const defaultValue = actionValue(profile.defaultAction ?? "", profile.defaultErrnoRet);
  for (const entry of profile.syscalls ?? []) {
    const action = actionValue(entry.action, entry.errnoRet);
    let missing = entry.names;
    for (const rules of archRules) {
      const outcome =
        action === defaultValue ? undefined : outcomeFrom(entry, action, rules.arch.argumentBits);
      const missingHere = addEntry(rules, entry.names, outcome);
      missing =
        missing === entry.names
          ? missingHere
          : missing.filter((name) => missingHere.includes(name));
    }
    unknown.push(...missing);
  }
  return { archRules, unknown };
}

/**
 * SECCOMP_RET_* and its data.
 *
 * @param errnoRet The data of an action that has one; absent: EPERM.
 * @throws RuntimeError if the action is unknown.
 */
export function actionValue(action: string, errnoRet: number | bigint | undefined): number {
  const value = ACTION_VALUES.get(action);
  if (value === undefined) throw new RuntimeError(`seccomp action "${action}" is unknown`);
  return ERRNO_ACTIONS.includes(action) ? value + Number(errnoRet ?? EPERM) : value;
}

function outcomeFrom(entry: SeccompSyscall, action: number, bits: 32 | 64): Outcome {
  const args = entry.args ?? [];
  if (args.length === 0) return action;
  const sameArgument = new Set(args.map((arg) => Number(arg.index))).size < args.length;
  const conjunctions = sameArgument ? args.map((arg) => [arg]) : [args];
  const rules = conjunctions.map((conjunction) => ({
    conditions: conjunction
      .map((arg) => conditionFrom(arg, bits))
      .filter((condition) => condition !== undefined)
      .sort((a, b) => a.index - b.index),
    action,
  }));
  return rules.some((rule) => rule.conditions.length === 0) ? action : rules;
}

/** The outcome for calls through a multiplexer, whose first argument is the call's number. */
function throughCall(outcome: Outcome, call: number): Outcome {
  const rules = typeof outcome === "number" ? [{ conditions: [], action: outcome }] : outcome;
  return rules.map(({ conditions, action }) => ({
    conditions: [callCondition(call), ...conditions.filter(({ index }) => index !== 0)],
    action,
  }));
}

/**
 * @param outcome Absent: the names only count for `newest`.
 * @returns The names that the architecture does not know.
 */
function addEntry(
  rules: ArchRules,
  names: readonly string[],
  outcome: Outcome | undefined,
): readonly string[] {
  const { numberOf, firstNumber, multiplexers = [] } = rules.arch;
  let missing: string[] = [];
  for (const name of names) {
    const number = numberOf(name);
    if (number === undefined) missing.push(name);
    else {
      if (number > rules.newest) rules.newest = number;
      if (outcome !== undefined) addOutcome(rules, number - firstNumber, outcome);
    }
  }
  for (const { number, callOf } of multiplexers) {
    missing = missing.filter((name) => callOf(name) === undefined);
    for (const name of names) {
      const call = callOf(name);
      if (call === undefined) continue;
      if (number > rules.newest) rules.newest = number;
      if (outcome !== undefined) {
        addOutcome(rules, number - firstNumber, throughCall(outcome, call));
      }
    }
  }
  return missing;
}

function addOutcome({ outcomes }: ArchRules, at: number, added: Outcome): void {
  const present = outcomes[at];
  if (typeof present === "number") return;
  const both = present !== undefined && typeof added !== "number";
  outcomes[at] = both ? [...present, ...added] : added;
}
