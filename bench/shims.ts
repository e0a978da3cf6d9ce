// What shims take by themselves, asked by one client: time, processor time, memory.

import { receiveEvents } from "../test/support/shim-events.ts";
import { type CpuGroup, makeCpuGroup } from "./cpu-group.ts";
import { interleavedAsync, median } from "./measure.ts";
import type { Runtime } from "./peers.ts";
import { proportionalKib, type Shim, startShim } from "./shim.ts";
import { type Row, rowLine } from "./table.ts";

const rounds = 30;
const pods = 20;
const execsBefore = 100;
const further = 3;
const probes = { perSecond: 100, seconds: 30 };
const crowd = { containers: 300, atOnce: 8 };

/** Compares our shim with containerd's and each other runtime; prints a row a figure. */
export async function measureShims(runtimes: readonly Runtime[], folder: string): Promise<void> {
  const events = receiveEvents();
  const groups = runtimes.map(({ name }) => makeCpuGroup(name));
  const start = (index: number): Promise<Shim> =>
    startShim(runtimes[index] ?? noRuntime(), { folder, group: groups[index] ?? noRuntime() });
  const print = (row: Omit<Row, "figures">, figures: readonly number[]): void =>
    console.log(rowLine(runtimes, { ...row, figures }));
  const indices = runtimes.map((_, index) => index);
  const shims: Shim[] = [];
  try {
    for (const index of indices) shims.push(await start(index));
    const shimOf = (index: number): Shim => shims[index] ?? noRuntime();

    const life = await interleavedAsync(indices, (index) => lifeMs(shimOf(index)), rounds);
    print(
      { title: "shim: create, start, wait, delete", unit: "ms", budget: 0.6 },
      life.map(median),
    );

    const ids = await Promise.all(shims.map((shim) => shim.start("sleep", "3600")));
    const execs = await interleavedAsync(
      indices,
      (index) => timed(() => shimOf(index).exec(ids[index] ?? "")),
      execsBefore,
    );
    for (const percent of [50, 90, 99]) {
      print({ title: `shim: exec, ${percent} of 100`, unit: "ms" }, execs.map(percentile(percent)));
    }
    const used = [];
    for (const index of indices) {
      used.push(await probing(shimOf(index), ids[index] ?? "", groups[index] ?? noRuntime()));
    }
    const title = `shim: exec, ${probes.perSecond} a second, processor`;
    print({ title, unit: "ms", budget: 0.5 }, used);
    for (const index of indices) await endOf(shimOf(index), ids[index] ?? "");

    const crowds = [];
    for (const index of indices) crowds.push(await timed(() => crowding(shimOf(index))));
    print(
      { title: `shim: ${crowd.containers} containers, 8 at once`, unit: "ms", budget: 0.77 },
      crowds,
    );
    for (const shim of shims.splice(0)) await shim.end();

    const memory = [];
    for (const index of indices) memory.push(await podMemory(() => start(index)));
    const one = memory.map(([first = 0]) => first / 1024);
    print({ title: "shim: memory of a pod, 1 container", unit: "MB", budget: 1.2 }, one);
    const more = memory.map(([first = 0, all = 0]) => (all - first) / 1024 / further);
    print({ title: "shim: memory of each further one", unit: "MB" }, more);
    const [own = 0] = more;
    console.log(`  at most 0.5 MB: ${own <= 0.5 ? "met" : "MISSED"}`);
  } finally {
    for (const shim of shims) await shim.end();
    for (const group of groups) group.end();
    events.stop();
  }
}

async function endOf(shim: Shim, id: string): Promise<void> {
  await shim.kill(id);
  await shim.remove(id);
}

function noRuntime(): never {
  throw new Error("there is no such runtime");
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function lifeMs(shim: Shim): Promise<number> {
  return timed(async () => shim.remove(await shim.start("true")));
}

function percentile(percent: number): (values: readonly number[]) => number {
  return (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN;
  };
}

/** Processor time of one exec, in milliseconds, where they come at a steady rate. */
async function probing(shim: Shim, id: string, group: CpuGroup): Promise<number> {
  const count = probes.perSecond * probes.seconds;
  const startedMs = performance.now();
  const beforeMs = group.usedMs();
  const running = new Set<Promise<void>>();
  for (let index = 0; index < count; index++) {
    const waitMs = startedMs + (index * 1000) / probes.perSecond - performance.now();
    if (waitMs > 1) await Bun.sleep(waitMs);
    // As many as a machine can keep up with: the time of each is what counts.
    if (running.size >= crowd.atOnce) await Promise.race(running);
    const one = shim.exec(id).finally(() => running.delete(one));
    running.add(one);
  }
  await Promise.all(running);
  return (group.usedMs() - beforeMs) / count;
}

async function crowding(shim: Shim): Promise<void> {
  let left = crowd.containers;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await lifeMs(shim);
  };
  await Promise.all(Array.from({ length: crowd.atOnce }, worker));
}

/** KiB of a pod's shim, of `pods` of them: with one container that has seen execs, then with more. */
async function podMemory(start: () => Promise<Shim>): Promise<[number, number]> {
  const all: { shim: Shim; ids: string[] }[] = [];
  try {
    for (let pod = 0; pod < pods; pod++) {
      const shim = await start();
      all.push({ shim, ids: [] });
      all.at(-1)?.ids.push(await shim.start("sleep", "3600"));
    }
    for (const { shim, ids } of all) {
      for (let exec = 0; exec < execsBefore; exec++) await shim.exec(ids[0] ?? "");
    }
    const one = await settled(all.map(({ shim }) => shim));
    for (const { shim, ids } of all) {
      for (let more = 0; more < further; more++) ids.push(await shim.start("sleep", "3600"));
    }
    return [one, await settled(all.map(({ shim }) => shim))];
  } finally {
    for (const { shim, ids } of all) {
      for (const id of ids) await endOf(shim, id);
      await shim.end();
    }
  }
}

/** After a second in which nothing is asked. */
async function settled(shims: readonly Shim[]): Promise<number> {
  await Bun.sleep(1000);
  return shims.map(({ pid }) => proportionalKib(pid)).reduce((a, b) => a + b) / shims.length;
}
