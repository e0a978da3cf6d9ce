// runt stats

import { jsonText } from "../json-text.ts";
import { containerId } from "../lifecycle/container-id.ts";
import { allMeasured, type ContainerStats, measured } from "../lifecycle/stats.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { tableText } from "./table-text.ts";

const HEADER = ["ID", "CPU", "THROTTLED", "MEMORY", "PEAK", "LIMIT", "PIDS", "PRESSURE"];

/** Prints what containers have used: the named one, or all that have processes. */
export function statsCommand(given: Arguments, { root, log }: Surroundings): number {
  const [name] = given.positionals;
  const one = name === undefined ? undefined : containerId(name);
  const found =
    one === undefined
      ? allMeasured(root, log)
      : [{ id: one, ...measured({ root, id: one }).read() }];
  if (given.on("json")) print(jsonText(found));
  else print(tableText([HEADER, ...found.map(rowOf)]));
  return 0;
}

function rowOf({ id, cpu, memory, pids, blkio }: ContainerStats & { id: string }): string[] {
  const { usage, throttling } = cpu;
  const { throttledTime, throttledPeriods, periods } = throttling;
  return [
    id,
    secondsText(usage.total),
    Number(periods) === 0
      ? "-"
      : `${secondsText(throttledTime)} in ${throttledPeriods}/${periods} periods`,
    bytesText(memory.usage.usage),
    bytesText(memory.usage.max),
    memory.usage.limit > LIMIT_MAX ? "none" : bytesText(memory.usage.limit),
    Number(pids.limit) === 0 ? `${pids.current}` : `${pids.current}/${pids.limit}`,
    pressureText({ cpu: cpu.psi, memory: memory.psi, io: blkio.psi }),
  ];
}

/** Beyond it there is no limit: v1 says the most pages that it can count. */
const LIMIT_MAX = 2 ** 62;

function secondsText(nanoseconds: number | bigint): string {
  return `${(Number(nanoseconds) / 1e9).toFixed(2)}s`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function bytesText(bytes: number | bigint): string {
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)}${UNITS[unit]}`;
}

type Pressure = ContainerStats["cpu"]["psi"];

/** How much of the last ten seconds some process had to wait, for what. */
function pressureText(by: Readonly<Record<string, Pressure>>): string {
  const texts = Object.entries(by).flatMap(([what, psi]) =>
    psi === undefined ? [] : [`${what} ${psi.some.avg10.toFixed(2)}%`],
  );
  return texts.length === 0 ? "-" : texts.join(", ");
}
