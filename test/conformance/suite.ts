// Runs every validation program against a runtime and compares what it gets. run.ts starts it in a
// mount namespace of its own, after everything is built.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildFolder } from "./build.ts";
import {
  countsText,
  difference,
  readExpected,
  readExpectedInVm,
  writeExpected,
} from "./expected.ts";
import { mountHierarchies } from "./hierarchies.ts";
import { options } from "./options.ts";
import { isClean, type ProgramResult, runProgram } from "./run-program.ts";
import { recordShown } from "./shows.ts";
import { skipReason } from "./skip-reason.ts";

const { runtime, isOurs, only, vm, write } = options(process.argv.slice(2));
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => interrupt.abort());

const programs = readdirSync(join(buildFolder, "bin")).filter((name) => name !== "runtimetest");
const unknown = only.filter((name) => !programs.includes(name));
if (unknown.length > 0) throw new Error(`no program is named ${unknown.join(", ")}`);

const hierarchies = mountHierarchies(["hugetlb", "perf_event", "net_cls,net_prio"]);
if (!hierarchies.v1) console.log("this host has cgroup v2 only, the suite knows v1 only");

const expected = { ...readExpected(), ...(vm ? readExpectedInVm() : {}) };
const results: ProgramResult[] = [];
let failed = 0;
let skipped = 0;
for (const name of programs.sort()) {
  if (only.length > 0 && !only.includes(name)) continue;
  const reason = skipReason(name, hierarchies);
  if (reason !== undefined) {
    console.log(`SKIP ${name}: ${reason}`);
    skipped++;
    continue;
  }
  const result = await runProgram(name, runtime, interrupt.signal);
  if (interrupt.signal.aborted) break;
  results.push(result);
  const problem = isOurs && !write ? difference(result, expected[name]) : undefined;
  if (isOurs && !write ? problem !== undefined : !isClean(result)) failed++;
  report(result, problem);
}

if (write) writeExpected(results);
if (isOurs && only.length === 0) recordShown(results);
console.log(`${results.filter(isClean).length} clean of ${results.length}`);
console.log(`${results.length - failed} passed, ${failed} failed, ${skipped} skipped`);
if (interrupt.signal.aborted) {
  console.log("interrupted");
  process.exit(130);
}
process.exit(failed > 0 && isOurs && !write ? 1 : 0);

function report(result: ProgramResult, problem: string | undefined): void {
  const verdict = isClean(result) ? "clean" : "not clean";
  const seconds = `${result.seconds.toFixed(1)} s`;
  console.log(`${result.name.padEnd(32)} ${countsText(result).padEnd(26)} ${seconds}  ${verdict}`);
  for (const line of result.left) console.log(`  left: ${line}`);
  if (problem !== undefined) console.log(`  DIFFERENT: ${problem}`);
}
