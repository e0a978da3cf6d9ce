// Random seccomp profiles and system calls that are likely to meet each other.

import { AARCH64 } from "../../runtime/seccomp/arch/aarch64.ts";
import { type Arch, numbersIn } from "../../runtime/seccomp/arch/arch.ts";
import { ARM } from "../../runtime/seccomp/arch/arm.ts";
import { X32 } from "../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../runtime/seccomp/arch/x86_64.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../runtime/seccomp/profile.ts";
import type { SeccompData } from "./bpf-machine.ts";
import type { Random } from "./random.ts";
import { numberOf, tableOf } from "./seccomp-numbers.ts";

const NAMES = (
  "read socket pwrite64 open close restart_syscall exit waitpid ioctl rt_sigaction clone personality mmap " +
  "connect recv sendmsg accept4 semop shmat socketcall ipc stat64 futex openat2 mseal " +
  "preadv2 memfd_secret cacheflush no_such_call"
).split(" ");
const ACTIONS = "KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY".split(" ");
const OPERATORS = "NE LT LE EQ GE GT MASKED_EQ".split(" ");
const VALUES = [0n, 1n, 2n, 5n, 40n, 0xfn, 0xffffffffn, 2n ** 32n, 2n ** 32n + 1n].concat([
  5n * 2n ** 32n,
  5n * 2n ** 32n + 5n,
  0xf0000000fn,
  2n ** 63n,
  2n ** 64n - 1n,
]);
const ARCHS = [X86_64, X86_64, X86, X32, AARCH64, ARM];
/** AUDIT_ARCH_MIPS, which has no table. */
const MIPS = 8;

/** Newest system call of libseccomp 2.5.4, by its number on x86-64. */
const NEWEST_KNOWN = 450;

export function randomProfile(random: Random): Seccomp {
  const architectures = ["X86", "X32", "X86_64", "AARCH64", "ARM", "MIPS"]
    .filter(() => random.below(2) === 0)
    .map((name) => `SCMP_ARCH_${name}`);
  const { action, errnoRet } = randomAction(random, ACTIONS.slice(0, -1));
  return {
    defaultAction: action,
    ...(errnoRet === undefined ? {} : { defaultErrnoRet: errnoRet }),
    architectures,
    syscalls: Array.from({ length: random.below(12) }, () => randomEntry(random)),
  };
}

export function randomCall(random: Random): SeccompData {
  const arch = random.pick(ARCHS);
  return {
    nr: randomNumber(random, random.below(8) === 0 ? random.pick(ARCHS) : arch),
    arch: random.below(16) === 0 ? MIPS : arch.audit,
    args: Array.from({ length: 6 }, () => BigInt.asUintN(64, randomArgument(random))),
  };
}

function randomEntry(random: Random): SeccompSyscall {
  const names = Array.from({ length: 1 + random.below(4) }, () => randomName(random));
  const args = Array.from({ length: random.below(4) }, () => randomArg(random));
  return { names, ...randomAction(random), args };
}

/** Often one of the same few, so that rules overlap. */
function randomName(random: Random): string {
  return random.pick(random.below(2) === 0 ? NAMES.slice(0, 3) : NAMES);
}

function randomAction(random: Random, actions = ACTIONS): { action: string; errnoRet?: number } {
  const action = `SCMP_ACT_${random.pick(actions)}`;
  if (!/ERRNO|TRACE/.test(action) || random.below(2) === 0) return { action };
  return { action, errnoRet: random.pick([0, 1, 2, 38, 4094]) };
}

function randomArg(random: Random): SeccompArg {
  const op = `SCMP_CMP_${random.pick(OPERATORS)}`;
  const value = random.pick(VALUES);
  const index = random.below(random.below(2) === 0 ? 2 : 6);
  return { index, value, op, ...(op.includes("MASKED") ? { valueTwo: random.pick(VALUES) } : {}) };
}

function randomNumber(random: Random, arch: Arch): number {
  const name = randomName(random);
  switch (random.below(8)) {
    case 0:
      return random.pick([
        0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0xeffff, 0xf0000,
        0xf0002, 0xf0007,
      ]);
    case 1:
      return random.below(600);
    case 2:
      return (numberOf(arch, name) ?? 0) + 1;
    case 3:
      return random.pick([102, 117]);
    default:
      return numberOf(arch, name) ?? 0;
  }
}

function randomArgument(random: Random): bigint {
  const value = random.pick(VALUES);
  switch (random.below(4)) {
    case 0:
      return value + 1n;
    case 1:
      return value - 1n;
    default:
      return value;
  }
}

const ALL_NAMES = [...new Set(ARCHS.flatMap((arch) => [...tableOf(arch).keys()]))];

