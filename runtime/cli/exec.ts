// runt exec

import { RuntimeError } from "../errors.ts";
import { containerId } from "../lifecycle/container-id.ts";
import { type ExecOptions, exec } from "../lifecycle/exec.ts";
import type { ExecProcess } from "../lifecycle/exec-process.ts";
import { absolutePath } from "./absolute-path.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { commandNamed } from "./commands.ts";
import { durationMs } from "./duration.ts";
import { UsageError } from "./usage-error.ts";

/** Executes a process in a container; its exit code becomes the program's. */
export function execCommand(given: Arguments, surroundings: Surroundings): number {
  const { root, log, environment } = surroundings;
  return exec({
    root,
    id: containerId(given.positionals[0] ?? ""),
    process: processOf(given),
    detach: given.on("detach"),
    preserveFds: given.count("preserve-fds"),
    ignorePaused: given.on("ignore-paused"),
    cgroups: given.list("cgroup"),
    ...timeLimit(given),
    ...places(given),
    log,
    environment,
  });
}

function places(given: Arguments): Pick<ExecOptions, "pidFile" | "consoleSocket" | "pidfdSocket"> {
  const pidFile = given.text("pid-file");
  const consoleSocket = given.text("console-socket");
  const pidfdSocket = given.text("pidfd-socket");
  return {
    ...(pidFile !== undefined && { pidFile: absolutePath(pidFile) }),
    ...(consoleSocket !== undefined && { consoleSocket: absolutePath(consoleSocket) }),
    ...(pidfdSocket !== undefined && { pidfdSocket: absolutePath(pidfdSocket) }),
  };
}

function timeLimit(given: Arguments): Pick<ExecOptions, "timeoutMs"> {
  const text = given.text("timeout");
  if (text === undefined) return {};
  const timeoutMs = durationMs(text);
  if (timeoutMs === undefined || timeoutMs <= 0) {
    throw new RuntimeError(`--timeout is "${text}", wanted a duration such as 1m30s`);
  }
  if (given.on("detach")) throw wrong("--timeout does not go with --detach: nobody stays to look");
  return { timeoutMs };
}

/** Flags that say what a file says as well. */
const CHANGES = "cwd env user additional-gids cap no-new-privs apparmor process-label".split(" ");

function processOf(given: Arguments): ExecProcess {
  const [, ...args] = given.positionals;
  const terminal = given.on("tty");
  const file = given.text("process");
  if (file !== undefined) {
    const besides = CHANGES.find((flag) => given.text(flag) ?? given.list(flag)[0]);
    if (besides !== undefined) throw wrong(`--${besides} does not go with --process`);
    if (args.length > 0) throw wrong(`a command does not go with --process: got "${args[0]}"`);
    return { file: absolutePath(file), terminal };
  }
  if (args.length === 0) throw wrong("requires a COMMAND, or --process");
  const cwd = given.text("cwd");
  const user = given.text("user");
  const apparmorProfile = given.text("apparmor");
  const selinuxLabel = given.text("process-label");
  return {
    args: args[0] === "--" ? args.slice(1) : args,
    terminal,
    ...(cwd !== undefined && { cwd: workingDirectory(cwd) }),
    env: given.list("env").map(variable),
    ...(user !== undefined && { user: userOf(user) }),
    additionalGids: given.list("additional-gids").map((text) => idOf(text, "--additional-gids")),
    capabilities: given.list("cap").map((name) => name.toUpperCase()),
    ...(given.text("no-new-privs") !== undefined && { noNewPrivileges: given.on("no-new-privs") }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
  };
}

function workingDirectory(path: string): string {
  if (path.startsWith("/")) return path;
  throw new RuntimeError(`--cwd is "${path}", wanted an absolute path`);
}

function variable(text: string): string {
  if (/^[^=]+=/.test(text)) return text;
  throw new RuntimeError(`--env is "${text}", wanted NAME=value`);
}

/** Numbers alone: what a name or half a number means is not for us to guess (CVE-2026-30892). */
function userOf(text: string): { uid: number; gid?: number } {
  const [uid = "", gid, ...more] = text.split(":");
  if (more.length > 0) throw new RuntimeError(`--user is "${text}", wanted UID or UID:GID`);
  return {
    uid: idOf(uid, "--user"),
    ...(gid !== undefined && { gid: idOf(gid, "--user") }),
  };
}

/** The kernel's last id, 4294967295, means no id. */
function idOf(text: string, flag: string): number {
  const ID_MAX = 4_294_967_294;
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (id <= ID_MAX) return id;
  throw new RuntimeError(`${flag} is "${text}", wanted a number from 0 to ${ID_MAX}`);
}

function wrong(text: string): UsageError {
  return new UsageError(`exec: ${text}`, commandNamed("exec"));
}
