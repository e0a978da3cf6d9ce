// Shims of the tests: started as containerd starts them, with nothing of containerd's but a client
// (task-client.ts), a receiver of events (shim-events.ts) and the fifos' ends (shim-streams.ts).

import { closeSync, constants, existsSync, openSync, readSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Any } from "../../shim/proto/common.ts";
import { decode } from "../../shim/proto/decode.ts";
import { encode } from "../../shim/proto/encode.ts";
import type { GivenOf } from "../../shim/proto/message.ts";
import { RuncOptions } from "../../shim/proto/options.ts";
import { DeleteResponse } from "../../shim/proto/task.ts";
import { bundle, type Patch } from "./bundle.ts";
import { patience } from "./patience.ts";
import { isRunning } from "./process.ts";
import { bareEnvironment } from "./program.ts";
import { freshName, room } from "./room.ts";
import { containerdAddress, eventsAddress } from "./shim-events.ts";
import { connectTasks, type TaskClient } from "./task-client.ts";
import { CallError } from "./ttrpc-client.ts";
import { waitUntil } from "./wait.ts";

export const shimProgram = resolve(import.meta.dirname, "../../build/containerd-shim-runt-v2");

export const namespace = "default";

const SIGKILL = 9;

/** The runtime's options of the room's shims: their state is where the look for leaks finds it. */
export const shimOptions = { root: room.shimRoot } satisfies GivenOf<typeof RuncOptions>;

export interface ShimOutcome {
  code: number;
  stdout: Buffer;
  stderr: string;
}

export interface ShimRun {
  /** Working directory: the bundle. */
  bundle: string;
  /** Added to what containerd 1.6 sets. */
  env?: Record<string, string>;
  stdin?: Uint8Array;
  /** Absent: the one that is built. */
  program?: string;
}

/** Runs the shim's program with the words of a command line, to the end of its output. */
export async function runShim(words: readonly string[], given: ShimRun): Promise<ShimOutcome> {
  const child = Bun.spawn([given.program ?? shimProgram, ...words], {
    cwd: given.bundle,
    env: {
      ...bareEnvironment(),
      GOMAXPROCS: "2",
      TTRPC_ADDRESS: eventsAddress,
      SHIM_SOCKET_DIR: join(room.directory, "s"),
      ...given.env,
    },
    stdio: [given.stdin ?? "ignore", "pipe", "pipe"],
    timeout: 20_000 * patience,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout: Buffer.from(stdout), stderr };
}

/** The command line of containerd for a container, without the action. */
export function shimWords(id: string, ...flags: string[]): string[] {
  const words = ["-namespace", namespace, "-address", containerdAddress];
  return [...words, "-publish-binary", "/bin/true", "-id", id, ...flags];
}

export interface ShimOptions {
  /** Of the default configuration; an annotation in it may name the pod. */
  patch?: Patch;
  id?: string;
  /** Whether it is to write debug lines into its log. */
  debug?: boolean;
  env?: Record<string, string>;
  program?: string;
}

/** A shim that serves, with the bundle of a container that does not exist yet. */
export interface Shim {
  /** Of the container, which is to be made with this id. */
  id: string;
  bundle: string;
  /** Path of its socket. */
  socket: string;
  pid: number;
  tasks: TaskClient;
  /** What it has logged since containerd's end of the log was opened. */
  log(): string;
  /** Makes the container; see clientStreams for its streams. */
  create(given?: Parameters<TaskClient["create"]>[0]): Promise<{ pid: number }>;
  /** Kills and deletes the container, ends the shim if it has no other, and removes the bundle. */
  end(): Promise<void>;
}

/** Starts a shim, or finds that of the container's pod. To be ended by `end`, whatever happens. */
export async function startShim(options: ShimOptions = {}): Promise<Shim> {
  const id = options.id ?? freshName();
  const directory = bundle(options.patch);
  const log = logOf(directory);
  const words = shimWords(id, ...(options.debug ? ["-debug"] : []), "start");
  const stdin = encode(Any, { typeUrl: RuncOptions.name, value: encode(RuncOptions, shimOptions) });
  const { code, stdout, stderr } = await runShim(words, { ...options, bundle: directory, stdin });
  if (code !== 0 || stderr !== "") throw new Error(`start: exit ${code}: ${stderr}${stdout}`);
  const socket = stdout.toString().replace("unix://", "");
  const tasks = await connectTasks(socket);
  const { shimPid: pid } = await tasks.connect({ id });
  users.set(socket, (users.get(socket) ?? 0) + 1);
  return {
    id,
    bundle: directory,
    socket,
    pid,
    tasks,
    log: log.read,
    create: (given = {}) =>
      tasks.create({
        id,
        bundle: directory,
        options: { typeUrl: RuncOptions.name, value: encode(RuncOptions, shimOptions) },
        ...given,
      }),
    end: async () => {
      tasks.client.close();
      users.set(socket, (users.get(socket) ?? 0) - 1);
      try {
        // A shim that ends has taken its socket away before.
        if (isRunning(pid) && existsSync(socket)) await removeContainer(id, socket);
        if (users.get(socket) === 0) await waitUntil(`end of shim ${pid}`, () => !isRunning(pid));
      } finally {
        if (users.get(socket) === 0 && isRunning(pid)) process.kill(pid, "SIGKILL");
        if (!isRunning(pid)) await deleteRemains({ id, bundle: directory });
        log.close();
        rmSync(directory, { recursive: true });
      }
    },
  };
}

/** How many containers of the tests each shim has, by its socket. */
const users = new Map<string, number>();

/** Lets a test use a shim, and ends it. */
export async function withShim(
  options: ShimOptions,
  use: (shim: Shim) => Promise<void>,
): Promise<void> {
  const shim = await startShim(options);
  try {
    await use(shim);
  } finally {
    await shim.end();
  }
}

/** On a connection of its own: the test's may be broken. */
async function removeContainer(id: string, socket: string): Promise<void> {
  const tasks = await connectTasks(socket);
  await tolerate(tasks.kill({ id, signal: SIGKILL, all: true }));
  await tolerate(tasks.wait({ id }));
  await tolerate(tasks.delete({ id }));
  await tolerate(tasks.shutdown({ id }));
  tasks.client.close();
}

/** There may be no container, or no shim any more. */
async function tolerate(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
  }
}

/** What containerd does about a shim that is gone. */
export async function deleteRemains({ id, bundle: directory }: Pick<Shim, "id" | "bundle">) {
  const outcome = await runShim(shimWords(id, "-bundle", directory, "delete"), {
    bundle: directory,
  });
  if (outcome.code !== 0) throw new Error(`delete: exit ${outcome.code}: ${outcome.stderr}`);
  return decode(DeleteResponse, outcome.stdout);
}

/** containerd's side of the log: open for reading and writing, so that it never ends. */
function logOf(directory: string): { read(): string; close(): void } {
  const path = join(directory, "log");
  if (Bun.spawnSync(["mkfifo", path]).exitCode !== 0) throw new Error(`mkfifo ${path}`);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(65_536);
  let text = "";
  return {
    read: () => {
      for (;;) {
        try {
          text += buffer.toString("utf8", 0, readSync(fd, buffer));
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
          return text;
        }
      }
    },
    close: () => closeSync(fd),
  };
}
