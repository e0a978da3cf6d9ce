// containerd of the tests' own, with its client `ctr` and its shim for runc, which is told to call
// our program instead.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Outcome, type ProgramOptions, type Running, startProgram } from "../program.ts";
import { freshDirectory } from "../room.ts";
import { runtime } from "../runt.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { makeImage } from "./image.ts";

/** Where the programs of containerd are: Debian's, and a newer one that is built (build.sh). */
export const containerdFolders = {
  debian: "/usr/bin",
  built: resolve(import.meta.dirname, "../../../build/callers/bin"),
} as const;

/** A containerd that runs and has the image. */
export interface Containerd {
  daemon: Daemon;
  /** The runtime's `--root` for its containers. */
  root: string;
  /** Folder in which a container's bundle is. */
  bundles: string;
  /** Runs its client to the end. */
  ctr(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** Starts its client. */
  startCtr(args: readonly string[], options?: ProgramOptions): Running;
  /** Words before `ctr`'s own, to be run by another program such as script(1). */
  command: readonly string[];
  /** `run`, and the flags by which the shim calls our program. */
  run: readonly string[];
}

/** Why there is no containerd in a folder; undefined if there is one. */
export function containerdMissing(folder: string): string | undefined {
  if (existsSync(join(folder, "containerd-shim-runc-v2"))) return undefined;
  const log = resolve(folder, "../build.log");
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").at(-1) : "not installed";
}

/** Starts the containerd of a folder. */
export async function startContainerd(folder: string): Promise<Containerd> {
  const own = freshDirectory();
  const at = (name: string): string => join(own, name);
  const env = { PATH: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`, TMPDIR: at("tmp") };
  mkdirSync(env.TMPDIR);
  writeFileSync(at("config.toml"), config(own));
  const command = [join(folder, "ctr"), "--address", at("containerd.sock")];
  const startCtr = (args: readonly string[], options: ProgramOptions = {}): Running =>
    startProgram([...command, ...args], { ...options, env: { ...env, ...options.env } });
  const ctr = (args: readonly string[], options: ProgramOptions = {}): Promise<Outcome> =>
    startCtr(args, options).ended;

  const daemon = await startDaemon([join(folder, "containerd"), "--config", at("config.toml")], {
    env,
    isReady: async () => (await ctr(["version"])).code === 0,
  });
  const loaded = await ctr(["images", "import", makeImage()]);
  if (loaded.code !== 0) throw new Error(`ctr images import: ${loaded.stderr}\n${daemon.log()}`);
  return {
    daemon,
    root: at("runt/default"),
    bundles: at("state/io.containerd.runtime.v2.task/default"),
    ctr,
    startCtr,
    command,
    run: ["run", "--runc-binary", runtime, "--runc-root", at("runt")],
  };
}

function config(own: string): string {
  return `version = 2
root = "${own}/root"
state = "${own}/state"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
]
[grpc]
address = "${own}/containerd.sock"
[ttrpc]
address = "${own}/containerd.sock.ttrpc"

`;
}
