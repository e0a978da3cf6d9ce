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
/** In parts, so that all have the same of what else the machine does. */
const crowd = { containers: 300, atOnce: 8, parts: 6 };

/** What is there to be ended, however the measuring ends. */
const open = new Set<() => void | Promise<void>>();

/** Ends the shims that are being measured, with their containers. */
export async function endShims(): Promise<void> {
  // Shims before the groups that they are in.
  for (const end of [...open].reverse()) {
    if (open.delete(end)) await end();
  }
}

/** Compares our shim with containerd's and each other runtime; prints a row a figure. */
export async function measureShims(runtimes: readonly Runtime[], folder: string): Promise<void> {
  const events = receiveEvents();
  open.add(events.stop);
  const groups = runtimes.map(({ name }) => makeCpuGroup(name));
  for (const group of groups) open.add(group.end);
  const start = async (index: number): Promise<Shim> => {
    const place = { folder, group: groups[index] ?? noRuntime() };
    const { end, ...shim } = await startShim(runtimes[index] ?? noRuntime(), place);
    open.add(end);
    return { ...shim, end: async () => (open.delete(end) ? end() : undefined) };
  };
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

    const crowds = await interleavedAsync(
      indices,
      (index) => timed(() => crowding(shimOf(index))),
      crowd.parts,
    );
    print(
      { title: `shim: ${crowd.containers} containers, 8 at once`, unit: "ms", budget: 0.77 },
      crowds.map((partsMs) => partsMs.reduce((a, b) => a + b)),
    );
    for (const shim of shims.splice(0)) await shim.end();

    // containerd's is the same whatever it runs.
    const memory = [];
    for (const index of indices.slice(0, 2)) memory.push(await podMemory(() => start(index)));
    const one = memory.map(([first = 0]) => first / 1024);
    print({ title: "shim: memory of a pod, 1 container", unit: "MB", budget: 1.2 }, one);
    const more = memory.map(([first = 0, all = 0]) => (all - first) / 1024 / further);
    print({ title: "shim: memory of each further one", unit: "MB" }, more);
    const [own = 0] = more;
    console.log(`  at most 0.5 MB: ${own <= 0.5 ? "met" : "MISSED"}`);
  } finally {
    await endShims();
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
  await atOnce(
    Array.from({ length: crowd.containers / crowd.parts }, String),
    async () => void (await lifeMs(shim)),
  );
}

/** KiB of a pod's shim, of `pods` of them: with one container that has seen execs, then with more. */
async function podMemory(start: () => Promise<Shim>): Promise<[number, number]> {
  const all: { shim: Shim; ids: string[] }[] = [];
  for (let pod = 0; pod < pods; pod++) {
    const shim = await start();
    all.push({ shim, ids: [await shim.start("sleep", "3600")] });
  }
  await atOnce(all, async ({ shim, ids }) => {
    for (let exec = 0; exec < execsBefore; exec++) await shim.exec(ids[0] ?? "");
  });
  const one = await settled(all.map(({ shim }) => shim));
  for (const { shim, ids } of all) {
    for (let more = 0; more < further; more++) ids.push(await shim.start("sleep", "3600"));
  }
  const more = await settled(all.map(({ shim }) => shim));
  for (const { shim, ids } of all) {
    for (const id of ids) await endOf(shim, id);
    await shim.end();
  }
  return [one, more];
}

/** Works on all, some of them at once. */
async function atOnce<Item>(all: readonly Item[], work: (item: Item) => Promise<void>) {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: crowd.atOnce }, worker));
}

/** After a second in which nothing is asked. */
async function settled(shims: readonly Shim[]): Promise<number> {
  await Bun.sleep(1000);
  return shims.map(({ pid }) => proportionalKib(pid)).reduce((a, b) => a + b) / shims.length;
}
