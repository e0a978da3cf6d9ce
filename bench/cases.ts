// What is timed: each case makes its bundle and returns a function that does the work once.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ociProfile } from "../test/support/moby-profile.ts";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import { callers } from "./callers.ts";
import { living, newId, withRoot } from "./living.ts";
import { many } from "./many.ts";
import { timedMs } from "./measure.ts";
import type { Runtime } from "./peers.ts";

export interface Measured {
  title: string;
  /** Largest ratio to the faster runc, in the runs without rest. */
  budget: number;
  /** Does the work once; returns its time in milliseconds. */
  sample: (runtime: Runtime) => number;
  /** Whether a runtime can do it; all can where this is absent. */
  suits?: (runtime: Runtime) => boolean;
  /** How many samples of each, where it takes long; there are none with rest then. */
  rounds?: number;
}

export interface Case extends Measured {
  /** What is measured after it, of the same containers. */
  also?: readonly Measured[];
  /** Starts what the samples need, and ends it, whether or not `begin` came to its end. */
  begin?: () => void | Promise<void>;
  end?: () => void | Promise<void>;
}

const patienceMs = 10_000;

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
    exec(join(folder, "exec"), runtimes),
    state(join(folder, "state"), runtimes),
    many(join(folder, "many"), runtimes),
    ...callers(join(folder, "callers"), runtimes),
  ];
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
  const { begin, end, about } = living(folder, { runtimes, count: 1 });
  const sample = (runtime: Runtime) => timedMs(about(runtime, "state"));
  return { title: "state", budget: 2, begin, sample, end };
}

function exec(folder: string, runtimes: readonly Runtime[]): Case {
  const { begin, end, about } = living(folder, { runtimes, count: 1 });
  const sample = (runtime: Runtime) => timedMs([...about(runtime, "exec"), "true"]);
  return { title: "exec true", budget: 0.6, begin, sample, end };
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
