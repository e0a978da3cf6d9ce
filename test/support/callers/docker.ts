// Docker's daemon and client, on a private host where /etc/docker/daemon.json is the one of README.md:
// as Debian packages them (docker.io), or the newest daemon, built, with our shim.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { cgroups, removeEmptyCgroups } from "../leaks.ts";
import { readProc, statusFields } from "../process.ts";
import { type Outcome, type ProgramOptions, startProgram } from "../program.ts";
import { freshDirectory, room } from "../room.ts";
import { runtime } from "../runt.ts";
import { skip, test } from "../suite.ts";
import { waitUntil } from "../wait.ts";
import { containerdFolders } from "./containerd.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { imageName, makeImage } from "./image.ts";
import { type PrivateHost, startPrivateHost } from "./private-host.ts";

/** A Docker, and how it comes to our program. */
export interface Engine {
  client: string;
  /** Folders of the daemon's programs. */
  path: readonly string[];
  /** What has to be there. */
  needs: readonly string[];
  /** The key that tells README's daemon.json for it, and the value there. */
  runtime: readonly [key: string, value: string];
  /** Ours in place of that value, with more beside it; what is in the folder is looked through. */
  configured(states: string): string;
  /** What a daemon's flags say instead of the file. */
  flags: readonly string[];
  /** Whether a container's process was started by us. */
  isOurs(place: { pid: number; bundle: string }): boolean;
}

const project = resolve(import.meta.dirname, "../../..");
const system = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Debian's, where the shim of runc calls our program. */
export const packaged: Engine = {
  // A machine may have others before it in PATH.
  client: "/usr/bin/docker",
  path: system,
  needs: ["/usr/sbin/dockerd"],
  runtime: ["path", "/usr/local/bin/runt"],
  configured: () => `"${runtime}", "runtimeArgs": ["--debug"]`,
  flags: [`--add-runtime=runt=${runtime}`, "--default-runtime=runt"],
  isOurs: ({ bundle }) =>
    /"msg":"[^"]*exec\.resolve/.test(readFileSync(join(bundle, "log.json"), "utf8")),
};

/** The newest that there is (test/docker/build.sh), on containerd 2, with our shim. */
export const built: Engine = {
  client: Bun.which("docker") ?? "docker",
  path: [join(project, "build/docker/bin"), containerdFolders.built, dirname(runtime), ...system],
  needs: [join(project, "build/docker/bin/dockerd"), join(containerdFolders.built, "containerd")],
  runtime: ["runtimeType", "io.containerd.runt.v2"],
  configured: (states) => `"io.containerd.runt.v2", "options": { "Root": "${states}" }`,
  flags: ["--default-runtime=io.containerd.runt.v2"],
  isOurs: ({ pid }) => {
    const parent = Number(statusFields(readProc(pid, "status"))["PPid"]);
    return readProc(parent, "cmdline").includes("containerd-shim-runt-v2");
  },
};

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
  /** Whether we have started a container that runs. */
  isOurs(container: string): Promise<boolean>;
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

/** Why there is no such Docker; undefined if there is one. */
export function dockerMissing({ client, needs }: Engine): string | undefined {
  const missing = [client, "/usr/sbin/iptables", ...needs].filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `${missing.join(" and ")} not there`;
}

/** What defines a test that needs an engine. */
export function testsWith(engine: Engine): (name: string, run: () => Promise<void>) => void {
  const lack = dockerMissing(engine);
  return lack === undefined ? test : (name) => skip(name, lack);
}

/**
 * Starts a daemon with runt as its default runtime, and gives it the tests' image. Everything that
 * it keeps is below the room; its containers' cgroups are in one with the room's prefix.
 */
export async function startDocker(engine: Engine, options: DockerOptions = {}): Promise<Docker> {
  const { client } = engine;
  const folder = freshDirectory();
  const states = join(folder, "states");
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

  const host = await startPrivateHost({
    "/etc/docker": configuration(engine, states),
    ...options.files,
  });
  const start = (): Promise<Daemon> =>
    startDaemon([...host.within, ...command], {
      env: { PATH: engine.path.join(":") },
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
    isOurs: async (container) => {
      const [pid, id = ""] = (await value(container, "{{.State.Pid}} {{.Id}}")).split(" ");
      const tasks = join(execRoot, "containerd/daemon/io.containerd.runtime.v2.task/moby");
      return engine.isOurs({ pid: Number(pid), bundle: join(tasks, id) });
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
      const containers = stdout.split("\n").filter((id) => id !== "");
      if (containers.length > 0) await tries(["rm", "--force", ...containers]);
      await daemon.stop();
      await host.end();
      const left = [join(execRoot, "runtime-runc/moby"), join(states, "moby")]
        .filter((path) => existsSync(path))
        .flatMap((path) => readdirSync(path));
      const traces = [...left, ...containerCgroups()];
      removeEmptyCgroups(room.prefix);
      if (traces.length > 0) throw new Error(`left of removed containers: ${traces.join(" ")}`);
    },
  };
}

/** Docker's containers are named by 64 digits; the cgroup that theirs are in is nobody's to remove. */
function containerCgroups(): string[] {
  return cgroups(room).filter((directory) => /\/[0-9a-f]{64}$/.test(directory));
}

/** A folder with the daemon.json of README.md, of the program under test. */
function configuration({ runtime: [key, value], configured }: Engine, states: string): string {
  const readme = readFileSync(join(project, "README.md"), "utf8");
  const blocks = readme.split("```json\n").map((text) => text.split("\n```")[0] ?? "");
  const said = `"${key}": "${value}"`;
  const block = blocks.find((text) => text.includes('"default-runtime"') && text.includes(said));
  if (block === undefined) throw new Error(`README.md has no daemon.json with ${said}`);
  const folder = freshDirectory();
  const text = block.replace(said, `"${key}": ${configured(states)}`);
  writeFileSync(join(folder, "daemon.json"), text);
  return folder;
}
