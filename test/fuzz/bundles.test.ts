// Every sample bundle, changed in its structure again and again: `plan` of each, and `create` and
// `delete --force` of some. Whatever comes in is done or refused, in time, in words, without traces.
// FUZZ_SECONDS is how long (120); FUZZ_SEED where it begins, by default another place each time: a
// failure prints the seed of its own, and leaves its config.json in build/fuzz.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { leaks } from "../support/leaks.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { LATE, type Outcome, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { sampleConfig } from "../unit/schemas/sample-config.ts";
import { isHarmless } from "./harmless.ts";
import { donorOf, mutated } from "./mutate.ts";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 120);
const firstSeed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const SAVED = join(import.meta.dirname, "../../build/fuzz");

/** What no text for people has in it: an error of ours, a stack, an object that was printed. */
const BUG =
  /this is a bug|internal error|TypeError|RangeError|ReferenceError|SyntaxError|undefined is not|is not a function|is not an object|\bat .*\(.*:\d+:\d+\)|\$bunfs|\[object /;
const LIMIT_MS = 20_000;
/** One case at a time on each of two processors. */
const LANES = 2;
const CREATES_BETWEEN_LOOKS = 40;

const BUNDLES = join(import.meta.dirname, "../../bundles");

const rootfs = freshDirectory();
execFileSync(join(BUNDLES, "rootfs.sh"), [rootfs]);
const samples = sampleConfigs();
const donor = donorOf(sampleConfig);
const counts = { plans: 0, refused: 0, creates: 0, created: 0 };
const failures: string[] = [];
const endMs = performance.now() + seconds * 1000;
let seed = firstSeed;

test(`${seconds} seconds of changed bundles leave no trace and show no bug`, async () => {
  console.log(`FUZZ_SEED=${firstSeed}`);
  while (isTime()) {
    const first = seed;
    const enough = counts.creates + CREATES_BETWEEN_LOOKS;
    await Promise.all(Array.from({ length: LANES }, () => lane(enough)));
    const left = await leaks();
    if (left.length > 0) failures.push(`seeds ${first} to ${seed - 1} left ${left.join(", ")}`);
  }
  const { plans, refused, creates, created } = counts;
  console.log(
    `${seed - firstSeed} cases from seed ${firstSeed}: ${plans} plans, ${refused} refused, ` +
      `${creates} creates, ${created} containers`,
  );
  assert.is(failures.join("\n"), "");
});

runTests({ limitMs: (seconds + 60) * 1000 });

function isTime(): boolean {
  return performance.now() < endMs && failures.length < 5;
}

async function lane(enoughCreates: number): Promise<void> {
  const directory = freshDirectory();
  while (isTime() && counts.creates < enoughCreates) await runCase(seed++, directory);
}

/** One changed bundle: planned and, if that works and harms nothing, created and deleted. */
async function runCase(own: number, directory: string): Promise<void> {
  const random = randomFrom(own);
  const text = mutated(random.pick(samples), donor, random);
  writeFileSync(join(directory, "config.json"), text);
  const flags = [...maybe(random, "--strict"), ...maybe(random, "--json")];
  counts.plans += 1;
  const planned = await checked(own, text, ["plan", ...flags, "--bundle", directory]);
  if (planned.code !== 0) counts.refused += 1;
  else if (isHarmless(text, rootfs)) await create(own, text, directory);
}

function maybe(random: Random, flag: string): string[] {
  return random.below(8) === 0 ? [flag] : [];
}

/** In namespaces of its own, so that what a bundle shares with its caller is not the host's. */
async function create(own: number, text: string, directory: string): Promise<void> {
  const id = freshName();
  const through = ["unshare", "--mount", "--net", "--uts", "--ipc", "--propagation", "private"];
  counts.creates += 1;
  const { code } = await checked(own, text, ["create", "--bundle", directory, id], through);
  if (code === 0) {
    counts.created += 1;
    await checked(own, text, ["state", id]);
    if (own % 2 === 0) await checked(own, text, ["start", id]);
  }
  const deleted = await checked(own, text, ["delete", "--force", id]);
  if (deleted.code !== 0) failed(own, text, `delete --force: ${deleted.stderr}`);
}

/** Runs a command and looks at its words and its end, whatever that is. */
async function checked(
  own: number,
  text: string,
  args: readonly string[],
  through: readonly string[] = [],
): Promise<Outcome> {
  const outcome = await runt(args, { limitMs: LIMIT_MS, through });
  const { code, stdout, stderr } = outcome;
  const isFine = code === 0 || (code === 1 && stderr.trim() !== "");
  const isClear = !BUG.test(withoutQuotes(stderr)) && stderr.length < 50_000;
  if (code === LATE) failed(own, text, `${args[0]}: no end after ${LIMIT_MS} ms`);
  else if (!isFine) failed(own, text, `${args[0]}: exit ${code}: ${stderr}${stdout}`);
  else if (!isClear) failed(own, text, `${args[0]}: ${stderr}`);
  return outcome;
}

/** What was found in the configuration is shown in quotes and may say anything. */
function withoutQuotes(stderr: string): string {
  return stderr.replace(/\\?"(?:[^"\\]|\\\\.)*\\?"/g, "");
}

function failed(own: number, text: string, what: string): void {
  mkdirSync(SAVED, { recursive: true });
  const file = join(SAVED, `${own}.json`);
  writeFileSync(file, text);
  failures.push(`seed ${own} (${file}): ${what.slice(0, 2000)}`);
}

/** The bundles, on a root filesystem and in cgroups of this test's own, and a sample of all fields. */
function sampleConfigs(): unknown[] {
  const files = readdirSync(BUNDLES)
    .map((name) => join(BUNDLES, name, "config.json"))
    .filter((file) => existsSync(file));
  const configs: unknown[] = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
  return [...configs, ...configs, sampleConfig].map((config) => {
    const { root, linux, ...rest } = Object(config);
    const { cgroupsPath: _, ...others } = Object(linux);
    return { ...rest, root: { ...root, path: rootfs }, linux: others };
  });
}
