// Entry of the run in virtual machines: boots each layout, whose tests report through a serial port,
// and adds up. Arguments: names of layouts; files of tests to run instead of the layouts' own;
// --conformance, to run all programs of the conformance suite, and nothing else.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildFolder } from "../conformance/build.ts";
import { readExpected, readExpectedInVm } from "../conformance/expected.ts";
import { boot } from "./boot.ts";
import { makeJobDisk } from "./job-disk.ts";
import { type Layout, layouts } from "./layouts.ts";

const images = join(import.meta.dirname, "../../build/vm");
const jobDisk = join(images, "job.img");
/** The tests of one machine keep hardly more than one processor busy. */
const atOnce = 2;

const total = { passed: 0, failed: 0, skipped: 0 };
const words = process.argv.slice(2);
const wholeSuite = words.includes("--conformance");
const limitMs = wholeSuite ? 2_400_000 : 350_000;
const files = words.filter((word) => word.endsWith(".test.ts"));
const names = words.filter((word) => !files.includes(word) && !word.startsWith("--"));
const chosen = layouts.flatMap((layout): Layout[] => {
  if (names.length > 0 && !names.includes(layout.name)) return [];
  if (wholeSuite) return layout.conformance ? [{ ...layout, tests: [] }] : [];
  return [files.length > 0 ? { ...layout, tests: files, conformance: false } : layout];
});
const programs = chosen.some(({ conformance }) => conformance) ? suitePrograms() : [];

const reason = whyNot();
if (reason === undefined) await runAll();
else for (const layout of chosen) skipLayout(layout, reason);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);

/** The reason why no machine can be booted here. */
function whyNot(): string | undefined {
  if (process.arch !== "x64") return "the virtual machine is made for x86-64";
  for (const name of ["qemu-system-x86_64", "mke2fs", "setpriv"]) {
    if (Bun.which(name) === null) return `${name} is not installed`;
  }
  if (existsSync(join(images, "version"))) return undefined;
  const log = join(images, "image.log");
  const words = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").at(-1) : "";
  return `the images could not be made: ${words}`;
}

function skipLayout({ name, tests, conformance }: Layout, why: string): void {
  for (const one of [...tests, ...(conformance ? programs : [])]) skip(`${one}, ${name}`, why);
}

function skip(what: string, why: string): void {
  console.log(`SKIP ${what}: ${why}`);
  total.skipped += 1;
}

/** Programs to run: all, or those that fail here and not on the host, or the other way round. */
function suitePrograms(): string[] {
  const onHost = readExpected();
  const differing = Object.entries(readExpectedInVm()).flatMap(([name, { notOk, exit }]) =>
    onHost[name]?.notOk === notOk && onHost[name].exit === exit ? [] : [name],
  );
  if (!existsSync(join(buildFolder, "version"))) {
    for (const name of differing) skip(name, "the conformance suite is not built");
    return [];
  }
  const all = readdirSync(join(buildFolder, "bin")).filter((name) => name !== "runtimetest");
  return wholeSuite ? all : differing;
}

async function runAll(): Promise<void> {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interrupt.abort());
  }
  makeJobDisk(jobDisk, programs);
  const waiting = [...chosen];
  const runNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await runLayout(next, interrupt.signal);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runNext));
}

async function runLayout(layout: Layout, signal: AbortSignal): Promise<void> {
  const { name, tests, conformance } = layout;
  const startedMs = performance.now();
  const log = join(images, `${name}.log`);
  const tasks = [`runt.tests=${tests.join(",")}`];
  if (conformance) tasks.push(`runt.programs=${programs.join(",")}`);
  const kernel = [...layout.kernel, ...tasks];
  const text = await boot({ images, jobDisk, log, limitMs, kernel }, signal);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${name} (${seconds} s)`);
  console.log(text.trimEnd().replace(/^/gm, "  "));
  const counts = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)];
  const [, code] = /^tests ended with (\d+)$/m.exec(text) ?? [];
  let failed = 0;
  for (const [, passed, failures, skipped] of counts) {
    total.passed += Number(passed);
    failed += Number(failures);
    total.skipped += Number(skipped);
  }
  if (code === undefined) {
    console.log(`  the tests have not come to their end; the kernel's messages: ${log}`);
  }
  total.failed += code === "0" ? failed : Math.max(failed, 1);
}
