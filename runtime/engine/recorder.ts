// The flight recorder: memory shared by every process of a plan, one row a step, and a few lines of
// log. The host reads it even when init was killed; `start` reads it through its descriptor. Init
// may be under attack when it writes, so what is read is checked: lengths, numbers, no more.

import { RESULT } from "../sys/exec.ts";
import { closeFd, memoryFile, setSize } from "../sys/file.ts";
import { mapFile, memoryAt, unmap } from "../sys/libc.ts";
import { statusOf } from "../sys/status.ts";

const HEADER_BYTES = 64;
const ROW_BYTES = 512;
const ROW_TEXT_BYTES = 448;
const LOG_BYTES = 8_192;

/** Offsets in the header. Some words are for the last system calls: RESULT of sys/exec.ts. */
const STEPS = 16;
const LOG_USED = 20;
const PIDS = { joiner: 32, init: 36 } as const;

/** Offsets in a row. */
const STARTED_MS = 0;
const ENDED_MS = 8;
const STATE = 16;
const TEXT_BYTES = 20;
const TEXT = 24;

const RUNNING = 1;
const DONE = 2;
const FAILED = 3;

/** Between the parts of a failure's text, where `start` reads it: the error, and its story. */
export const FAILURE_SEPARATOR = "\x1e";

export interface Row {
  state: "waiting" | "running" | "done" | "failed";
  startedMs: number;
  endedMs: number;
  /** Why it failed. */
  text: string;
}

export interface Recorder {
  readonly fd: number;
  /** Where the last system calls report. */
  readonly resultAddress: number;
  /** Where the pid of a process of the plan is written. */
  pidAddress(who: keyof typeof PIDS): number;
  begin(step: number): void;
  end(step: number): void;
  /** Of a text that is too long the ends are kept; the story is what has room beside it. */
  fail(step: number, text: string, story?: readonly string[]): void;
  warn(text: string): void;
  /** The host has told its caller what there was. */
  forgetWarnings(): void;
  row(step: number): Row;
  /** Steps that the plan has, as far as the memory says. */
  steps(): number;
  result(): { errno: number; stage: number };
  /** Pid of the process that was cloned last of all; 0 if none was. */
  program(): number;
  /** What it may be waiting for. */
  letProgramGo(): void;
  /** Descriptor in init of the listener for SCMP_ACT_NOTIFY, once the filter is loaded. */
  listener(): number | undefined;
  /** Init waits for this before it executes the program. */
  listenerIsTaken(): void;
  warnings(): string[];
  /** The memory is gone for this process. */
  close(): void;
}

/** An empty file for a recorder: a memfd, so that it can be handed on. */
export function makeRecorderFile(): number {
  return memoryFile("runt-recorder");
}

/** A new recorder for a plan of so many steps, in an empty file. */
export function makeRecorder(steps: number, fd: number): Recorder {
  setSize(fd, sizeFor(steps));
  const recorder = mapRecorder(fd, sizeFor(steps));
  recorder.view.setInt32(STEPS, steps, true);
  return recorder;
}

/** The recorder behind a descriptor that init has sent; `size` is the file's, in bytes. */
export function openRecorder(fd: number, size: number): Recorder {
  return mapRecorder(fd, size);
}

/**
 * Pids of the processes that a plan has made, as far as its recorder's file tells: the program's is
 * the last, and final when the others have ended.
 */
export function clonedIn(fd: number): number[] {
  if (statusOf(fd).size === 0) return [];
  const address = mapFile(fd, HEADER_BYTES);
  const header = memoryAt(address, HEADER_BYTES);
  const pids = [PIDS.joiner, PIDS.init, RESULT.pid].map((offset) => header.readInt32LE(offset));
  unmap(address, HEADER_BYTES);
  return pids.filter((pid) => pid > 0);
}

function sizeFor(steps: number): number {
  return HEADER_BYTES + LOG_BYTES + steps * ROW_BYTES;
}

