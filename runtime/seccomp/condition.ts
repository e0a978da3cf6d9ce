// Conditions on a system call's arguments, and the order in which rules with conditions are tried.

import type { SeccompArg } from "./profile.ts";

/** One comparison of an argument, in halves of 32 bits: BPF knows no other. */
export interface Condition {
  index: number;
  op: "eq" | "gt" | "ge";
  /** The condition holds if the comparison does not. */
  negated: boolean;
  high: number;
  low: number;
  /** Bits of the argument that count. For `gt` and `ge` all, or on 32 bits all of the low half. */
  highMask: number;
  lowMask: number;
}

/** All conditions hold: the action. Sorted by argument, one condition an argument. */
export interface Rule {
  conditions: readonly Condition[];
  /** SECCOMP_RET_* with its data. */
  action: number;
}

const ALL = 0xffffffff;

/**
 * An argument's comparison in the profile as a condition; undefined where it always holds, which
 * only a mask of 0 does.
 *
 * @param bits Width of the architecture's arguments. On 32 bits the high halves are left out, as
 *   libseccomp does: a -1 written with 64 bits still matches.
 * @throws TypeError if the operator is unknown.
 */
export function conditionFrom(arg: SeccompArg, bits: 32 | 64): Condition | undefined {
  const masked = arg.op === "SCMP_CMP_MASKED_EQ";
  const value = halves(masked ? (arg.valueTwo ?? 0) : arg.value);
  const mask = masked ? halves(arg.value) : { high: ALL, low: ALL };
  const highMask = bits === 64 ? mask.high : 0;
  if (highMask === 0 && mask.low === 0) return undefined;
  return {
    index: Number(arg.index),
    ...operatorFrom(arg.op),
    high: (value.high & highMask) >>> 0,
    low: (value.low & mask.low) >>> 0,
    highMask,
    lowMask: mask.low,
  };
}

/** The condition that argument 0 is this number of a call of socketcall(2) or ipc(2). */
export function callCondition(call: number): Condition {
  return { index: 0, op: "eq", negated: false, high: 0, low: call, highMask: 0, lowMask: ALL };
}

/**
 * The order in which the rules of one system call are tried; the first that matches decides.
 * It only counts where rules with different actions overlap. It is the order of libseccomp's
 * argument tree: by the first argument looked at, highest index first; EQ, NE and MASKED_EQ before
 * LT and LE before GE and GT; tighter limits first (larger values, for LT and LE smaller); among
 * equals the next argument, a rule that has none first; at last the profile's order.
 */
export function inOrder(rules: readonly Rule[], depth = 0): readonly Rule[] {
  if (rules.length < 2) return rules;
  const ended: Rule[] = [];
  const groups: { condition: Condition; rules: Rule[] }[] = [];
  for (const rule of rules) {
    const condition = rule.conditions[depth];
    const group = condition && groups.find((other) => isSame(other.condition, condition));
    if (condition === undefined) ended.push(rule);
    else if (group === undefined) groups.push({ condition, rules: [rule] });
    else group.rules.push(rule);
  }
  groups.sort((a, b) => compare(a.condition, b.condition));
  return [...ended, ...groups.flatMap((group) => inOrder(group.rules, depth + 1))];
}

function operatorFrom(op: string): Pick<Condition, "op" | "negated"> {
  switch (op) {
    case "SCMP_CMP_EQ":
    case "SCMP_CMP_MASKED_EQ":
      return { op: "eq", negated: false };
    case "SCMP_CMP_NE":
      return { op: "eq", negated: true };
    case "SCMP_CMP_GT":
      return { op: "gt", negated: false };
    case "SCMP_CMP_LE":
      return { op: "gt", negated: true };
    case "SCMP_CMP_GE":
      return { op: "ge", negated: false };
    case "SCMP_CMP_LT":
      return { op: "ge", negated: true };
    default:
      throw new TypeError(`seccomp operator "${op}" is unknown`);
  }
}

function halves(value: number | bigint): { high: number; low: number } {
  if (typeof value === "number") return { high: Math.floor(value / 2 ** 32), low: value >>> 0 };
  return { high: Number(value >> 32n), low: Number(value & 0xffffffffn) };
}

/** Whether two conditions hold for the same values. */
export function isSame(a: Condition, b: Condition): boolean {
  return (
    compare(a, b) === 0 &&
    a.op === b.op &&
    a.negated === b.negated &&
    a.highMask === b.highMask &&
    a.lowMask === b.lowMask
  );
}

function compare(a: Condition, b: Condition): number {
  if (a.index !== b.index) return b.index - a.index;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const larger = a.high - b.high || a.low - b.low;
  return rank(a) === 1 ? larger : -larger;
}

/** 0: equality, 1: upper limits, 2: lower limits. */
function rank(condition: Condition): number {
  if (condition.op === "eq") return 0;
  return condition.negated ? 1 : 2;
}
