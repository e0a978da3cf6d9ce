// containerd of the tests' own, with its client `ctr`, and a shim: its own for runc, which is told to
// call our program instead, or ours.

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Outcome, type ProgramOptions, type Running, startProgram } from "../program.ts";
import { freshDirectory } from "../room.ts";
import { runtime } from "../runt.ts";
import { waitUntil } from "../wait.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { makeImage } from "./image.ts";
import { tasks } from "./tasks.ts";

const project = resolve(import.meta.dirname, "../../..");

/** Where the programs of containerd are: Debian's, 1.6, and others that are built (build*.sh). */
export const containerdFolders = {
  debian: "/usr/bin",
  built17: join(project, "build/callers-17/bin"),
  built: join(project, "build/callers/bin"),
} as const;

/** A shim of containerd's own, told to call our program, and ours. */
export const SHIM = { runc: "io.containerd.runc.v2", runt: "io.containerd.runt.v2" } as const;

/** Which containerd, and how it comes to our program. */
export interface ContainerdOptions {
  folder: string;
  shim: (typeof SHIM)[keyof typeof SHIM];
}

/** What keeps the namespaces of a pod. */
const podImage = { name: "localhost/runt-test-pod:latest", program: ["sleep", "1000000"] };

/** A containerd that runs and has the images. */
export interface Containerd {
  daemon: Daemon;
  shim: ContainerdOptions["shim"];
  socket: string;
  /** The runtime's `--root` for its containers. */
  root: string;
  /** Folder of the bundles, one folder a container. */
  bundles: string;
  /** Words before those of its client. */
  client: readonly string[];
  /** The shim's options that name our program. */
  options: { binaryName: string; root: string };
  /** Flags of `ctr` that say what runs a container: our program, or another by containerd's shim. */
  runtime(binary?: string): string[];
  /** The same without further options, where ctr itself has some. */
  plainRuntime: readonly string[];
  /** Words of `ctr` that run a container, in the same way. */
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
  /** Stops the daemon, and starts it again when something has been done; containers go on. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** The same with a socket for events where shims do not look for it; returns what makes it found. */
  restartUnheard(meanwhile: () => Promise<void>): Promise<() => void>;
  /** Stops the daemon for good. */
  stop(): Promise<void>;
}

/** Whether it is containerd 1, which has a client and a configuration of its own. */
export function isFirst(folder: string): boolean {
  return folder !== containerdFolders.built;
}

/** Why there is no containerd in a folder; undefined if there is one. */
export function containerdMissing(folder: string): string | undefined {
  if (existsSync(join(folder, "containerd-shim-runc-v2"))) return undefined;
  const log = resolve(folder, "../build.log");
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").at(-1) : "not installed";
}

