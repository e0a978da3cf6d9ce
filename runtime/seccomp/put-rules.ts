// The tests of a system call's arguments, as a tree: what several rules have in common at their
// beginning is tested once, and values of one argument are compared one after the other.

import { type Bpf, type Place, putAnd, putJump, putLoad, putReturn } from "./bpf.ts";
import { type Condition, inOrder, isSame, type Rule } from "./condition.ts";

/** Offset in struct seccomp_data, linux/seccomp.h; 8 bytes an argument, the low half first. */
const ARGS = 16;
const ALL = 0xffffffff;

/** The rules of one system call: the first that matches decides, and if none does the fallback. */
export function putRules(bpf: Bpf, rules: readonly Rule[], fallback: number): Place {
  return putTree(bpf, inOrder(rules), { depth: 0, next: putReturn(bpf, fallback) });
}

/** Where the tree stands: conditions before `depth` hold; `next` follows if no rule matches. */
interface Stand {
  depth: number;
  next: Place;
}

function putTree(bpf: Bpf, rules: readonly Rule[], { depth, next }: Stand): Place {
  const [first] = rules;
  // Rules that have come to their end are the first in order.
  if (first !== undefined && first.conditions.length === depth) return putReturn(bpf, first.action);
  let place = next;
  let values: Value[] = [];
  const groups = groupsOf(rules, depth);
  for (let at = groups.length - 1; at >= 0; at -= 1) {
    const { condition, rules: those } = groups[at] ?? { condition: undefined, rules: [] };
    if (condition === undefined) continue;
    // A rule of another value cannot match any more: what follows all of them comes next.
    const yes = putTree(bpf, those, { depth: depth + 1, next: place });
    values.unshift({ condition, yes });
    const before = groups[at - 1]?.condition;
    if (before !== undefined && isOfOneWord(before, condition)) continue;
    place = isValue(condition)
      ? putValues(bpf, values, place)
      : putCondition(bpf, condition, { yes, no: place });
    values = [];
  }
  return place;
}

/** Rules in a row that have a condition in common. */
function groupsOf(rules: readonly Rule[], depth: number) {
  const groups: { condition: Condition; rules: Rule[] }[] = [];
  for (const rule of rules) {
    const condition = rule.conditions[depth];
    const last = groups.at(-1);
    if (condition === undefined) continue;
    if (last !== undefined && isSame(last.condition, condition)) last.rules.push(rule);
    else groups.push({ condition, rules: [rule] });
  }
  return groups;
}

/** A value of an argument, and where the rules go on that want it. */
interface Value {
  condition: Condition;
  yes: Place;
}

/** Whether an argument as a whole is compared with one value. */
function isValue({ op, negated, lowMask, highMask }: Condition): boolean {
  return op === "eq" && !negated && lowMask === ALL && (highMask === ALL || highMask === 0);
}

/** Whether two values differ in the low half alone. */
function isOfOneWord(a: Condition, b: Condition): boolean {
  return isValue(a) && isValue(b) && a.index === b.index && a.high === b.high;
}

function putValues(bpf: Bpf, values: readonly Value[], no: Place): Place {
  let place = no;
  for (let at = values.length - 1; at >= 0; at -= 1) {
    const value = values[at];
    if (value === undefined) continue;
    place = putJump(bpf, { code: "eq", k: value.condition.low, yes: value.yes, no: place });
  }
  const [first] = values;
  if (first === undefined) return place;
  const { index, high, highMask } = first.condition;
  const offset = ARGS + 8 * index;
  place = putLoad(bpf, offset);
  if (highMask === 0) return place;
  place = putJump(bpf, { code: "eq", k: high, yes: place, no });
  return putLoad(bpf, offset + 4);
}

function putCondition(bpf: Bpf, condition: Condition, to: { yes: Place; no: Place }): Place {
  const { index, op, high, low, highMask, lowMask } = condition;
  const { yes, no } = condition.negated ? { yes: to.no, no: to.yes } : to;
  const offset = ARGS + 8 * index;
  let place = yes;
  if (lowMask !== 0) {
    place = putJump(bpf, { code: op, k: low, yes, no });
    place = putArgument(bpf, offset, lowMask);
  }
  if (highMask === 0) return place;
  place = putJump(bpf, { code: "eq", k: high, yes: place, no });
  if (op !== "eq") place = putJump(bpf, { code: "gt", k: high, yes, no: place });
  return putArgument(bpf, offset + 4, highMask);
}

function putArgument(bpf: Bpf, offsetBytes: number, mask: number): Place {
  if (mask !== ALL) putAnd(bpf, mask);
  return putLoad(bpf, offsetBytes);
}
