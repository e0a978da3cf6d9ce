// What a shim knows of its containers ("tasks" to containerd) and of the processes in them.

import type { StreamNames, Streams } from "../io/streams.ts";
import type { Terminal } from "../io/terminal.ts";
import type { ShimOptions } from "../options.ts";
import type { Moment } from "../timestamp.ts";
import type { StatusError } from "../ttrpc/status.ts";

/** How a process ended, and when the kernel told that. */
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
  /** What the kernel has told of its end; clients may not have heard yet. */
  ending: Exit | undefined;
  /** What clients have been told. */
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
  /** Where each mount of its root filesystem is; undefined if some are in others. */
  readonly mounts: readonly string[] | undefined;
  /** Whether nothing but init has to be waited for when it is started. */
  startsAtOnce: boolean;
  /** Whether its processes end with init, because of a pid namespace. */
  ownPidNamespace: boolean;
  isPaused: boolean;
  oomWatch: OomWatch | undefined;
  /** Told once, when Create has come to an end, whichever. */
  readonly whenMade: Set<() => void>;
  /** Calls of Delete, while it is being removed. */
  readonly removers: Set<Remover>;
}

export interface OomWatch {
  /** Tells what there is to tell. */
  look(): void;
  stop(): void;
}

/** Who has asked for a process to be deleted. */
export interface Remover {
  answer(response: { pid: number; exitStatus: number; exitedAt: Moment | undefined }): void;
  refuse(error: StatusError): void;
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
