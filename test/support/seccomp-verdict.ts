// What a seccomp profile says of one system call, worked out from the profile alone and in 64-bit
// numbers: slow and straightforward, to compare compiled filters with.

import { AARCH64 } from "../../runtime/seccomp/arch/aarch64.ts";
import { type Arch, numbersIn } from "../../runtime/seccomp/arch/arch.ts";
import { ARM } from "../../runtime/seccomp/arch/arm.ts";
import { X32 } from "../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../runtime/seccomp/arch/x86_64.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../runtime/seccomp/profile.ts";
import type { SeccompData } from "./bpf-machine.ts";
import { numberOf } from "./seccomp-numbers.ts";

interface FlatRule {
  args: SeccompArg[];
  action: number;
}

/** A level of libseccomp's argument tree: tried from the first to the last. */
type Level = Node[];

interface Node {
  arg: SeccompArg;
  action: number | undefined;
  below: Level;
}

const ACTIONS: Record<string, number> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x30000,
  SCMP_ACT_ERRNO: 0x50000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
};
const BAD_ARCH = 0;
/** __ARM_NR_BASE */
const AGELESS = 0xf0000;
const ENOSYS = 0x50026;

/** SECCOMP_RET_* and its data, on a machine of the native architecture. */
export function verdictOf(profile: Seccomp, data: SeccompData, native = X86_64): number {
  const fallback = actionOf(profile.defaultAction ?? "", profile.defaultErrnoRet);
  const arch = archOf(data);
  const isFiltered = (one: Arch): boolean =>
    one === native || profile.architectures?.includes(one.name) === true;
  if (arch === undefined) return BAD_ARCH;
  if (!isFiltered(arch)) {
    return arch === X32 && isFiltered(X86_64) && data.nr === 0xffffffff ? fallback : BAD_ARCH;
  }
  const entries = profile.syscalls ?? [];
  const newest = newestNamed(profile, arch);
  if (newest > 0 && data.nr > newest && !isAgeless(profile, arch, data.nr)) return ENOSYS;

  const bits = arch === X86_64 || arch === AARCH64 ? 64 : 32;
  const rules = entries
    .flatMap((entry) => flatRules(entry, arch, data.nr))
    .filter((rule) => rule.action !== fallback)
    .map((rule) => ({ ...rule, args: rule.args.filter((arg) => !isVoid(arg, bits)) }));
  const plain = rules.find((rule) => rule.args.length === 0);
  if (plain !== undefined) return plain.action;

  const tree: Level = [];
  for (const { args, action } of rules) {
    insert(tree, args.map((arg) => cut(arg, bits)).sort(byIndex), action);
  }
  return search(tree, data.args, bits) ?? fallback;
}

/**
 * Largest number that a profile names; beyond it calls do not exist. 0: there is no such limit,
 * since nothing is named, or since the default lets calls through.
 */
export function newestNamed({ defaultAction = "", syscalls = [] }: Seccomp, arch: Arch): number {
  if (/ALLOW|LOG|TRACE/.test(defaultAction)) return 0;
  const named = syscalls.flatMap(({ names }) => names.flatMap((name) => numbersOf(arch, name)));
  return Math.max(0, ...named.filter((number) => number - arch.firstNumber < AGELESS));
}

/** Whether a call is one of the machine's own (ARM's) that the profile names. */
export function isAgeless({ syscalls = [] }: Seccomp, arch: Arch, nr: number): boolean {
  return (
    nr - arch.firstNumber >= AGELESS &&
    syscalls.some(({ names }) => names.some((name) => numberOf(arch, name) === nr))
  );
}

/** The architecture by whose table a number is meant; undefined: one that has no table. */
export function archOf({ arch, nr }: SeccompData): Arch | undefined {
  const found = [X86_64, X86, AARCH64, ARM].find(({ audit }) => audit === arch);
  return found === X86_64 && nr >= 0x40000000 ? X32 : found;
}

/** The number of a system call, and that of the call which it can go through. */
function numbersOf(arch: Arch, name: string): number[] {
  const through = multiplexers(arch).filter(({ calls }) => calls.has(name));
  return [numberOf(arch, name), ...through.map(({ number }) => number)].filter(
    (number) => number !== undefined,
  );
}

/** Calls that reach others, with the first arguments that say which. */
function multiplexers(arch: Arch): { number: number; calls: Map<string, number> }[] {
  return [...(arch.multiplexers ?? [])].map(([name, calls]) => ({
    number: numberOf(arch, name) ?? 0,
    calls: numbersIn(calls),
  }));
}

