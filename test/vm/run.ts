// Entry of the run in virtual machines: boots each layout, whose tests report through a serial port,
// and adds up. Arguments: names of layouts; files of tests to run instead of the layouts' own.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { boot } from "./boot.ts";
import { makeJobDisk } from "./job-disk.ts";
import { type Layout, layouts } from "./layouts.ts";

const images = join(import.meta.dirname, "../../build/vm");
const jobDisk = join(images, "job.img");
const limitMs = 350_000;
/** The tests of one machine keep hardly more than one processor busy. */
const atOnce = 2;

const files = process.argv.slice(2).filter((argument) => argument.endsWith(".test.ts"));
const names = process.argv.slice(2).filter((argument) => !files.includes(argument));
const chosen = layouts.filter(({ name }) => names.length === 0 || names.includes(name));

const total = { passed: 0, failed: 0, skipped: 0 };
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

function skipLayout({ name, tests }: Layout, why: string): void {
  for (const file of tests) console.log(`SKIP ${file}, ${name}: ${why}`);
  total.skipped += tests.length;
}

async function runAll(): Promise<void> {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interrupt.abort());
  }
  makeJobDisk(jobDisk);
  const waiting = [...chosen];
  const runNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await runLayout(next, interrupt.signal);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runNext));
}

async function runLayout({ name, kernel, tests }: Layout, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const log = join(images, `${name}.log`);
  const selected = files.length > 0 ? files : tests;
  const text = await boot(
    { images, jobDisk, log, limitMs, kernel: [...kernel, `runt.tests=${selected.join(",")}`] },
    signal,
  );
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${name} (${seconds} s)`);
  console.log(text.trimEnd().replace(/^/gm, "  "));
  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped\ntests ended with \d+$/m.exec(text);
  if (counts === null) {
    console.log(`  the tests have not come to their end; the kernel's messages: ${log}`);
    total.failed += 1;
    return;
  }
  total.passed += Number(counts[1]);
  total.failed += Number(counts[2]);
  total.skipped += Number(counts[3]);
}
