// Random seccomp profiles and system calls that are likely to meet each other.

import { X32 } from "../../runtime/seccomp/arch/x32.ts";
import { X86 } from "../../runtime/seccomp/arch/x86.ts";
import { X86_64 } from "../../runtime/seccomp/arch/x86_64.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../runtime/seccomp/profile.ts";
import type { SeccompData } from "./bpf-machine.ts";
import type { Random } from "./random.ts";

const NAMES = (
  "read socket write open close restart_syscall exit waitpid ioctl rt_sigaction clone personality mmap " +
  "connect recv sendmsg accept4 semop shmat socketcall ipc stat64 futex openat2 mseal " +
  "preadv2 no_such_call"
).split(" ");
const ACTIONS = "KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG".split(" ");
const OPERATORS = "NE LT LE EQ GE GT MASKED_EQ".split(" ");
const VALUES = [0n, 1n, 2n, 5n, 40n, 0xfn, 0xffffffffn, 2n ** 32n, 2n ** 32n + 1n].concat([
  5n * 2n ** 32n,
  5n * 2n ** 32n + 5n,
  0xf0000000fn,
  2n ** 63n,
  2n ** 64n - 1n,
]);
const AUDITS = [X86_64.audit, X86_64.audit, X86.audit, 0xc00000b7];

export function randomProfile(random: Random): Seccomp {
  const architectures = ["X86", "X32", "X86_64", "AARCH64"]
    .filter(() => random.below(2) === 0)
    .map((name) => `SCMP_ARCH_${name}`);
  const { action, errnoRet } = randomAction(random);
  return {
    defaultAction: action,
    ...(errnoRet === undefined ? {} : { defaultErrnoRet: errnoRet }),
    architectures,
    syscalls: Array.from({ length: random.below(12) }, () => randomEntry(random)),
  };
}

export function randomCall(random: Random): SeccompData {
  const arch = random.pick(AUDITS);
  return {
    nr: randomNumber(random),
    arch,
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

function randomAction(random: Random): { action: string; errnoRet?: number } {
  const action = `SCMP_ACT_${random.pick(ACTIONS)}`;
  if (!/ERRNO|TRACE/.test(action) || random.below(2) === 0) return { action };
  return { action, errnoRet: random.pick([0, 1, 2, 38, 4095]) };
}

function randomArg(random: Random): SeccompArg {
  const op = `SCMP_CMP_${random.pick(OPERATORS)}`;
  const value = random.pick(VALUES);
  const index = random.below(random.below(2) === 0 ? 2 : 6);
  return { index, value, op, ...(op.includes("MASKED") ? { valueTwo: random.pick(VALUES) } : {}) };
}

function randomNumber(random: Random): number {
  const name = randomName(random);
  const arch = random.pick([X86_64, X86, X32]);
  switch (random.below(8)) {
    case 0:
      return random.pick([
        0, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
      ]);
    case 1:
      return random.below(600);
    case 2:
      return (arch.numberOf(name) ?? 0) + 1;
    case 3:
      return random.pick([102, 117]);
    default:
      return arch.numberOf(name) ?? 0;
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