function mapRecorder(fd: number, size: number): Recorder & { view: DataView } {
  const address = mapFile(fd, size);
  const bytes = memoryAt(address, size);
  const view = new DataView(bytes.buffer);
  const rowsMax = Math.floor((size - HEADER_BYTES - LOG_BYTES) / ROW_BYTES);
  const rowAt = (step: number): number => {
    if (step < 0 || step >= rowsMax) throw new Error(`the recorder has no row ${step}`);
    return HEADER_BYTES + LOG_BYTES + step * ROW_BYTES;
  };
  return {
    fd,
    view,
    resultAddress: address,
    pidAddress: (who) => address + PIDS[who],
    begin: (step) => {
      view.setFloat64(rowAt(step) + STARTED_MS, performance.now(), true);
      view.setInt32(rowAt(step) + STATE, RUNNING, true);
    },
    end: (step) => {
      view.setFloat64(rowAt(step) + ENDED_MS, performance.now(), true);
      view.setInt32(rowAt(step) + STATE, DONE, true);
    },
    fail: (step, text, story = []) => {
      const whole = [fitting(text), ...story].join(FAILURE_SEPARATOR);
      const length = bytes.write(whole, rowAt(step) + TEXT, ROW_TEXT_BYTES);
      view.setInt32(rowAt(step) + TEXT_BYTES, length, true);
      view.setFloat64(rowAt(step) + ENDED_MS, performance.now(), true);
      view.setInt32(rowAt(step) + STATE, FAILED, true);
    },
    warn: (text) => {
      const used = clamp(view.getInt32(LOG_USED, true), LOG_BYTES);
      const written = bytes.write(`${text}\n`, HEADER_BYTES + used, LOG_BYTES - used);
      view.setInt32(LOG_USED, used + written, true);
    },
    forgetWarnings: () => view.setInt32(LOG_USED, 0, true),
    row: (step) => {
      const at = rowAt(step);
      const length = clamp(view.getInt32(at + TEXT_BYTES, true), ROW_TEXT_BYTES);
      return {
        state: stateOf(view.getInt32(at + STATE, true)),
        startedMs: view.getFloat64(at + STARTED_MS, true),
        endedMs: view.getFloat64(at + ENDED_MS, true),
        text: bytes.toString("utf8", at + TEXT, at + TEXT + length),
      };
    },
    steps: () => clamp(view.getInt32(STEPS, true), rowsMax),
    result: () => ({
      errno: -view.getInt32(RESULT.errno, true),
      stage: view.getInt32(RESULT.stage, true),
    }),
    letProgramGo: () => view.setInt32(RESULT.go, 1, true),
    program: () => view.getInt32(RESULT.pid, true),
    listener: () => {
      const word = view.getInt32(RESULT.listener, true);
      return word > 0 ? word - 1 : undefined;
    },
    listenerIsTaken: () => view.setInt32(RESULT.taken, 1, true),
    warnings: () => {
      const used = clamp(view.getInt32(LOG_USED, true), LOG_BYTES);
      const text = bytes.toString("utf8", HEADER_BYTES, HEADER_BYTES + used);
      return text.split("\n").filter((line) => line !== "");
    },
    close: () => {
      unmap(address, size);
      closeFd(fd);
    },
  };
}

/** The reason stands at the end, after names that may be of any length. */
function fitting(text: string): string {
  const END_BYTES = 216;
  const bytes = Buffer.from(text);
  if (bytes.length <= ROW_TEXT_BYTES) return text;
  const [head, tail] = [bytes.subarray(0, END_BYTES), bytes.subarray(-END_BYTES)];
  return `${head.toString()}…${tail.toString()}`;
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}

function stateOf(value: number): Row["state"] {
  if (value === RUNNING) return "running";
  if (value === DONE) return "done";
  return value === FAILED ? "failed" : "waiting";
}
