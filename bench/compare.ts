// The benchmark itself. run.ts starts it in a mount namespace of its own, with the path of the runtime
// under test.

import { mkdtempSync, rmSync } from "node:fs";
import { mountHierarchies, strayControllers } from "../test/conformance/hierarchies.ts";
import { type Case, cases } from "./cases.ts";
import { interleaved } from "./measure.ts";
import { peakMemory } from "./memory.ts";
import { peers, type Runtime } from "./peers.ts";
import { printSteps } from "./steps.ts";
import { headerLine, rowLine } from "./table.ts";

// Budgets are for the runs without rest.
const modes = [
  { title: "no rest", rounds: 40, restMs: 0, hasBudget: true },
  { title: "0.4 s of rest", rounds: 15, restMs: 400, hasBudget: false },
];

const [command = ""] = process.argv.slice(2);
const runtimes: Runtime[] = [{ name: "runt", command }, ...peers()];
mountHierarchies(strayControllers());
const folder = mkdtempSync("/run/runt-bench-");
let current: Case | undefined;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => {
    cleanUp();
    process.exit(130);
  });
}
try {
  console.log(headerLine(runtimes));
  for (const one of cases(folder, runtimes)) await measure(one);
  measureMemory();
  printSteps(command, folder);
} finally {
  cleanUp();
}

async function measure(one: Case): Promise<void> {
  current = one;
  one.begin?.();
  for (const { title, rounds, restMs, hasBudget } of modes) {
    const figures = await interleaved(runtimes, one.sample, { rounds, restMs });
    const row = { title: `${one.title}, ${title}`, figures, unit: "ms" };
    console.log(rowLine(runtimes, hasBudget ? { ...row, budget: one.budget } : row));
  }
  one.end?.();
  current = undefined;
}

function measureMemory(): void {
  const peaks = runtimes.map((runtime) => peakMemory(runtime, folder));
  const largest = peaks.map(({ maxRssKib }) => maxRssKib / 1024);
  const all = peaks.flatMap(({ cgroupKib }) => (cgroupKib === undefined ? [] : cgroupKib / 1024));
  const titles = ["run, largest process", "run, all processes (cgroup)"];
  for (const [index, figures] of [largest, all].entries()) {
    if (figures.length === 0) continue;
    console.log(rowLine(runtimes, { title: titles[index] ?? "", figures, unit: "MB" }));
  }
}

function cleanUp(): void {
  current?.end?.();
  rmSync(folder, { recursive: true, force: true });
}