/** Starts a containerd. */
export async function startContainerd({ folder, shim }: ContainerdOptions): Promise<Containerd> {
  const own = freshDirectory();
  const at = (name: string): string => join(own, name);
  const path = `${folder}:${dirname(runtime)}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const env = { PATH: path, TMPDIR: at("tmp") };
  mkdirSync(env.TMPDIR);
  const configuration = isFirst(folder) ? configuration1 : configuration2;
  writeFileSync(at("config.toml"), configuration(own, shim));
  makeNetwork(own);
  const flagsOfRunc = (binary: string): string[] => [
    "--runc-binary",
    binary,
    "--runc-root",
    at("runt"),
  ];
  const flagsOfShim = ["--runtime", SHIM.runt, "--runtime-config-path", at("runt.toml")];
  const flags = (binary?: string): string[] =>
    binary === undefined && shim === SHIM.runt ? flagsOfShim : flagsOfRunc(binary ?? runtime);
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
    shim,
    socket: at("containerd.sock"),
    root: at("runt/default"),
    bundles: at("state/io.containerd.runtime.v2.task/default"),
    client,
    options: { binaryName: runtime, root: at("runt") },
    runtime: flags,
    // For a user namespace and --no-pivot, ctr 2 adds to the options, and knows only those of runc.
    plainRuntime: shim === SHIM.runt ? ["--runtime", SHIM.runt] : flagsOfRunc(runtime),
    run: (binary) => ["run", ...fifos, ...flags(binary)],
    exec: ["task", "exec", ...fifos],
    start,
    ctr,
    does,
    becomes: async (id, status) => {
      const line = new RegExp(`^${id}\\s+\\d+\\s+${status}`, "m");
      await waitUntil(`${id} ${status}`, async () => line.test(await does("task", "ls")));
    },
    tasks: tasks(at("containerd.sock")),
    restart: async (meanwhile) => {
      await containerd.daemon.stop();
      await meanwhile?.();
      containerd.daemon = await begin();
    },
    restartUnheard: async (meanwhile) => {
      appendFileSync(at("config.toml"), `[ttrpc]\n  address = "${at("events.sock")}"\n`);
      await containerd.restart(meanwhile);
      return () => {
        rmSync(at("containerd.sock.ttrpc"), { force: true });
        symlinkSync(at("events.sock"), at("containerd.sock.ttrpc"));
      };
    },
    stop: async () => {
      await containerd.daemon.stop();
      // No option moves these, and nobody removes them.
      const folders = ["s", "fifo", "runc/default", "runt/default"].map(
        (name) => `/run/containerd/${name}`,
      );
      const parents = ["/run/containerd/runc", "/run/containerd/runt", "/run/containerd"];
      const cgroups = ["", ...readdirSync("/sys/fs/cgroup")].map((name) =>
        join("/sys/fs/cgroup", name, "default"),
      );
      for (const folder of [...folders, ...parents, ...cgroups]) {
        Bun.spawnSync(["rmdir", folder], { stderr: "ignore" });
      }
    },
  };
  await does("images", "import", makeImage());
  await does("--namespace=k8s.io", "images", "import", makeImage());
  await does("--namespace=k8s.io", "images", "import", makeImage(podImage));
  return containerd;
}

/** Its own folders, and what the README says for Kubernetes; no file of the host. */
function configuration1(own: string, shim: ContainerdOptions["shim"]): string {
  return `${readmeConfiguration("version = 2", own, shim)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${podImage.name}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
  conf_dir = "${own}/cni"
  bin_dir = "${own}/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "${own}/opt"
[grpc]
  address = "${own}/containerd.sock"
`;
}

function configuration2(own: string, shim: ContainerdOptions["shim"]): string {
  return `${readmeConfiguration("version = 3", own, shim)}
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runt-as-runc]
  runtime_type = '${SHIM.runc}'
  runtime_path = '${join(dirname(runtime), "containerd-shim-runt-v2")}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runt-as-runc.options]
  Root = "${own}/runt"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${podImage.name}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  conf_dir = "${own}/cni"
  bin_dirs = ["${own}/cni"]
[plugins.'io.containerd.internal.v1.opt']
  path = "${own}/opt"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[grpc]
  address = "${own}/containerd.sock"
`;
}

/** A network for pods that leaves theirs as it is, and says that they have an address. */
function makeNetwork(own: string): void {
  const folder = join(own, "cni");
  const version = "0.4.0";
  const result = { cniVersion: version, interfaces: [{ name: "eth0" }] };
  const ips = [{ version: "4", interface: 0, address: "192.0.2.2/24" }];
  const plugin = [
    "#!/bin/sh",
    '[ "$CNI_COMMAND" = VERSION ] && echo \'{"cniVersion":"0.4.0","supportedVersions":["0.4.0"]}\'',
    `[ "$CNI_COMMAND" = ADD ] && echo '${JSON.stringify({ ...result, ips })}'`,
    "exit 0",
  ].join("\n");
  mkdirSync(folder);
  const list = { cniVersion: version, name: "pods", plugins: [{ type: "none" }] };
  writeFileSync(join(folder, "10-none.conflist"), JSON.stringify(list));
  for (const name of ["none", "loopback"]) {
    writeFileSync(join(folder, name), `${plugin}\n`, { mode: 0o755 });
  }
}

/** The README's words from a line on, with options and folders of our own; no systemd runs here. */
function readmeConfiguration(
  firstLine: string,
  own: string,
  shim: ContainerdOptions["shim"],
): string {
  const readme = readFileSync(join(project, "README.md"), "utf8");
  const block = readme.split("```toml\n").find((text) => text.startsWith(`${firstLine}\n`));
  if (block === undefined) throw new Error(`README.md has no block that begins with ${firstLine}`);
  const lines = (block.split("```")[0] ?? "").trimEnd().split("\n");
  const said = lines.pop() ?? "";
  const first = shim === SHIM.runc ? `BinaryName = "${runtime}"` : "SystemdCgroup = false";
  const options = `  ${first}\n  Root = "${own}/runt"\n`;
  // For ctr too.
  writeFileSync(join(own, "runt.toml"), options);
  const isElsewhere = shim === SHIM.runt && said.includes("ConfigPath");
  return [...lines, isElsewhere ? said.replace("/etc/containerd", own) : options]
    .join("\n")
    .replace(firstLine, `${firstLine}\nroot = "${own}/root"\nstate = "${own}/state"`)
    .replace(SHIM.runt, shim);
}