/**
 * A profile of the kind that libseccomp 2.5 gets right, and where its order is certain. With several
 * rules of many conditions, or the same conditions on several calls, it loses rules or never ends.
 * With a negated condition and another one on an argument it forgets the upper half. Between masks
 * the profile's order decides at times. With nothing but a multiplexed call on i386 it forgets to
 * load the number of the call.
 */
export function tameProfile(random: Random): Seccomp {
  const { architectures = [], syscalls: _, ...rest } = randomProfile(random);
  const conditional = random.pick(["read", "socket", "recv", "clone", "semop", "waitpid", "ioctl"]);
  const isKill = rest.defaultAction === "SCMP_ACT_KILL_PROCESS";
  const plain = (): SeccompSyscall => ({
    names: Array.from({ length: 1 + random.below(25) }, () => random.pick(ALL_NAMES)),
    ...randomAction(random),
  });
  const entries = [
    { names: ["getpid"], action: isKill ? "SCMP_ACT_LOG" : "SCMP_ACT_KILL_PROCESS" },
    ...Array.from({ length: random.below(4) }, plain),
    ...(random.below(2) === 0 ? manyConditions(random) : manyRules(random)),
  ];
  const isPlain = ({ args = [] }: SeccompSyscall): boolean => args.length === 0;
  return {
    ...rest,
    architectures: architectures.filter((name) => name !== "SCMP_ARCH_MIPS"),
    syscalls: entries.map((entry) => ({
      ...entry,
      names: isPlain(entry)
        ? entry.names.filter((name) => name !== conditional && !isReserved(name))
        : [conditional],
    })),
  };
}

/** Newer than libseccomp 2.5.4, or not the profile's to say, since runc forbids it. */
function isReserved(name: string): boolean {
  return /^(write|uprobe|uretprobe)$/.test(name) || (numberOf(X86_64, name) ?? 0) > NEWEST_KNOWN;
}

function manyConditions(random: Random): SeccompSyscall[] {
  const args = Array.from({ length: 1 + random.below(3) }, () => randomArg(random));
  const once = args.filter(
    (arg, at) => args.findIndex((other) => other.index === arg.index) === at,
  );
  return [{ names: [], ...randomAction(random), args: once }];
}

/** One condition each, with values of 32 bits; negated and masked ones are alone with their argument. */
function manyRules(random: Random): SeccompSyscall[] {
  const args = Array.from({ length: 1 + random.below(4) }, () => small(randomArg(random)));
  const isAlone = ({ op }: SeccompArg): boolean => /NE|L[ET]$|MASKED/.test(op);
  const kept = args.filter(
    (arg, at) =>
      !args.some(
        (other, before) =>
          before < at && other.index === arg.index && (isAlone(arg) || isAlone(other)),
      ),
  );
  return kept.map((arg) => ({ names: [], ...randomAction(random), args: [arg] }));
}

function small({ value, valueTwo, ...arg }: SeccompArg): SeccompArg {
  const two = valueTwo === undefined ? {} : { valueTwo: BigInt.asUintN(32, BigInt(valueTwo)) };
  return { ...arg, value: BigInt.asUintN(32, BigInt(value)), ...two };
}

/** A call at the edge of a rule: its number or a neighbour's, arguments equal or one beside. */
export function callAtEdge(
  random: Random,
  { architectures = [], syscalls = [] }: Seccomp,
): SeccompData {
  const archs = ARCHS.filter((arch) => arch === X86_64 || architectures.includes(arch.name));
  const arch = random.pick(archs);
  const { names, args = [] } = random.pick(syscalls);
  const name = names.length === 0 ? "getpid" : random.pick(names);
  const calls = [...(arch.multiplexers ?? [])].flatMap(([multiplexer, calls]) => {
    const call = numbersIn(calls).get(name);
    return call === undefined ? [] : [{ number: numberOf(arch, multiplexer) ?? 0, call }];
  });
  const [through] = random.below(2) === 0 ? calls : [];
  const direct = (numberOf(arch, name) ?? random.below(500)) + random.pick([0, 0, 0, 1, -1]);
  const values = Array.from({ length: 6 }, () => randomArgument(random));
  for (const { index, value, valueTwo = 0 } of args) {
    values[Number(index)] =
      BigInt(random.pick([value, value, valueTwo])) + random.pick([0n, 0n, 1n, -1n]);
  }
  if (through !== undefined) values[0] = BigInt(through.call);
  return {
    nr: (through?.number ?? Math.max(direct, 0)) >>> 0,
    arch: arch.audit,
    args: values.map((value) => BigInt.asUintN(64, value)),
  };
}
