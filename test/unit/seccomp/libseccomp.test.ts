// Holds our filters against libseccomp's, run by the same interpreter: what they answer, how long
// they are and how many instructions a call takes. libseccomp knows nothing of calls newer than the
// profile, which do not exist for runc and us: there ENOSYS is wanted instead of its answer.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ARCHS } from "../../../runtime/seccomp/arch/machine.ts";
import { compileSeccomp } from "../../../runtime/seccomp/compile.ts";
import type { Seccomp } from "../../../runtime/seccomp/profile.ts";
import { bpfMachine, type SeccompData } from "../../support/bpf-machine.ts";
import { compileC } from "../../support/compile-c.ts";
import { libseccompFilters, type Search } from "../../support/libseccomp.ts";
import { ociProfile } from "../../support/moby-profile.ts";
import { type Random, randomFrom } from "../../support/random.ts";
import { tableOf } from "../../support/seccomp-numbers.ts";
import { callAtEdge, randomCall, tameProfile } from "../../support/seccomp-random.ts";
import { archOf, isAgeless, newestNamed } from "../../support/seccomp-verdict.ts";
import { suiteProfile } from "../../support/suite-profile.ts";

/** Some of which libseccomp refuses. */
const PROFILES = 5_200;
const CALLS = 20;
const ENOSYS = 0x50026;

/** What Docker and Podman grant unless they are told otherwise, as far as profiles care. */
const USUAL = ["CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_KILL", "CAP_SYS_CHROOT"];
const ALL = [..."DAC_READ_SEARCH SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_PACCT".split(" ")]
  .concat("SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG SYS_NICE SYSLOG BPF PERFMON".split(" "))
  .map((name) => `CAP_${name}`);