function actionOf(action: string, errnoRet: number | bigint | undefined): number {
  const value = ACTIONS[action];
  if (value === undefined) throw new Error(action);
  return /ERRNO|TRACE/.test(action) ? value + Number(errnoRet ?? 1) : value;
}

/** The rules that an entry of the profile makes for one system call number. */
function flatRules(entry: SeccompSyscall, arch: Arch, nr: number): FlatRule[] {
  const action = actionOf(entry.action, entry.errnoRet);
  const args = entry.args ?? [];
  const indexes = args.map((arg) => arg.index);
  const isTwice = indexes.some((index, at) => indexes.indexOf(index) !== at);
  const alternatives = isTwice ? args.map((arg) => [arg]) : [[...args]];
  // A mask of 0 makes an alternative hold always, and with it the whole entry.
  return entry.names.flatMap((name) => {
    const direct = numberOf(arch, name) === nr ? alternatives : [];
    const through = multiplexers(arch)
      .filter((multiplexer) => multiplexer.number === nr)
      .flatMap(({ calls }) => {
        const call = calls.get(name);
        if (call === undefined) return [];
        const first = { index: 0, op: "SCMP_CMP_EQ", value: call };
        return alternatives.map((some) => [first, ...some.filter((arg) => arg.index !== 0)]);
      });
    return [...direct, ...through].map((some) => ({ args: some, action }));
  });
}

function isVoid(arg: SeccompArg, bits: 32 | 64): boolean {
  return arg.op === "SCMP_CMP_MASKED_EQ" && BigInt.asUintN(bits, BigInt(arg.value)) === 0n;
}

/** The argument with values of the architecture's width, and only masked bits compared. */
function cut(arg: SeccompArg, bits: 32 | 64): SeccompArg {
  const value = BigInt.asUintN(bits, BigInt(arg.value));
  const isMasked = arg.op === "SCMP_CMP_MASKED_EQ";
  return { ...arg, value, valueTwo: isMasked ? BigInt(arg.valueTwo ?? 0) & value : 0n };
}

function byIndex(a: SeccompArg, b: SeccompArg): number {
  return Number(a.index) - Number(b.index);
}

function insert(level: Level, [arg, ...rest]: SeccompArg[], action: number): void {
  if (arg === undefined) return;
  let node = level.find((other) => JSON.stringify(key(other.arg)) === JSON.stringify(key(arg)));
  if (node === undefined) {
    node = { arg, action: undefined, below: [] };
    const before = level.findIndex((other) => isLater(other.arg, arg));
    level.splice(before < 0 ? level.length : before, 0, node);
  }
  if (rest.length === 0) node.action ??= action;
  else insert(node.below, rest, action);
}

function key(arg: SeccompArg): string[] {
  return [arg.index, arg.op.replace("MASKED_", ""), masked(arg).mask, masked(arg).datum].map(
    String,
  );
}

/** Whether a node is tried after a new one. */
function isLater(other: SeccompArg, arg: SeccompArg): boolean {
  if (other.index !== arg.index) return other.index < arg.index;
  if (rank(other) !== rank(arg)) return rank(other) < rank(arg);
  const [a, b] = [masked(other).datum, masked(arg).datum];
  return rank(arg) === 2 ? a > b : a < b;
}

function rank({ op }: SeccompArg): number {
  if (/EQ|NE/.test(op)) return 3;
  return /LT|LE/.test(op) ? 2 : 1;
}

function masked({ op, value, valueTwo }: SeccompArg): { mask: bigint; datum: bigint } {
  if (op === "SCMP_CMP_MASKED_EQ") return { mask: BigInt(value), datum: BigInt(valueTwo ?? 0) };
  return { mask: -1n, datum: BigInt(value) };
}

function search(level: Level, args: readonly bigint[], bits: 32 | 64): number | undefined {
  for (const node of level) {
    const actual = BigInt.asUintN(bits, args[Number(node.arg.index)] ?? 0n);
    if (!holds(node.arg, actual)) continue;
    const action = node.action ?? search(node.below, args, bits);
    if (action !== undefined) return action;
  }
  return undefined;
}

function holds(arg: SeccompArg, actual: bigint): boolean {
  const value = BigInt(arg.value);
  switch (arg.op) {
    case "SCMP_CMP_NE":
      return actual !== value;
    case "SCMP_CMP_LT":
      return actual < value;
    case "SCMP_CMP_LE":
      return actual <= value;
    case "SCMP_CMP_EQ":
      return actual === value;
    case "SCMP_CMP_GE":
      return actual >= value;
    case "SCMP_CMP_GT":
      return actual > value;
    case "SCMP_CMP_MASKED_EQ":
      return (actual & value) === BigInt(arg.valueTwo ?? 0);
    default:
      throw new Error(arg.op);
  }
}
