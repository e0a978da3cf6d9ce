// socketcall(2) and ipc(2) of i386: rules for socket(2) and the like also mean calls through these.

import { type CallNames, numbersIn } from "./arch/arch.ts";
import { callCondition, type Rule } from "./condition.ts";
import type { Seccomp } from "./profile.ts";
import { actionValue, rulesOf, type Said } from "./rules.ts";

/**
 * What is said of a multiplexer for which the profile has no certain action.
 *
 * @param calls What it reaches, by its first argument.
 * @returns undefined if neither it nor what it reaches is named.
 */
export function multiplexed(
  name: string,
  calls: CallNames,
  { profile, defaultValue }: { profile: Seccomp; defaultValue: number },
): Said | undefined {
  const numbers = numbersIn(calls);
  const rules: Rule[] = [];
  let isNamed = false;
  for (const entry of profile.syscalls ?? []) {
    const isDirect = entry.names.includes(name);
    const reached = entry.names
      .map((each) => numbers.get(each))
      .filter((each) => each !== undefined);
    if (!isDirect && reached.length === 0) continue;
    isNamed = true;
    if (actionValue(entry.action, entry.errnoRet) === defaultValue) continue;
    const own = rulesOf(entry, 32);
    const always = own.find(({ conditions }) => conditions.length === 0);
    if (isDirect && always !== undefined) return always.action;
    if (isDirect) rules.push(...own);
    for (const call of reached) rules.push(...through(call, always === undefined ? own : [always]));
  }
  if (rules.length > 0) return { entries: [], outcomes: new Map([[32, rules]]) };
  return isNamed ? null : undefined;
}

/** The first argument is the call's number; conditions on the others stay. */
function through(call: number, rules: readonly Rule[]): Rule[] {
  return rules.map(({ conditions, action }) => ({
    conditions: [callCondition(call), ...conditions.filter(({ index }) => index !== 0)],
    action,
  }));
}
