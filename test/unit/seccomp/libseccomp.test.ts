// Compares verdicts of our filters with those of the filters that libseccomp exports, for profiles
// whose default lets calls through: no ENOSYS for newer calls there. Random profiles keep to what
// libseccomp 2.5 gets right. With several rules of many conditions, or the same conditions on
// several calls, it loses rules or never ends; with nothing but a multiplexed call on i386 it
// forgets to load the system call number.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { X86_64 } from "../../../runtime/seccomp/arch/x86_64.ts";
import { compileSeccomp } from "../../../runtime/seccomp/compile.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../../runtime/seccomp/profile.ts";
import { actionValue } from "../../../runtime/seccomp/rules.ts";
import { runBpf } from "../../support/bpf-machine.ts";
import { compileC } from "../../support/compile-c.ts";
import { type Random, randomFrom } from "../../support/random.ts";
import { numberOf } from "../../support/seccomp-numbers.ts";
import { randomCall, randomProfile } from "../../support/seccomp-random.ts";
import sample from "../../support/seccomp-sample.json";

const PROFILES = 500;
const CALLS = 60;
/** Newest system call of libseccomp 2.5.4. */
const NEWEST_KNOWN = 450;
/** enum scmp_compare, from 1. */
const OPERATORS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];

const folder = mkdtempSync(join(tmpdir(), "runt-libseccomp-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const helper = compileC("libseccomp-filters", folder, ["-lseccomp"]);
const program = "program" in helper ? helper.program : "";
if ("reason" in helper) console.log(`SKIP needs gcc and libseccomp-dev: ${helper.reason}`);
const compare = "reason" in helper ? test.skip : test;

compare("one rule with conditions on several arguments decides as in libseccomp", () => {
  compareRandom((entries) => {
    const first = entries.find(({ args = [] }) => args.length > 0);
    return entries.filter((entry) => entry === first || entry.args?.length === 0);
  });
});

compare("rules with one condition each are tried in libseccomp's order", () => {
  compareRandom((entries) => entries.map((entry) => ({ ...entry, args: small(entry.args ?? []) })));
});

compare("a long profile decides as in libseccomp", () => {
  const known = sample.syscalls.map((entry) => ({
    ...entry,
    names: entry.names.filter((name) => (numberOf(X86_64, name) ?? 0) <= NEWEST_KNOWN),
  }));
  const profile: Seccomp = {
    ...sample,
    defaultAction: "SCMP_ACT_LOG",
    syscalls: known.filter(({ names }) => names.length > 0),
  };
  const [theirs] = libseccompFilters([withoutErrno(profile)]);
  if (theirs === undefined) throw new Error("libseccomp refused the profile");
  const ours = filterOf(withoutErrno(profile));
  const spaces = [
    { arch: 0xc000003e, first: 0 },
    { arch: 0xc000003e, first: 0x40000000 },
    { arch: 0x40000003, first: 0 },
  ];
  for (const { arch, first } of spaces) {
    for (let number = 0; number < 700; number += 1) {
      const data = { nr: first + number, arch, args: [8n, 1n, 2n, 3n, 4n, 5n] };
      assert.is(runBpf(ours, data), runBpf(theirs, data), `number ${number} of ${arch}`);
    }
  }
});

test.run();

/** @param shape What of a random profile's entries is kept. */
function compareRandom(shape: (entries: readonly SeccompSyscall[]) => SeccompSyscall[]): void {
  const randoms = Array.from({ length: PROFILES }, (_, seed) => randomFrom(seed));
  const profiles = randoms.map((random) => oneCallProfile(random, shape));
  let compared = 0;
  for (const [at, theirs] of libseccompFilters(profiles).entries()) {
    const [profile, random] = [profiles[at], randoms[at]];
    // Rules with equal conditions and different actions are refused.
    if (theirs === undefined || profile === undefined || random === undefined) continue;
    compared += 1;
    const ours = filterOf(profile);
    for (let call = 0; call < CALLS; call += 1) {
      const data = randomCall(random);
      assert.is(runBpf(ours, data), runBpf(theirs, data), `seed ${at}: ${text({ profile, data })}`);
    }
  }
  assert.ok(compared > PROFILES / 2, `${compared} compared`);
}

function oneCallProfile(
  random: Random,
  shape: (entries: readonly SeccompSyscall[]) => SeccompSyscall[],
): Seccomp {
  const profile = randomProfile(random);
  const names = [random.pick(["read", "socket", "recv", "clone", "semop", "waitpid", "ioctl"])];
  const entries = (profile.syscalls ?? []).map((entry) => ({
    ...entry,
    names,
    args: (entry.args ?? []).filter((arg, at, all) => isFirstOfIndex(arg, at, all)),
  }));
  const plain = { names: ["getpid"], action: "SCMP_ACT_KILL_PROCESS" };
  return {
    ...withoutErrno(profile),
    defaultAction: random.pick(["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]),
    syscalls: [...shape(entries), plain],
  };
}

function withoutErrno({ defaultErrnoRet: _, ...profile }: Seccomp): Seccomp {
  return profile;
}

function isFirstOfIndex(arg: SeccompArg, at: number, all: readonly SeccompArg[]): boolean {
  return all.findIndex((other) => other.index === arg.index) === at;
}

/** At most one condition, with values of 32 bits. */
function small(args: readonly SeccompArg[]): SeccompArg[] {
  return args.slice(0, 1).map((arg) => {
    const { valueTwo } = arg;
    const two = valueTwo === undefined ? {} : { valueTwo: BigInt.asUintN(32, BigInt(valueTwo)) };
    return { ...arg, value: BigInt.asUintN(32, BigInt(arg.value)), ...two };
  });
}

function filterOf(profile: Seccomp): Uint8Array {
  const filter = compileSeccomp(profile, "x86_64");
  if (filter === undefined) throw new Error("the profile is disabled");
  return filter.program;
}

/** libseccomp's filters; undefined: it refuses one of the rules. */
function libseccompFilters(profiles: readonly Seccomp[]): (Uint8Array | undefined)[] {
  const stdin = Buffer.from(profiles.map(script).join(""));
  const { exitCode, stdout } = Bun.spawnSync([program], { stdin, timeout: 30_000 });
  assert.is(exitCode, 0, "the helper that calls libseccomp");
  const lines = stdout.toString().trim().split("\n");
  assert.is(lines.length, profiles.length);
  return lines.map((line) =>
    line === "refused" ? undefined : Uint8Array.from(Buffer.from(line, "hex")),
  );
}

/** A profile as runc hands it to libseccomp, in the helper's words. */
function script(profile: Seccomp): string {
  const fallback = actionValue(profile.defaultAction ?? "", profile.defaultErrnoRet);
  const archs = (profile.architectures ?? [])
    .filter((name) => !name.includes("MIPS"))
    .map((name) => `arch ${name.slice("SCMP_ARCH_".length).toLowerCase()}`);
  const rules = (profile.syscalls ?? []).flatMap(({ names, action, errnoRet, args = [] }) => {
    const value = actionValue(action, errnoRet);
    if (value === fallback) return [];
    return names.map((name) => ["rule", value, name, ...args.flatMap(argWords)].join(" "));
  });
  return [`filter ${fallback}`, ...archs, ...rules, "end", ""].join("\n");
}

function argWords({ index, op, value, valueTwo = 0 }: SeccompArg): (number | bigint)[] {
  return [index, 1 + OPERATORS.indexOf(op.slice("SCMP_CMP_".length)), value, valueTwo];
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
}
