// Podman as it is packaged, of root or of an ordinary user, on a private host: its state is below
// the room, its network is not the machine's, and our program is its runtime by configuration alone.

import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyProgram } from "../ordinary-user.ts";
import { isRunning } from "../process.ts";
import { type Outcome, type ProgramOptions, type Running, startProgram } from "../program.ts";
import { freshDirectory, freshName, room } from "../room.ts";
import { waitUntil } from "../wait.ts";
import { makeImage } from "./image.ts";
import { startPrivateHost } from "./private-host.ts";

export interface Podman {
  /** Runs it to its end. */
  podman(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** Runs it, and it has to succeed; what it writes to standard output, without the last newline. */
  does(...args: string[]): Promise<string>;
  start(args: readonly string[], options?: ProgramOptions): Running;
  /** Words before Podman's own, for another program to run it. */
  command: readonly string[];
  /** A file that Podman sees, and we may not. */
  read(path: string): Promise<string>;
  /** A folder of whoever calls it. */
  folder: string;
  /** With what arguments the runtime has been called so far. */
  runtimeCalls(): string[];
  end(): Promise<void>;
}

/** Why there is no Podman; undefined if there is one. */
export function podmanMissing(): string | undefined {
  return existsSync("/usr/bin/podman") ? undefined : "podman is not installed";
}

/** The cgroup above those of root's containers, by which they are known as this room's. */
export const cgroupParent = `/${room.prefix}`;

/** Makes everything that Podman needs, and the image of the tests. */
export async function startPodman(caller: "root" | "user"): Promise<Podman> {
  const uid = caller === "root" ? 0 : room.uid;
  chmodSync(room.directory, 0o711);
  const folder = freshDirectory();
  const at = (name: string): string => join(folder, name);
  for (const path of ["", "tmp", "xdg", "lib"].map(at)) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chownSync(path, uid, uid);
  }
  const calls = at("calls");
  writeFileSync(calls, "");
  chownSync(calls, uid, uid);
  writeFileSync(at("containers.conf"), containersConf(runtimeThatTells(calls), caller));

  const host = await startPrivateHost({
    "/etc/passwd": file(`${readFileSync("/etc/passwd", "utf8")}${users()}`),
    "/etc/subuid": file(subordinateIds()),
    "/etc/subgid": file(subordinateIds()),
    "/var/lib": at("lib"),
    ...(existsSync("/dev/net/tun") && { "/dev/net/tun": tunForAll() }),
  });
  const command = [
    ...host.within,
    ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all"],
    ...["env", `--chdir=${folder}`, `HOME=${folder}`, `XDG_RUNTIME_DIR=${at("xdg")}`],
    ...[`TMPDIR=${at("tmp")}`, "STORAGE_DRIVER=vfs", `CONTAINERS_CONF=${at("containers.conf")}`],
    "podman",
  ];
  const start = (args: readonly string[], options: ProgramOptions = {}): Running =>
    startProgram([...command, ...args], options);
  const podman = (args: readonly string[], options?: ProgramOptions): Promise<Outcome> =>
    start(args, options).ended;
  const does = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await podman(args);
    if (code !== 0) throw new Error(`podman ${args.join(" ")}: exit ${code}: ${stderr}${stdout}`);
    return stdout.replace(/\n$/, "");
  };

  await does("load", "--quiet", "--input", readableImage());
  return {
    podman,
    does,
    start,
    command,
    read: async (path) => (await startProgram([...host.within, "cat", path]).ended).stdout,
    folder,
    runtimeCalls: () => readFileSync(calls, "utf8").trimEnd().split("\n"),
    end: async () => {
      await does("pod", "rm", "--all", "--force", "--time=0");
      await does("rm", "--all", "--force", "--time=0");
      await endPauseProcess(at("xdg/libpod/tmp/pause.pid"));
      await host.end();
    },
  };
}

/**
 * Our program as any user may run it, behind a script that writes down its arguments. Podman knows
 * a runtime by the name of its file.
 */
function runtimeThatTells(calls: string): string {
  const directory = join(room.directory, freshName());
  mkdirSync(join(directory, "bin"), { recursive: true });
  const program = copyProgram(directory);
  const path = join(directory, "bin/runt");
  writeFileSync(path, `#!/bin/sh\necho "$*" >> ${calls}\nexec ${program} "$@"\n`, { mode: 0o755 });
  return path;
}

/** Limits are lowered for root, who is given ones that only CAP_SYS_RESOURCE can raise. */
function containersConf(program: string, caller: "root" | "user"): string {
  return `[engine]
runtime = "runt"
runtime_supports_json = ["runt"]
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
runt = ["${program}"]
[containers]
${caller === "root" ? 'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]' : ""}
`;
}

/** Users with ranges of ids: the room's own, and the one whose ranges --userns=auto takes. */
function users(): string {
  return [
    `tester:x:${room.uid}:${room.uid}::/:/bin/sh`,
    `containers:x:${room.uid + 1}:${room.uid + 1}::/:/bin/sh\n`,
  ].join("\n");
}

function subordinateIds(): string {
  const range = `${room.firstSubordinate}:65536`;
  return `tester:${range}\ncontainers:${range}\n`;
}

/** Machines differ in who may open it; slirp4netns(1) has to. */
function tunForAll(): string {
  const path = join(room.directory, freshName());
  Bun.spawnSync(["mknod", "-m", "666", path, "c", "10", "200"]);
  return path;
}

function file(text: string): string {
  const path = join(room.directory, freshName());
  writeFileSync(path, text);
  return path;
}

function readableImage(): string {
  const image = makeImage();
  chmodSync(image, 0o644);
  return image;
}

/** It holds an ordinary user's namespaces between two commands, for ever. */
async function endPauseProcess(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  if (!isRunning(pid)) return;
  process.kill(pid, "SIGKILL");
  await waitUntil("end of Podman's pause process", () => !isRunning(pid));
}
