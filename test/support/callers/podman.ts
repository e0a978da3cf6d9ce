// Podman as it is packaged, of root or of an ordinary user, on a private host: its state is below
// the room, its network is not the machine's, and our program is its runtime by configuration alone.

import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyProgram } from "../ordinary-user.ts";
import { isRunning } from "../process.ts";
import { type Outcome, type ProgramOptions, startProgram } from "../program.ts";
import { freshDirectory, freshName, room } from "../room.ts";
import { waitUntil } from "../wait.ts";
import { imageName, makeImage } from "./image.ts";
import { type PrivateHost, startPrivateHost } from "./private-host.ts";

export interface Podman {
  caller: "root" | "user";
  /** Makes the host, and the image of the tests. */
  begin(): Promise<void>;
  end(): Promise<void>;
  /** Runs it to its end. */
  podman(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** Runs it, and it has to succeed; what it writes to standard output, without the last newline. */
  does(...args: string[]): Promise<string>;
  /** Runs a shell script in a new container without a network. It has to succeed. */
  inside(script: string, ...flags: string[]): Promise<string>;
  /** Words of `podman run`: for a container that is removed at its end, and for one that stays. */
  run: readonly string[];
  detached: readonly string[];
  /** Words before Podman's own, for another program to run it. */
  command(): string[];
  /** A file that Podman sees, and we may not; "" if there is none. */
  read(path: string): Promise<string>;
  /** A folder of the caller's. */
  folder: string;
  /** The folder of the program, whose launcher is `runt`. */
  program: string;
  /** With what arguments the runtime has been called so far. */
  runtimeCalls(): string[];
}

/** Why there is no Podman; undefined if there is one. */
export function podmanMissing(): string | undefined {
  return existsSync("/usr/bin/podman") ? undefined : "podman is not installed";
}

/** The cgroup above those of root's containers, by which they are known as this room's. */
export const cgroupParent = `/${room.prefix}`;

/** Podman of root, or of the room's ordinary user; nothing runs before it begins. */
export function podmanOf(caller: "root" | "user"): Podman {
  const uid = caller === "root" ? 0 : room.uid;
  const folder = freshDirectory();
  const at = (name: string): string => join(folder, name);
  const calls = at("calls");
  const program = freshDirectory();
  // The usual one: paths of sockets below it must not get longer than 107 bytes (unix(7)).
  const runtimeFolder = `/run/user/${uid}`;
  let host: PrivateHost | undefined;

  const within = (): readonly string[] => {
    if (host === undefined) throw new Error("Podman has not begun");
    return host.within;
  };
  const command = (): string[] => [
    ...within(),
    ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all"],
    ...["env", `--chdir=${folder}`, `HOME=${folder}`, `XDG_RUNTIME_DIR=${runtimeFolder}`],
    ...[`TMPDIR=${at("tmp")}`, `CONTAINERS_CONF=${at("containers.conf")}`],
    // Works wherever the room is, on an overlay too.
    ...["podman", "--storage-driver=vfs"],
  ];
  const podman = (args: readonly string[], options?: ProgramOptions): Promise<Outcome> =>
    startProgram([...command(), ...args], options).ended;
  const does = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await podman(args);
    if (code !== 0) throw new Error(`podman ${args.join(" ")}: exit ${code}: ${stderr}${stdout}`);
    return stdout.replace(/\n$/, "");
  };
  const read = async (path: string): Promise<string> =>
    (await startProgram([...within(), "cat", path]).ended).stdout;
  // Podman gives an ordinary user no cgroups on v1.
  const inCgroup = caller === "root" ? [`--cgroup-parent=${cgroupParent}`] : [];
  const run = ["run", "--rm", ...inCgroup];

  return {
    caller,
    podman,
    does,
    inside: (script, ...flags) =>
      does(...run, "--network=none", ...flags, imageName, "sh", "-c", script),
    run,
    detached: ["run", "--detach", ...inCgroup],
    command,
    read,
    folder,
    program,
    runtimeCalls: () => readFileSync(calls, "utf8").trimEnd().split("\n"),
    begin: async () => {
      chmodSync(room.directory, 0o711);
      for (const path of ["", "tmp", "lib"].map(at)) {
        mkdirSync(path, { recursive: true, mode: 0o700 });
        chownSync(path, uid, uid);
      }
      writeFileSync(calls, "");
      chownSync(calls, uid, uid);
      writeFileSync(
        at("containers.conf"),
        containersConf(runtimeThatTells(calls, program), caller),
      );
      host = await startPrivateHost({
        "/etc/passwd": file(`${readFileSync("/etc/passwd", "utf8")}${users()}`),
        "/etc/group": file(`${readFileSync("/etc/group", "utf8")}tester:x:${room.uid}:\n`),
        "/etc/subuid": file(subordinateIds()),
        "/etc/subgid": file(subordinateIds()),
        "/var/lib": at("lib"),
        ...(existsSync("/dev/net/tun") && { "/dev/net/tun": tunForAll() }),
      });
      const make = ["install", "--directory", "--mode=700", `--owner=${uid}`, runtimeFolder];
      await startProgram([...host.within, ...make]).ended;
      await does("load", "--quiet", "--input", readableImage());
    },
    end: async () => {
      await does("pod", "rm", "--all", "--force", "--time=0");
      await does("rm", "--all", "--force", "--time=0");
      await endProcessOf(await read(`${runtimeFolder}/libpod/tmp/pause.pid`));
      await host?.end();
    },
  };
}

/**
 * Our program as any user may run it, behind a script that writes down its arguments. Podman knows
 * a runtime by the name of its file.
 */
function runtimeThatTells(calls: string, folder: string): string {
  const script = `#!/bin/sh\necho "$*" >> ${calls}\nexec ${copyProgram(folder)} "$@"\n`;
  const path = join(freshDirectory(), "runt");
  writeFileSync(path, script, { mode: 0o755 });
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

/** Podman leaves one that holds an ordinary user's namespaces between two commands. */
async function endProcessOf(pidFile: string): Promise<void> {
  const pid = Number(pidFile);
  if (pid === 0 || !isRunning(pid)) return;
  process.kill(pid, "SIGKILL");
  await waitUntil("end of Podman's pause process", () => !isRunning(pid));
}
