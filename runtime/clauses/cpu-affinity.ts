// process.execCPUAffinity (config.md#linux-process): on which CPUs an exec runs, before and after it
// enters the container's cgroups.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { setAffinity } from "../ops/scheduling.ts";
import { type Step, step } from "../plan/step.ts";

/** As many as the kernel can be built for (CONFIG_NR_CPUS). */
const CPUS_MAX = 8192;

export interface CpuAffinityClause {
  /** By the host, whose children have it as well. */
  initial: readonly Step[];
  /** In the container's cgroups. */
  final: readonly Step[];
  problems: readonly Problem[];
}

export function cpuAffinity(config: Config): CpuAffinityClause {
  const { initial = "", final = "" } = config.process?.execCPUAffinity ?? {};
  return {
    initial: stepsFor("host", "initial", initial),
    final: stepsFor("init", "final", final),
    problems: [...problemsOf("initial", initial), ...problemsOf("final", final)],
  };
}

function stepsFor(who: "host" | "init", field: string, text: string): Step[] {
  const cpus = cpusIn(text);
  return cpus === undefined || cpus.length === 0
    ? []
    : [step(who, setAffinity({ text, cpus }), `/process/execCPUAffinity/${field}`)];
}

function problemsOf(field: string, text: string): Problem[] {
  if (cpusIn(text) !== undefined) return [];
  const message = `found "${text}", wanted a list of CPUs such as 0-3,7`;
  return [
    { pointer: `/process/execCPUAffinity/${field}`, message, spec: "config.md#linux-process" },
  ];
}

/** Undefined for what is no list, such as one with a range that goes down. */
function cpusIn(text: string): number[] | undefined {
  const cpus: number[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "" && text.trim() === "") continue;
    const [, low, high = low] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    const [first, last] = [Number(low), Number(high)];
    if (!(first <= last && last < CPUS_MAX)) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}
