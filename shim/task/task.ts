// What a shim knows of its containers ("tasks" to containerd) and of the processes in them.

import type { Ending } from "../../runtime/sys/process.ts";
import type { StreamNames, Streams } from "../io/streams.ts";
import type { Terminal } from "../io/terminal.ts";
import type { ShimOptions } from "../options.ts";
import type { Moment } from "../timestamp.ts";

/** How a process ended, and when that was told. */
export interface Exit {
  status: number;
  at: Moment;
}

/**
 * `starting` is the time in which a worker starts it: an end is kept back until that is over.
 * A process that could not be started is `stopped`, and had no pid.
 */
export type ProcessState = "creating" | "created" | "starting" | "running" | "stopped";

export interface TaskProcess {
  /** "" for the container's init. */
  readonly execId: string;
  readonly names: StreamNames;
  state: ProcessState;
  /** 0 as long as there is none; it stays when the process has ended. */
  pid: number;
  pidfd: number;
  streams: Streams | undefined;
  /** The client has said so, perhaps before there was anything to close. */
  isStdinClosed: boolean;
  terminal: Terminal | undefined;
  /** The kernel has told its end, and the clients have not heard yet. */
  ending: Ending | undefined;
  exit: Exit | undefined;
  /** Calls of Wait. */
  readonly waiters: Set<(exit: Exit) => void>;
}

export interface Task {
  readonly id: string;
  readonly bundle: string;
  readonly options: ShimOptions;
  /** The runtime's state root. */
  readonly root: string;
  readonly init: TaskProcess;
  readonly execs: Map<string, Exec>;
  /** Whether its processes end with init, because of a pid namespace. */
  ownPidNamespace: boolean;
  isPaused: boolean;
  /** Ends the watch for the OOM killer. */
  stopOomWatch: () => void;
}

/** A process that Exec has announced. */
export interface Exec extends TaskProcess {
  /** JSON of an OCI process. */
  readonly spec: string;
}

export function newProcess(execId: string, names: StreamNames): TaskProcess {
  return {
    execId,
    names,
    state: "creating",
    pid: 0,
    pidfd: -1,
    streams: undefined,
    isStdinClosed: false,
    terminal: undefined,
    ending: undefined,
    exit: undefined,
    waiters: new Set(),
  };
}
