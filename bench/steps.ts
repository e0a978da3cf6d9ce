// The time of every step of one `runt run`, from its own log.

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import { newId } from "./living.ts";
import { median } from "./measure.ts";

interface StepLine {
  step?: number;
  op?: string;
  micros?: number;
}

const rounds = 21;
const cgroupBudgetMicros = 1000;

/** Runs a container with `--debug` and prints one line a step: number, microseconds, op. */
export function printSteps(command: string, folder: string): void {
  const bundle = writeBundle(join(folder, "steps"), {
    args: ["true"],
    namespaces: defaultNamespaces,
  });
  console.log("step      µs  op");
  for (const { step, op, micros } of stepsOf(command, bundle)) {
    if (step === undefined) continue;
    console.log(`${String(step).padStart(4)} ${String(micros).padStart(7)}  ${op}`);
  }
}

/**
 * Prints what a cgroup with a limit of each controller takes of a run, from its making to its
 * removal: medians of some runs, with the same number of directories made and removed by nobody but
 * the kernel beside it.
 */
export function printCgroupSteps(command: string, folder: string): void {
  const bundle = writeBundle(join(folder, "cgroup-steps"), {
    args: ["true"],
    namespaces: defaultNamespaces,
  });
  limitEverything(join(bundle, "config.json"));
  const runs = Array.from({ length: rounds }, () => cgroupSteps(command, bundle));
  const names = [...new Set(runs.flatMap((run) => [...run.keys()]))];
  console.log("\n  median µs   least  of a cgroup with limits of every controller");
  for (const name of names)
    printMicros(
      runs.map((run) => run.get(name) ?? 0),
      name,
    );
  const sums = runs.map((run) => [...run.values()].reduce((sum, micros) => sum + micros, 0));
  const verdict = median(sums) <= cgroupBudgetMicros ? "met" : "MISSED";
  printMicros(sums, `in all, at most ${cgroupBudgetMicros}: ${verdict}`);
  printMicros(kernelMicros(), "mkdir and rmdir by the kernel alone");
}

function printMicros(micros: readonly number[], name: string): void {
  const [middle, least] = [median(micros), Math.min(...micros)];
  console.log(`${middle.toFixed(0).padStart(11)} ${least.toFixed(0).padStart(7)}  ${name}`);
}

/** Microseconds by the name of the op, which may have been performed several times. */
function cgroupSteps(command: string, bundle: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { op = "", micros = 0 } of stepsOf(command, bundle)) {
    if (!op.includes("cgroup.")) continue;
    sums.set(op, (sums.get(op) ?? 0) + micros);
  }
  return sums;
}

/** All processors, because to be taken off one waits for it. */
function limitEverything(file: string): void {
  const config = JSON.parse(readFileSync(file, "utf8"));
  const cpus = readFileSync("/sys/devices/system/cpu/online", "utf8").trim();
  config.linux.resources = {
    ...config.linux.resources,
    memory: { limit: 64 << 20, reservation: 32 << 20 },
    cpu: { shares: 512, quota: 50_000, period: 100_000, cpus, mems: "0" },
    pids: { limit: 100 },
  };
  writeFileSync(file, JSON.stringify(config));
}

function stepsOf(command: string, bundle: string): StepLine[] {
  const log = join(bundle, "steps.log");
  writeFileSync(log, "");
  const options = ["--debug", "--log", log, "--log-format", "json"];
  const argv = [command, "--root", join(bundle, "root"), ...options];
  argv.push("run", "--bundle", bundle, newId());
  const { exitCode } = Bun.spawnSync(argv, { stdio: ["ignore", "ignore", "inherit"] });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit ${exitCode}`);
  return readFileSync(log, "utf8").split("\n").filter(Boolean).map(parsed);
}

/** A cgroup in each hierarchy where this process is. */
function kernelMicros(): number[] {
  const directories = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => join(line.split(" ")[4] ?? "", newId()));
  return Array.from({ length: rounds }, () => {
    const startedMs = performance.now();
    for (const directory of directories) mkdirSync(directory);
    for (const directory of directories) rmdirSync(directory);
    return (performance.now() - startedMs) * 1000;
  });
}

function parsed(line: string): StepLine {
  return JSON.parse(line);
}
