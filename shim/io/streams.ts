// A process's standard streams, as the client has named them: fifos, a file, a program that logs, or
// nothing. Where it can, the process writes straight into them, and the shim copies nothing.

import type { Children } from "../children.ts";
import type { ShimLog } from "../log.ts";
import type { Loop } from "../loop.ts";
import { StatusError } from "../ttrpc/status.ts";
import { openFifos } from "./fifos.ts";
import { openLogFile } from "./log-file.ts";
import { schemeOf } from "./uri.ts";

/** As Create and Exec name them: paths, or URIs of standard output. */
export interface StreamNames {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

/** What a process is given, and what the shim holds of it. */
export interface Streams {
  /** Standard input, output and error of the process. With a terminal, what the pump copies. */
  readonly ends: Ends;
  /** Calls back once, when the process may be made; with a text if it may not. */
  whenReady(done: (failure: string | undefined) => void): void;
  /** The process has its copies: the shim's are closed. */
  handOver(): void;
  /** No more input comes: the end of file is the client's to see through. */
  closeStdin(): void;
  /** Calls back when a program that logs has ended, which has everything by then. */
  whenDrained(done: () => void): void;
  /** The shim's own ends, when the process is deleted. A program that logs is told to end. */
  close(): void;
}

export interface Ends {
  stdin: number | undefined;
  stdout: number | undefined;
  stderr: number | undefined;
}

/** Those that there are. */
export function fdsOf({ stdin, stdout, stderr }: Ends): number[] {
  return [stdin, stdout, stderr].filter((fd) => fd !== undefined);
}

export interface Owner {
  uid: number;
  gid: number;
}

export interface StreamSurroundings {
  loop: Loop;
  children: Children;
  log: ShimLog;
  environment: Readonly<Record<string, string | undefined>>;
  namespace: string;
  /** Of the container, or of the exec. */
  id: string;
  /** Who is to own fifos, so that /dev/stdout can be opened again in the container. */
  owner: Owner;
}

/** @throws StatusError for a URI that is not known; SyscallError for what cannot be opened */
export function openStreams(names: StreamNames, surroundings: StreamSurroundings): Streams {
  const scheme = schemeOf(names.stdout);
  if (scheme === "fifo") return openFifos(names, surroundings);
  if (scheme === "file") return openLogFile(names, surroundings);
  if (scheme === "binary" || scheme === "binary-v2") {
    const { openLogger }: typeof import("./logger.ts") = require("./logger.ts");
    return openLogger(names, surroundings);
  }
  throw new StatusError("unknown", `unknown STDIO scheme ${scheme}`);
}
