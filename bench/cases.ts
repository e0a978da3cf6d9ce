// What is timed: each case makes its bundle and returns a function that does the work once.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ociProfile } from "../test/support/moby-profile.ts";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import { timedMs } from "./measure.ts";
import type { Runtime } from "./peers.ts";

export interface Case {
  title: string;
  /** Largest ratio to the faster runc, in the runs without rest. */
  budget: number;
  /** Does the work once; returns its time in milliseconds. */
  sample: (runtime: Runtime) => number;
  /** Starts what the samples need, and ends it, whether or not `begin` came to its end. */
  begin?: () => void;
  end?: () => void;
}

const patienceMs = 10_000;

let containers = 0;

/**
 * The cases, each with its bundle below `folder`. The state of all containers is there too.
 *
 * @param runtimes those that will be sampled
 */
export function cases(folder: string, runtimes: readonly Runtime[]): Case[] {
  const withCgroup = [...defaultNamespaces, "cgroup"];
  return [
    run("run", join(folder, "run"), { namespaces: defaultNamespaces }),
    run("run, cgroup namespace", join(folder, "run-cgroup"), { namespaces: withCgroup }),
    run("run, engines' profile", join(folder, "run-profile"), {
      namespaces: withCgroup,
      seccomp: enginesProfile(),
    }),
    createStartDelete(join(folder, "create")),
    state(join(folder, "state"), runtimes),
  ];
}

/** The start of every command line: the runtime and where it keeps its containers. */
export function withRoot({ command, name }: Runtime, folder: string): string[] {
  return [command, "--root", join(folder, `state of ${name}`.replaceAll(" ", "-"))];
}

function run(
  title: string,
  folder: string,
  options: { namespaces: readonly string[]; seccomp?: object },
): Case {
  const bundle = writeBundle(folder, { args: ["true"], ...options });
  const sample = (runtime: Runtime) =>
    timedMs([...withRoot(runtime, folder), "run", "--bundle", bundle, newId()]);
  return { title, budget: 0.6, sample };
}

/** The filter that Podman gives a container, and Docker nearly the same; `make tools` fetches it. */
function enginesProfile(): object {
  const text = readFileSync(join(import.meta.dirname, "../build/seccomp.json"), "utf8");
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  return ociProfile(JSON.parse(text), { arch: "amd64", capabilities });
}

function createStartDelete(folder: string): Case {
  const bundle = writeBundle(folder, { args: ["true"], namespaces: defaultNamespaces });
  const pidFile = join(folder, "pid");
  function sample(runtime: Runtime): number {
    const id = newId();
    const start = withRoot(runtime, folder);
    const create = [...start, "create", "--bundle", bundle, "--pid-file", pidFile, id];
    try {
      const createMs = timedMs(create) + timedMs([...start, "start", id]);
      waitForEnd(Number(readFileSync(pidFile, "utf8")));
      return createMs + timedMs([...start, "delete", id]);
    } catch (error) {
      Bun.spawnSync([...start, "delete", "--force", id]);
      throw error;
    }
  }
  return { title: "create; start; delete", budget: 0.9, sample };
}

function state(folder: string, runtimes: readonly Runtime[]): Case {
  const bundle = writeBundle(folder, { args: ["sleep", "600"], namespaces: defaultNamespaces });
  const containers = new Map(runtimes.map((runtime) => [runtime, newId()]));
  const command = (runtime: Runtime, ...args: string[]) => [
    ...[...withRoot(runtime, folder), ...args, containers.get(runtime) ?? ""],
  ];
  function begin(): void {
    for (const runtime of runtimes) {
      timedMs(command(runtime, "create", "--bundle", bundle));
      timedMs(command(runtime, "start"));
    }
  }
  function end(): void {
    for (const runtime of runtimes) Bun.spawnSync(command(runtime, "delete", "--force"));
  }
  const sample = (runtime: Runtime) => timedMs(command(runtime, "state"));
  return { title: "state", budget: 2, begin, sample, end };
}

function newId(): string {
  containers++;
  return `bench-${process.pid}-${containers}`;
}

/** The time that the container takes to end is not the runtime's. */
function waitForEnd(pid: number): void {
  const endMs = performance.now() + patienceMs;
  while (isRunning(pid)) {
    if (performance.now() > endMs) throw new Error(`process ${pid} is still there`);
    Bun.sleepSync(1);
  }
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    // ENOENT, ESRCH: it has been reaped.
    if (existsSync(`/proc/${pid}`)) throw error;
    return false;
  }
}
