// The time of every step of one `runt run`, from its own log.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, writeBundle } from "./bundle.ts";

interface StepLine {
  step?: number;
  op?: string;
  micros?: number;
}

/** Runs a container with `--debug` and prints one line a step: number, microseconds, op. */
export function printSteps(command: string, folder: string): void {
  const bundle = writeBundle(join(folder, "steps"), {
    args: ["true"],
    namespaces: defaultNamespaces,
  });
  const log = join(folder, "steps.log");
  const options = ["--debug", "--log", log, "--log-format", "json"];
  const argv = [command, "--root", join(folder, "steps-root"), ...options];
  argv.push("run", "--bundle", bundle, `bench-steps-${process.pid}`);
  const { exitCode } = Bun.spawnSync(argv, { stdio: ["ignore", "ignore", "inherit"] });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit ${exitCode}`);
  const lines = readFileSync(log, "utf8").split("\n").filter(Boolean).map(parsed);
  console.log("step      µs  op");
  for (const { step, op, micros } of lines) {
    if (step === undefined) continue;
    console.log(`${String(step).padStart(4)} ${String(micros).padStart(7)}  ${op}`);
  }
}

function parsed(line: string): StepLine {
  return JSON.parse(line);
}