const folder = mkdtempSync(join(tmpdir(), "runt-libseccomp-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const helper = compileC("libseccomp-filters", folder, ["-lseccomp"]);
const program = "program" in helper ? helper.program : "";
if ("reason" in helper) console.log(`SKIP needs gcc and libseccomp-dev: ${helper.reason}`);
const compare = "reason" in helper ? test.skip : test;

const podman = [resolve("build/seccomp.json"), "/usr/share/containers/seccomp.json"].find((path) =>
  existsSync(path),
);
const known: [name: string, profile: Seccomp | undefined][] = [
  ["Podman's profile", podmanProfile(USUAL)],
  ["Podman's profile with EPERM", withDefault(podmanProfile(USUAL), 1)],
  ["Podman's profile without CAP_AUDIT_WRITE", podmanProfile([])],
  ["Podman's profile with many capabilities", podmanProfile(ALL)],
  ["the suite's profile", "reason" in helper ? undefined : suiteProfile(folder)],
];

for (const [name, profile] of known) {
  if (profile === undefined) {
    console.log(`SKIP ${name}: it is not here (make tools, make build/conformance/version)`);
    test.skip(name);
    continue;
  }
  compare(`${name} decides as libseccomp's filter, with fewer instructions and steps`, () => {
    const random = randomFrom(1);
    const edges = Array.from({ length: 2_000 }, () => callAtEdge(random, profile));
    const ours = filterOf(profile);
    for (const search of ["list", "tree"] as const) {
      const [theirs] = libseccompFilters(program, [{ profile, search }]);
      if (theirs === undefined) throw new Error("libseccomp refused the profile");
      compareAnswers({ profile, ours, theirs, calls: edges });
      const every = { profile, ours, theirs, calls: everyCall(profile) };
      report(`${name}, libseccomp's ${search}`, [compareAnswers(every)]);
    }
  });
}

compare("5,000 random profiles decide as libseccomp's filters, at 100,000 calls", () => {
  const randoms = Array.from({ length: PROFILES }, (_, seed) => randomFrom(seed));
  const profiles = randoms.map(tameProfile);
  const requests = profiles.map((profile) => ({ profile, search: searchFor(profile) }));
  const measured: Measured[] = [];
  for (const [at, theirs] of libseccompFilters(program, requests).entries()) {
    const [profile, random] = [profiles[at], randoms[at]];
    // Rules with equal conditions and different actions are refused.
    if (theirs === undefined || profile === undefined || random === undefined) continue;
    const calls = Array.from({ length: CALLS }, (_, call) => pickCall(random, { profile, call }));
    measured.push(compareAnswers({ profile, ours: filterOf(profile), theirs, calls }));
  }
  assert.ok(measured.length >= 5_000, `${measured.length} compared`);
  report(`${measured.length} random profiles`, measured);
});

test.run();

interface Comparison {
  profile: Seccomp;
  ours: Uint8Array;
  theirs: Uint8Array;
  calls: readonly SeccompData[];
}

interface Measured {
  calls: number;
  instructions: { ours: number; theirs: number };
  /** Of all calls together. */
  steps: { ours: number; theirs: number };
}

function compareAnswers({ profile, ours, theirs, calls }: Comparison): Measured {
  const [runOurs, runTheirs] = [bpfMachine(ours), bpfMachine(theirs)];
  const newest = new Map(ARCHS.map((arch) => [arch, newestNamed(profile, arch)]));
  const steps = { ours: 0, theirs: 0 };
  for (const data of calls) {
    const [our, their] = [runOurs(data), runTheirs(data)];
    steps.ours += our.steps;
    steps.theirs += their.steps;
    const arch = archOf(data);
    const limit = (arch && newest.get(arch)) || Number.POSITIVE_INFINITY;
    const isFiltered =
      arch?.name === "SCMP_ARCH_X86_64" || profile.architectures?.includes(arch?.name ?? "");
    const isNewer = isFiltered && arch && data.nr > limit && !isAgeless(profile, arch, data.nr);
    const wanted = isNewer ? ENOSYS : their.action;
    if (our.action !== wanted) {
      assert.unreachable(`${our.action} instead of ${wanted}: ${text({ data, profile })}`);
    }
  }
  const instructions = { ours: ours.length / 8, theirs: theirs.length / 8 };
  return { calls: calls.length, instructions, steps };
}

/** Prints the sums, and asserts that ours are not more. */
function report(name: string, measured: readonly Measured[]): void {
  const sum = (value: (one: Measured) => number): number =>
    measured.reduce((total, one) => total + value(one), 0);
  const calls = sum((one) => one.calls);
  const [ourLength, theirLength] = [
    sum(({ instructions }) => instructions.ours),
    sum(({ instructions }) => instructions.theirs),
  ];
  const [ourSteps, theirSteps] = [sum(({ steps }) => steps.ours), sum(({ steps }) => steps.theirs)];
  const mean = (steps: number): string => (steps / calls).toFixed(1);
  console.log(
    `${name}: ${ourLength} instructions, libseccomp ${theirLength}; ` +
      `${mean(ourSteps)} steps a call, libseccomp ${mean(theirSteps)} (${calls} calls)`,
  );
  assert.ok(ourLength <= theirLength && ourSteps <= theirSteps, name);
}

/** Half of them at the edges of rules. */
function pickCall(random: Random, { profile, call }: { profile: Seccomp; call: number }) {
  return call % 2 === 0 ? callAtEdge(random, profile) : randomCall(random);
}

/** Every call of every architecture that is filtered, with the same arguments. */
function everyCall({ architectures = [] }: Seccomp): SeccompData[] {
  return ARCHS.filter(({ name }) => architectures.includes(name)).flatMap((arch) =>
    [...tableOf(arch).values()].map((nr) => ({
      nr,
      arch: arch.audit,
      args: [8n, 1n, 2n, 3n, 4n, 5n],
    })),
  );
}

/** As runc has it: a tree where there are many rules. */
function searchFor({ syscalls = [] }: Seccomp): Search {
  return syscalls.flatMap(({ names }) => names).length > 32 ? "tree" : "list";
}

function podmanProfile(capabilities: readonly string[]): Seccomp | undefined {
  if (podman === undefined) return undefined;
  return ociProfile(JSON.parse(readFileSync(podman, "utf8")), { arch: "amd64", capabilities });
}

function withDefault(profile: Seccomp | undefined, errno: number): Seccomp | undefined {
  return profile && { ...profile, defaultErrnoRet: errno };
}

function filterOf(profile: Seccomp): Uint8Array {
  const filter = compileSeccomp(profile, "x86_64");
  if (filter === undefined) throw new Error("the profile is disabled");
  return filter.program;
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
}
