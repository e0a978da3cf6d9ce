// Runs test files, each in a process of its own with a time limit, and ends with one line:
// `N passed, N failed, N skipped`. Arguments: folders or files; --jobs=N files at a time, but those
// that say `// Runs alone: WHY`, which come last; --limit=SECONDS a file; --shuffle.

import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { newRecord, removeRecord } from "./spec/shown.ts";
import { patience } from "./support/patience.ts";

interface Result {
  passed: number;
  failed: number;
  skipped: number;
}

const flags = process.argv.slice(2).filter((argument) => argument.startsWith("--"));
const places = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const limitMs = 1000 * Number(flag("limit") ?? 120 * patience);
const jobs = Number(flag("jobs") ?? 1);

const files = places.flatMap(testFiles);
if (flags.includes("--shuffle")) files.sort(() => Math.random() - 0.5);

const running = new Set<Bun.Subprocess>();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    for (const child of running) child.kill("SIGKILL");
    console.log(`ended by ${name}`);
    process.exit(1);
  });
}

const total: Result = { passed: 0, failed: 0, skipped: 0 };
const { alone = [], together = [] } = Object.groupBy(files, (file) =>
  jobs > 1 && !runsAlone(file) ? "together" : "alone",
);
await Promise.all(Array.from({ length: jobs }, () => runAll(together)));
await runAll(alone);
if (total.passed === 0 && total.failed === 0) {
  console.log(`no test ran in ${places.join(" ")}`);
  total.failed = 1;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);

function testFiles(place: string): string[] {
  if (statSync(place).isFile()) return [place];
  const entries: Dirent[] = readdirSync(place, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function flag(name: string): string | undefined {
  return flags.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);
}

/** Whether a file needs a machine where nothing else happens. */
function runsAlone(file: string): boolean {
  return /^\/\/ Runs alone: /m.test(readFileSync(file, "utf8"));
}

/** Takes files from a queue until it is empty. */
async function runAll(queue: string[]): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const result = await runFile(file);
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
  }
}

async function runFile(file: string): Promise<Result> {
  const name = relative(resolve(import.meta.dirname, ".."), resolve(file));
  const startedMs = performance.now();
  const child = Bun.spawn([process.execPath, file], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, FORCE_COLOR: "0", NO_COLOR: "1", TEST_SHOWS: newRecord(name) },
  });
  running.add(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limitMs);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const code = await child.exited;
  running.delete(child);
  clearTimeout(timer);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: uvu colours its report
  const text = `${out}\n${err}`.replace(/\x1b\[[0-9;]*m/g, "");
  const result = { passed: count(text, "Passed"), failed: 0, skipped: count(text, "Skipped") };
  result.failed = Math.max(count(text, "Total") - result.passed - result.skipped, 0);
  if (code !== 0 && result.failed === 0) result.failed = 1;
  const verdict = late ? `TIME LIMIT of ${limitMs / 1000} s` : result.failed > 0 ? "FAILED" : "ok";
  if (verdict !== "ok") removeRecord(name);
  const skips = text.split("\n").filter((line) => line.startsWith("SKIP "));
  // At once, so that no other file's words come in between.
  console.log(
    [
      `${file}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped (${seconds} s) ${verdict}`,
      ...skips.map((line) => `  ${line}`),
      ...(verdict === "ok" ? [] : [text]),
    ].join("\n"),
  );
  return result;
}

function count(text: string, label: string): number {
  const matches = [...text.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, "gm"))];
  return matches.reduce((sum, match) => sum + Number(match[1]), 0);
}
