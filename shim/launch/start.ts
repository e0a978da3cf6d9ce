// `start`: the shim that serves a container, made if there is none, and its address told. What is
// printed is read by containerd to its end, errors with it.

import { forkOff } from "../../runtime/engine/fork.ts";
import { RuntimeError } from "../../runtime/errors.ts";
import { requireProtectedExecutable } from "../../runtime/lifecycle/executable.ts";
import { tryUnlinkAt } from "../../runtime/sys/entry.ts";
import {
  AT_FDCWD,
  closeFd,
  duplicateTo,
  O_RDWR,
  open,
  readFile,
  readSome,
  writeAll,
  writeFile,
} from "../../runtime/sys/file.ts";
import { type Cloned, SIGKILL, tryMakeCoreCookie, trySignal } from "../../runtime/sys/process.ts";
import type { ShimArguments } from "./arguments.ts";
import { groupOf } from "./group.ts";
import { type Parameters, parametersFrom } from "./parameters.ts";
import { replyTo } from "./reply.ts";
import { listenOrJoin, socketPath } from "./socket.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const [STDIN, STDOUT] = [0, 1];
/** As much as the reference shim reads. */
const INPUT_BYTES_MAX = 10_485_760;

/**
 * Starts a shim for the container whose bundle is the working directory, or finds the one of its pod.
 * The shim is a fork of this process, which has all of the program loaded already.
 *
 * @returns in the shim, what it is to do; undefined in the process that was started
 */
export function start(given: ShimArguments, environment: Environment): (() => void) | undefined {
  requireProtectedExecutable({ environment, preserveFds: 0 });
  const parameters = parametersFrom(readInput(), given);
  const shimCgroup = shimCgroupIn(parameters);
  const path = socketPath({
    address: given.address,
    namespace: given.namespace,
    group: groupOf(given.id),
    directory: parameters.socketDirectory || environment["SHIM_SOCKET_DIR"] || "",
  });
  const socket = listenOrJoin(path);
  const shim = socket === undefined ? undefined : forkShim(environment);
  if (socket !== undefined && shim?.pid === 0) {
    return () => beShim({ socket, path, given, parameters, environment });
  }
  try {
    if (shim !== undefined) place(shim, shimCgroup);
    const address = `unix://${path}`;
    // containerd 1.6 and 1.7 look for it here when they are started again.
    writeFile("address", address, 0o600);
    const maxShimVersion = environment["MAX_SHIM_VERSION"];
    writeAll(STDOUT, replyTo({ ...parameters, maxShimVersion }, address));
  } catch (error) {
    if (shim !== undefined) takeBack(shim, path);
    throw error;
  }
  return undefined;
}

function readInput(): Buffer {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes <= INPUT_BYTES_MAX; ) {
    const some = readSome(STDIN);
    if (some.length === 0) return Buffer.concat(parts);
    parts.push(some);
    bytes += some.length;
  }
  throw new RuntimeError(`standard input has more than ${INPUT_BYTES_MAX} bytes`);
}

/** Of the options this one concerns the shim; the others are read when a container is made. */
function shimCgroupIn({ options }: Parameters): string {
  if (options.length === 0) return "";
  const { optionsFrom }: typeof import("../options.ts") = require("../options.ts");
  const { makeShimLog }: typeof import("../log.ts") = require("../log.ts");
  const log = makeShimLog("log", { debugs: false });
  const named = options.map((one) => optionsFrom(one, log.warn).shimCgroup);
  return named.find((path) => path !== "") ?? "";
}

interface Launch {
  /** Listens: who connects before the shim is ready waits in it. */
  socket: number;
  path: string;
  given: ShimArguments;
  parameters: Parameters;
  environment: Environment;
}

function forkShim(environment: Environment): Cloned {
  if (environment["SCHED_CORE"]) tryMakeCoreCookie();
  return forkOff();
}

function beShim({ socket, path, given, parameters, environment }: Launch): void {
  leaveStreams();
  const { daemon }: typeof import("../daemon.ts") = require("../daemon.ts");
  daemon({
    socket,
    path,
    id: given.id,
    namespace: given.namespace,
    ttrpcAddress: parameters.ttrpcAddress || environment["TTRPC_ADDRESS"] || "",
    debugs: given.debug || parameters.debug,
    environment,
  });
}

/** First of all: containerd reads what is printed to its end, when nobody has it open any more. */
function leaveStreams(): void {
  const nothing = open("/dev/null", O_RDWR);
  for (const fd of [0, 1, 2]) duplicateTo(nothing, fd);
  closeFd(nothing);
}

function place({ pid }: Cloned, shimCgroup: string): void {
  if (shimCgroup !== "") {
    const { joinShimCgroup }: typeof import("./shim-cgroup.ts") = require("./shim-cgroup.ts");
    joinShimCgroup(shimCgroup, pid);
  }
  // One more than our own: where memory is short, the shim goes before containerd does.
  const OOM_SCORE_ADJ_MAX = 1000;
  const own = Number(readFile("/proc/self/oom_score_adj"));
  writeFile(`/proc/${pid}/oom_score_adj`, `${Math.min(own + 1, OOM_SCORE_ADJ_MAX)}`, 0);
}

function takeBack({ pidfd }: Cloned, path: string): void {
  trySignal(pidfd, SIGKILL);
  tryUnlinkAt(AT_FDCWD, path);
  tryUnlinkAt(AT_FDCWD, "address");
}
