// A shim, ours or containerd's, with nothing of containerd's but a client: what it takes by itself.

import { closeSync, constants, openSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { BootstrapParams, BootstrapResult } from "../shim/proto/bootstrap.ts";
import { decode } from "../shim/proto/decode.ts";
import { encode } from "../shim/proto/encode.ts";
import { RuncOptions } from "../shim/proto/options.ts";
import { containerdFolders } from "../test/support/callers/containerd.ts";
import { isRunning } from "../test/support/process.ts";
import { containerdAddress, eventsAddress } from "../test/support/shim-events.ts";
import { connectTasks, type TaskClient } from "../test/support/task-client.ts";
import { waitUntil } from "../test/support/wait.ts";
import { defaultNamespaces, writeBundle } from "./bundle.ts";
import type { CpuGroup } from "./cpu-group.ts";
import { newId } from "./living.ts";
import type { Runtime } from "./peers.ts";

const ours = resolve(import.meta.dirname, "../build/containerd-shim-runt-v2");
const theirs = join(containerdFolders.built, "containerd-shim-runc-v2");
const SIGKILL = 9;

export interface Shim {
  pid: number;
  tasks: TaskClient;
  /** Makes and starts a container; returns its id. */
  start(...args: string[]): Promise<string>;
  kill(id: string): Promise<void>;
  /** Removes a container when it has ended. */
  remove(id: string): Promise<void>;
  /** Executes `true` in a container, to its end. */
  exec(id: string): Promise<void>;
  /** Ends the shim; nicely, if its containers are gone. */
  end(): Promise<void>;
}

export interface ShimPlace {
  folder: string;
  /** Where its time is counted, and that of its containers. */
  group: CpuGroup;
}

/** Starts the shim of a runtime: ours for the one under test, and containerd's for the others. */
export async function startShim(
  { name, command }: Runtime,
  { folder, group }: ShimPlace,
): Promise<Shim> {
  const id = newId();
  const isOurs = name === "runt";
  const bundles = join(folder, id);
  const bundleOf = (one: string, args: readonly string[]): string =>
    writeBundle(join(bundles, one), {
      args,
      namespaces: defaultNamespaces,
      cgroupsPath: `${group.path}/${one}`,
    });
  const bundle = bundleOf(id, ["true"]);
  const options = {
    typeUrl: RuncOptions.name,
    value: encode(RuncOptions, { root: join(folder, "state"), binaryName: isOurs ? "" : command }),
  };
  // Theirs waits until somebody reads it.
  Bun.spawnSync(["mkfifo", join(bundle, "log")]);
  const log = openSync(join(bundle, "log"), constants.O_RDWR | constants.O_NONBLOCK);
  const words = ["-namespace", "bench", "-address", containerdAddress, "-id", id, "start"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    group.wrap([isOurs ? ours : theirs, ...words]),
    {
      cwd: bundle,
      env: { PATH: process.env["PATH"], GOMAXPROCS: "2", TTRPC_ADDRESS: eventsAddress },
      stdin: encode(BootstrapParams, {
        instanceId: id,
        namespace: "bench",
        containerdTtrpcAddress: eventsAddress,
        containerdGrpcAddress: containerdAddress,
        extensions: [{ value: options }],
        socketDir: join(folder, "s"),
      }),
    },
  );
  if (exitCode !== 0) throw new Error(`start of the shim for ${name}: ${stderr}${stdout}`);
  const socket = decode(BootstrapResult, stdout).address.replace("unix://", "");
  const tasks = await connectTasks(socket);
  const { shimPid: pid } = await tasks.connect({ id });
  let execs = 0;
  /** Pids of the containers that have not been removed. */
  const living = new Set<number>();
  return {
    pid,
    tasks,
    start: async (...args) => {
      const one = newId();
      await tasks.create({ id: one, bundle: bundleOf(one, args), options });
      const { pid: first } = await tasks.start({ id: one });
      living.add(first);
      return one;
    },
    kill: async (one) => {
      await tasks.kill({ id: one, signal: SIGKILL });
    },
    remove: async (one) => {
      await tasks.wait({ id: one });
      const { pid: first } = await tasks.delete({ id: one });
      living.delete(first);
      rmSync(join(bundles, one), { recursive: true, force: true });
    },
    exec: async (one) => {
      const place = { id: one, execId: `${++execs}` };
      await tasks.exec({ ...place, spec: execSpec });
      const end = tasks.wait(place);
      await tasks.start(place);
      await end;
      await tasks.delete(place);
    },
    end: async () => {
      await tasks.shutdown({ id }).catch(() => undefined);
      tasks.client.close();
      if (living.size > 0) process.kill(pid, "SIGKILL");
      for (const one of living) process.kill(one, "SIGKILL");
      await waitUntil(`end of shim ${pid}`, () => !isRunning(pid));
      closeSync(log);
      rmSync(bundles, { recursive: true, force: true });
    },
  };
}

/** What is its own of the memory that a process has, and its part of what it shares. */
export function proportionalKib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1]);
}

const execSpec = {
  typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process",
  value: Buffer.from(
    JSON.stringify({
      user: { uid: 0, gid: 0 },
      args: ["true"],
      env: ["PATH=/bin"],
      cwd: "/",
      noNewPrivileges: true,
    }),
  ),
};
