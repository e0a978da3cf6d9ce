// What a supervisor tells of its program: a page of memory that both processes share.

import { mapShared, memoryAt, unmap } from "../sys/libc.ts";
import type { Ending } from "../sys/process.ts";

/** What is kept of a program's output, its end. */
export const OUTPUT_BYTES_MAX = 4_000;

/** How a program went: it ended, it ran past its time, or it could not be looked after. */
export interface Outcome {
  state: "ended" | "late" | "failed";
  ending: Ending;
  /** What its standard output and error said last; of a failure, why. */
  output: string;
}

export interface Report {
  /** Where the last system calls before the program report; see sys/exec.ts. */
  readonly resultAddress: number;
  write(outcome: Outcome): void;
  /** The outcome, and why execve(2) failed or 0; "failed" when the supervisor wrote none. */
  read(): Outcome & { errno: number };
  close(): void;
}

const REPORT_BYTES = 4_096;

/** Offsets. The first two words are for the last system calls. */
const ERRNO = 0;
const STATE = 8;
const CODE = 12;
const SIGNAL = 16;
const OUTPUT_BYTES = 20;
const OUTPUT = 24;

const STATES = ["failed", "ended", "late"] as const;

/** Memory for the report of one program. */
export function makeReport(): Report {
  const address = mapShared(REPORT_BYTES);
  const bytes = memoryAt(address, REPORT_BYTES);
  return {
    resultAddress: address,
    write: ({ state, ending, output }) => {
      bytes.writeInt32LE("code" in ending ? ending.code : 0, CODE);
      bytes.writeInt32LE("signal" in ending ? ending.signal : 0, SIGNAL);
      bytes.writeInt32LE(bytes.write(output, OUTPUT, OUTPUT_BYTES_MAX), OUTPUT_BYTES);
      bytes.writeInt32LE(STATES.indexOf(state), STATE);
    },
    read: () => {
      const signal = bytes.readInt32LE(SIGNAL);
      const length = bytes.readInt32LE(OUTPUT_BYTES);
      return {
        errno: -bytes.readInt32LE(ERRNO),
        state: STATES[bytes.readInt32LE(STATE)] ?? "failed",
        ending: signal === 0 ? { code: bytes.readInt32LE(CODE) } : { signal },
        output: bytes.toString("utf8", OUTPUT, OUTPUT + length),
      };
    },
    close: () => unmap(address, REPORT_BYTES),
  };
}
