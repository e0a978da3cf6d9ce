// `start`: the shim that serves a container, made if there is none, and its address told. What is
// printed is read by containerd to its end, errors with it.

import { fork } from "../../runtime/engine/fork.ts";
import { requireProtectedExecutable } from "../../runtime/lifecycle/executable.ts";
import { readFile, readSome, writeAll, writeFile } from "../../runtime/sys/file.ts";
import { tryMakeCoreCookie } from "../../runtime/sys/process.ts";
import type { ShimArguments } from "./arguments.ts";
import { groupOf } from "./group.ts";
import { type Parameters, parametersFrom } from "./parameters.ts";
import { replyTo } from "./reply.ts";
import { listenOrJoin, socketPath } from "./socket.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const [STDIN, STDOUT] = [0, 1];
/** As much as the reference shim reads. */
const INPUT_BYTES_MAX = 10_485_760;

/** Starts a shim for the container whose bundle is the working directory, or finds the one of its pod. */
export function start(given: ShimArguments, environment: Environment): void {
  requireProtectedExecutable({ environment, preserveFds: 0 });
  const parameters = parametersFrom(readInput(), given);
  const path = socketPath({
    address: given.address,
    namespace: given.namespace,
    group: groupOf(given.id),
    directory: parameters.socketDirectory || environment["SHIM_SOCKET_DIR"] || "",
  });
  const socket = listenOrJoin(path);
  if (socket !== undefined) startDaemon({ socket, path, given, parameters, environment });
  const address = `unix://${path}`;
  // containerd 1.6 and 1.7 look for it here when they are started again.
  writeFile("address", address, 0o600);
  writeAll(
    STDOUT,
    replyTo({ ...parameters, maxShimVersion: environment["MAX_SHIM_VERSION"] }, address),
  );
}

function readInput(): Buffer {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < INPUT_BYTES_MAX; ) {
    const some = readSome(STDIN);
    if (some.length === 0) break;
    parts.push(some);
    bytes += some.length;
  }
  return Buffer.concat(parts);
}

interface Launch {
  /** Listens: who connects before the shim is ready waits in it. */
  socket: number;
  path: string;
  given: ShimArguments;
  parameters: Parameters;
  environment: Environment;
}

/** The shim is a fork of this process, which has all of the program loaded already. */
function startDaemon({ socket, path, given, parameters, environment }: Launch): void {
  if (environment["SCHED_CORE"]) tryMakeCoreCookie();
  const { pid } = fork(() => {
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
  });
  const [options] = parameters.options;
  if (options !== undefined) {
    const { joinShimCgroup }: typeof import("./shim-cgroup.ts") = require("./shim-cgroup.ts");
    joinShimCgroup(options, pid);
  }
  raiseOomScore(pid);
}

/** One more than our own: where memory is short, the shim goes before containerd does. */
function raiseOomScore(pid: number): void {
  const OOM_SCORE_ADJ_MAX = 1000;
  const own = Number(readFile("/proc/self/oom_score_adj"));
  writeFile(`/proc/${pid}/oom_score_adj`, `${Math.min(own + 1, OOM_SCORE_ADJ_MAX)}`, 0);
}
