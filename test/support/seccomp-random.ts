// Random seccomp profiles and system calls that are likely to meet each other.

import { AARCH64 } from "../../runtime/seccomp/arch/aarch64.ts";
import type { Arch } from "../../runtime/seccomp/arch/arch.ts";
import { ARM } from "../../runtime/seccomp/arch/arm.ts";
import { X32 } from "../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../runtime/seccomp/arch/x86_64.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../runtime/seccomp/profile.ts";
import type { SeccompData } from "./bpf-machine.ts";
import type { Random } from "./random.ts";
import { numberOf } from "./seccomp-numbers.ts";

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
  return { action, errnoRet: random.pick([0, 1, 2, 38, 4095]) };
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
