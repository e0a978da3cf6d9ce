// Docker's daemon and client as Debian packages them (docker.io), on a private host where
// /etc/docker/daemon.json is the one of README.md.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cgroups, removeEmptyCgroups } from "../leaks.ts";
import { type Outcome, type ProgramOptions, startProgram } from "../program.ts";
import { freshDirectory, room } from "../room.ts";
import { runtime } from "../runt.ts";
import { skip, test } from "../suite.ts";
import { waitUntil } from "../wait.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { imageName, makeImage } from "./image.ts";
import { type PrivateHost, startPrivateHost } from "./private-host.ts";

export interface Docker {
  host: PrivateHost;
  /** A client's command line, for terminals. */
  words(...args: string[]): string[];
  /** Runs the client. */
  tries(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** Runs the client, which has to succeed. Returns what it prints. */
  does(...args: string[]): Promise<string>;
  /** `docker run --rm` of a script in the tests' image. */
  runs(flags: readonly string[], script: string): Promise<Outcome>;
  /** `docker run --detach` of a script under a name. */
  detaches(name: string, flags: readonly string[], script: string): Promise<void>;
  /** A value of what `docker inspect` prints, by a Go template. */
  value(container: string, template: string): Promise<string>;
  waitFor(container: string, template: string, wanted: string): Promise<void>;
  /** What the runtime has logged of a container that is there. */
  runtimeLog(container: string): Promise<string>;
  /** Kills the daemon and starts it anew. */
  crash(): Promise<void>;
  /**
   * Removes all containers and ends the daemon and its host.
   * @throws Error with what the runtime has kept of containers that Docker has removed
   */
  end(): Promise<void>;
}

export interface DockerOptions {
  /** For dockerd, besides those of the places. */
  flags?: readonly string[];
  /** What the daemon sees in place of files of the machine: sources by targets. */
  files?: Record<string, string>;
}

/** A program that goes on until it is told to end. */
export const service = "trap 'echo bye; exit 5' TERM; echo ready; while true; do sleep 0.1; done";

/** Debian's client: a machine may have others before it in PATH. */
const client = "/usr/bin/docker";

const missing = [client, "/usr/sbin/dockerd", "/usr/sbin/iptables"].filter(
  (path) => !existsSync(path),
);

/** Why there is no Docker; undefined if there is one. */
export function dockerMissing(): string | undefined {
  return missing.length === 0 ? undefined : `${missing.join(" and ")} not there`;
}

/** A test that needs Docker. */
export function dockerTest(name: string, run: () => Promise<void>): void {
  const lack = dockerMissing();
  if (lack === undefined) test(name, run);
  else skip(name, lack);
}

/**
 * Starts a daemon with runt as its default runtime, and gives it the tests' image. Everything that
 * it keeps is below the room; its containers' cgroups are in one with the room's prefix.
 */
export async function startDocker(options: DockerOptions = {}): Promise<Docker> {
  const folder = freshDirectory();
  const socket = join(folder, "socket");
  const execRoot = join(folder, "exec");
  const command = [
    "dockerd",
    `--host=unix://${socket}`,
    `--data-root=${join(folder, "data")}`,
    `--exec-root=${execRoot}`,
    `--pidfile=${join(folder, "pid")}`,
    `--cgroup-parent=/${room.prefix}`,
    ...(options.flags ?? []),
  ];
  const words = (...args: string[]): string[] => [client, `--host=unix://${socket}`, ...args];
  const tries = (args: readonly string[], more: ProgramOptions = {}): Promise<Outcome> => {
    // The builder of newer clients brings a runtime of its own.
    const env = { DOCKER_CONFIG: folder, DOCKER_BUILDKIT: "0" };
    return startProgram(words(...args), { env, limitMs: 60_000, ...more }).ended;
  };
  const does = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tries(args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: exit ${code}: ${stdout}${stderr}`);
    return stdout.trimEnd();
  };
  const value = (container: string, template: string): Promise<string> =>
    does("inspect", `--format=${template}`, container);

  const host = await startPrivateHost({ "/etc/docker": configuration(), ...options.files });
  const start = (): Promise<Daemon> =>
    startDaemon([...host.within, ...command], {
      isReady: async () => (await tries(["version"])).code === 0,
    });
  let daemon = await start();
  await does("load", `--input=${makeImage()}`);
  return {
    host,
    words,
    tries,
    does,
    runs: (flags, script) => tries(["run", "--rm", ...flags, imageName, "sh", "-c", script]),
    detaches: async (name, flags, script) => {
      await does("run", "--detach", `--name=${name}`, ...flags, imageName, "sh", "-c", script);
    },
    value,
    waitFor: async (container, template, wanted) => {
      let found = "";
      const asks = async (): Promise<boolean> => {
        found = await value(container, template);
        return found === wanted;
      };
      await waitUntil(`${container}: ${template}: ${wanted}`, asks, 20_000).catch((error) => {
        throw new Error(`${error.message}; it is ${found}`);
      });
    },
    runtimeLog: async (container) => {
      const id = await value(container, "{{.Id}}");
      const tasks = "containerd/daemon/io.containerd.runtime.v2.task/moby";
      return readFileSync(join(execRoot, tasks, id, "log.json"), "utf8");
    },
    crash: async () => {
      const containerd = readFileSync(join(execRoot, "containerd/containerd.pid"), "utf8");
      await daemon.stop("SIGKILL");
      // The kernel ends it then; a daemon that starts meanwhile would take it for one that works.
      await waitUntil("end of containerd", () => !existsSync(`/proc/${containerd}`));
      daemon = await start();
    },
    end: async () => {
      const { stdout } = await tries(["ps", "--all", "--quiet"]);
      const left = stdout.split("\n").filter((id) => id !== "");
      if (left.length > 0) await tries(["rm", "--force", ...left]);
      await daemon.stop();
      await host.end();
      const traces = [...readdirSync(join(execRoot, "runtime-runc/moby")), ...containerCgroups()];
      removeEmptyCgroups(room.prefix);
      if (traces.length > 0) throw new Error(`left of removed containers: ${traces.join(" ")}`);
    },
  };
}

/** Docker's containers are named by 64 digits; the cgroup that theirs are in is nobody's to remove. */
function containerCgroups(): string[] {
  return cgroups(room).filter((directory) => /\/[0-9a-f]{64}$/.test(directory));
}

/** A folder with the daemon.json of README.md, of the program under test, which logs its steps. */
function configuration(): string {
  const readme = readFileSync(resolve(import.meta.dir, "../../../README.md"), "utf8");
  const [, block] = /```json\n(\{[^`]*"default-runtime"[^`]*\})\n```/.exec(readme) ?? [];
  const path = '"/usr/local/bin/runt"';
  if (block?.includes(path) !== true) throw new Error("README.md has no daemon.json");
  const folder = freshDirectory();
  const text = block.replace(path, `"${runtime}", "runtimeArgs": ["--debug"]`);
  writeFileSync(join(folder, "daemon.json"), text);
  return folder;
}
