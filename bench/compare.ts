// The benchmark itself. run.ts starts it in a mount namespace of its own, with the path of the runtime
// under test.

import { mkdtempSync, rmSync } from "node:fs";
import { mountHierarchies, strayControllers } from "../test/conformance/hierarchies.ts";
import { cleanUp as cleanUpRoom } from "../test/support/leaks.ts";
import { type Case, cases, type Measured } from "./cases.ts";
import { lacksContainerd } from "./containerd.ts";
import { interleaved } from "./measure.ts";
import { peakMemory } from "./memory.ts";
import { peers, type Runtime } from "./peers.ts";
import { endShims, measureShims } from "./shims.ts";
import { smallestLimitKib } from "./smallest-limit.ts";
import { printCgroupSteps, printSteps } from "./steps.ts";
import { headerLine, rowLine } from "./table.ts";

// Budgets are for the runs without rest.
const modes = [
  { title: "no rest", rounds: 40, restMs: 0, hasBudget: true },
  { title: "0.4 s of rest", rounds: 15, restMs: 400, hasBudget: false },
];

const limitBudgetKib = 1024;

const [command = "", only = ""] = process.argv.slice(2);
const runtimes: Runtime[] = [{ name: "runt", command }, ...peers()];
mountHierarchies(strayControllers());
const folder = mkdtempSync("/run/runt-bench-");
let current: Case | undefined;
let isEnding = false;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => {
    // One comes from run.ts, and perhaps one from whoever ends both.
    if (!isEnding) cleanUp().finally(() => process.exit(130));
    isEnding = true;
  });
}
try {
  console.log(headerLine(runtimes));
  const isAsked = (title: string): boolean => title.includes(only);
  for (const one of cases(folder, runtimes)) if (isAsked(one.title)) await measure(one);
  if (isAsked("memory")) measureMemory();
  if (isAsked("shim") && lacksContainerd() === undefined) await measureShims(runtimes, folder);
  if (isAsked("steps")) {
    printSteps(command, folder);
    printCgroupSteps(command, folder);
  }
} catch (error) {
  // What is being measured is ended under its hands then.
  if (!isEnding) throw error;
} finally {
  await cleanUp();
}

async function measure(one: Case): Promise<void> {
  current = one;
  await one.begin?.();
  for (const measured of [one, ...(one.also ?? [])]) await measureRows(measured);
  current = undefined;
  await one.end?.();
}

async function measureRows({ title, budget, sample, suits, rounds }: Measured): Promise<void> {
  const able = runtimes.filter((runtime) => suits?.(runtime) ?? true);
  for (const mode of modes) {
    if (rounds !== undefined && mode.restMs > 0) continue;
    const medians = await interleaved(able, sample, { ...mode, rounds: rounds ?? mode.rounds });
    const figures = runtimes.map((runtime) => medians[able.indexOf(runtime)]);
    const row = { title: `${title}, ${mode.title}`, figures, unit: "ms" };
    console.log(rowLine(runtimes, mode.hasBudget ? { ...row, budget } : row));
  }
}

function measureMemory(): void {
  const limits = runtimes.map((runtime) => smallestLimitKib(runtime, folder));
  console.log(rowLine(runtimes, { title: "smallest memory limit", figures: limits, unit: "KiB" }));
  const [own] = limits;
  const isMet = own !== undefined && own <= limitBudgetKib;
  console.log(`  at most ${limitBudgetKib} KiB: ${isMet ? "met" : "MISSED"}`);
  const peaks = runtimes.map((runtime) => peakMemory(runtime, folder));
  const largest = peaks.map(({ maxRssKib }) => maxRssKib / 1024);
  const all = peaks.flatMap(({ cgroupKib }) => (cgroupKib === undefined ? [] : cgroupKib / 1024));
  const titles = ["run, largest process", "run, all processes (cgroup)"];
  for (const [index, figures] of [largest, all].entries()) {
    if (figures.length === 0) continue;
    console.log(rowLine(runtimes, { title: titles[index] ?? "", figures, unit: "MB" }));
  }
}

async function cleanUp(): Promise<void> {
  await endShims();
  await current?.end?.();
  await cleanUpRoom();
  rmSync(folder, { recursive: true, force: true });
}
