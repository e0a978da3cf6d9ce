// containerd of the tests' own, with its client `ctr` and its shim for runc, which is told to call
// our program instead.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Outcome, type ProgramOptions, type Running, startProgram } from "../program.ts";
import { freshDirectory } from "../room.ts";
import { runtime } from "../runt.ts";
import { waitUntil } from "../wait.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { makeImage } from "./image.ts";
import { tasks } from "./tasks.ts";

const project = resolve(import.meta.dirname, "../../..");

/** Where the programs of containerd are: Debian's, and a newer one that is built (build.sh). */
export const containerdFolders = {
  debian: "/usr/bin",
  built: join(project, "build/callers/bin"),
} as const;

/** What keeps the namespaces of a pod. */
const podImage = { name: "localhost/runt-test-pod:latest", program: ["sleep", "1000000"] };

/** A containerd that runs and has the images. */
export interface Containerd {
  daemon: Daemon;
  socket: string;
  /** The runtime's `--root` for its containers. */
  root: string;
  /** Folder of the bundles, one folder a container. */
  bundles: string;
  /** Words before those of its client. */
  client: readonly string[];
  /** The shim's options that name our program. */
  options: { binaryName: string; root: string };
  /** Words of `ctr` that run a container, by our program unless another one is named. */
  run(binary?: string): string[];
  /** Words of `ctr` that execute a process in a container. */
  exec: readonly string[];
  /** Starts its client. */
  start(args: readonly string[], options?: ProgramOptions): Running;
  /** Runs its client to the end. */
  ctr(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** Runs its client, which has to succeed; returns what it writes. */
  does(...args: string[]): Promise<string>;
  /** Waits until a container's task has a status. */
  becomes(id: string, status: string): Promise<void>;
  /** What only the API can do. */
  tasks: ReturnType<typeof tasks>;
  /** Stops the daemon and starts it again; containers go on. */
  restart(): Promise<void>;
  /** Stops the daemon for good. */
  stop(): Promise<void>;
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
  writeFileSync(
    at("config.toml"),
    folder === containerdFolders.debian ? configuration1(own) : configuration2(own),
  );
  const client = [join(folder, "ctr"), "--address", at("containerd.sock")];
  // Those of detached containers stay.
  const fifos = ["--fifo-dir", at("fifos")];
  const start = (args: readonly string[], options: ProgramOptions = {}): Running =>
    startProgram([...client, ...args], { ...options, env: { ...env, ...options.env } });
  const ctr = (args: readonly string[], options?: ProgramOptions): Promise<Outcome> =>
    start(args, options).ended;
  const does = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await ctr(args);
    if (code !== 0) throw new Error(`ctr ${args.join(" ")}: exit ${code}: ${stderr}${stdout}`);
    return stdout;
  };
  const begin = (): Promise<Daemon> =>
    startDaemon([join(folder, "containerd"), "--config", at("config.toml")], {
      env,
      isReady: async () => (await ctr(["version"])).code === 0,
    });
  const containerd: Containerd = {
    daemon: await begin(),
    socket: at("containerd.sock"),
    root: at("runt/default"),
    bundles: at("state/io.containerd.runtime.v2.task/default"),
    client,
    options: { binaryName: runtime, root: at("runt") },
    run: (binary = runtime) => [
      "run",
      ...fifos,
      "--runc-binary",
      binary,
      "--runc-root",
      at("runt"),
    ],
    exec: ["task", "exec", ...fifos],
    start,
    ctr,
    does,
    becomes: async (id, status) => {
      const line = new RegExp(`^${id}\\s+\\d+\\s+${status}`, "m");
      await waitUntil(`${id} ${status}`, async () => line.test(await does("task", "ls")));
    },
    tasks: tasks(at("containerd.sock")),
    restart: async () => {
      await containerd.daemon.stop();
      containerd.daemon = await begin();
    },
    stop: async () => {
      await containerd.daemon.stop();
      // No option moves these, and nobody removes them.
      const folders = ["s", "fifo", "runc/default"].map((name) => `/run/containerd/${name}`);
      const cgroups = ["", ...readdirSync("/sys/fs/cgroup")].map((name) =>
        join("/sys/fs/cgroup", name, "default"),
      );
      for (const folder of [...folders, "/run/containerd/runc", "/run/containerd", ...cgroups]) {
        Bun.spawnSync(["rmdir", folder], { stderr: "ignore" });
      }
    },
  };
  await does("images", "import", makeImage());
  await does("--namespace=k8s.io", "images", "import", makeImage());
  await does("--namespace=k8s.io", "images", "import", makeImage(podImage));
  return containerd;
}

/** Its own folders, and what the README says for Kubernetes; no network, and no file of the host. */
function configuration1(own: string): string {
  return `${readmeConfiguration("version = 2", own)}
  Root = "${own}/runt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${podImage.name}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  conf_dir = "${own}/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "${own}/opt"
[grpc]
  address = "${own}/containerd.sock"
`;
}

function configuration2(own: string): string {
  return `${readmeConfiguration("version = 3", own)}
  Root = "${own}/runt"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${podImage.name}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  conf_dir = "${own}/cni"
[plugins.'io.containerd.internal.v1.opt']
  path = "${own}/opt"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[grpc]
  address = "${own}/containerd.sock"
`;
}

/** The README's words from a line on, with our program and the folders of our own. */
function readmeConfiguration(firstLine: string, own: string): string {
  const readme = readFileSync(join(project, "README.md"), "utf8");
  const block = readme.split("```toml\n").find((text) => text.startsWith(`${firstLine}\n`));
  if (block === undefined) throw new Error(`README.md has no block that begins with ${firstLine}`);
  const text = (block.split("```")[0] ?? "").replace("/usr/local/bin/runt", runtime).trimEnd();
  return text.replace(firstLine, `${firstLine}\nroot = "${own}/root"\nstate = "${own}/state"`);
}
