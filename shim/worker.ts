// Work that may block, such as hooks, systemd and freezing, done by a fork: the loop goes on. No
// program is started for it, and its end, however it comes, concerns its one request alone.

import { fork } from "../runtime/engine/fork.ts";
import { REAPED } from "../runtime/engine/init.ts";
import { clonedIn, makeRecorderFile } from "../runtime/engine/recorder.ts";
import { MissingError, RuntimeError, StateError } from "../runtime/errors.ts";
import { EPOLLHUP, EPOLLIN } from "../runtime/sys/epoll.ts";
import { closeAllBut, closeFd } from "../runtime/sys/file.ts";
import { exitCodeOf } from "../runtime/sys/process.ts";
import { resetSignals } from "../runtime/sys/signal.ts";
import { sendMessage, socketPair, tryReceive } from "../runtime/sys/socket.ts";
import { Untaped } from "../runtime/sys/untaped.ts";
import type { Child, Children } from "./children.ts";
import type { Loop } from "./loop.ts";

/** A process that a worker has made, a child of the shim's. */
export interface Made extends Child {
  /** Master of its terminal, if it has one. */
  console?: number;
}

/** Work that makes a process. */
export interface Making {
  /**
   * Runs in the worker. What it throws is the failure.
   * @param recorderFile for the plan, so that the shim knows whom to end if the worker is killed
   */
  make(recorderFile: number): Made;
  /** Descriptors that it needs; a worker is born without any other of the shim's. */
  fds: readonly number[];
}

export interface Failure {
  /** `untaped`: perhaps in another way; `lost`: the worker was killed, or made an error of ours. */
  kind: "missing" | "state" | "failed" | "untaped" | "lost";
  text: string;
}

export interface Workers {
  /** Does work in a worker, and calls back once; with nothing if it went well. */
  run(work: () => void, done: (failure: Failure | undefined) => void): void;
  /** As `run`. Of a process whose worker was killed nothing is left. */
  make(making: Making, done: (outcome: Made | Failure) => void): void;
}

const NOTHING_MADE: Failure = { kind: "lost", text: "no process was made" };

/** What a worker says at its end. */
type Outcome = { made: Made } | { failure: Failure | undefined };

interface Work {
  run(): Made | undefined;
  fds: readonly number[];
}

/** After the standard streams. */
const FIRST_FD = 3;
const TEXT_BYTES_MAX = 32_768;

export function isFailure(outcome: object): outcome is Failure {
  return "kind" in outcome;
}

/** Lets go of a process that is of no use. */
export function closeMade({ pidfd, console }: Made): void {
  for (const fd of [pidfd, console]) if (fd !== undefined && fd !== REAPED) closeFd(fd);
}

/** @param inWorker called in each worker, before its work */
export function makeWorkers(loop: Loop, children: Children, inWorker: () => void): Workers {
  return {
    run(work, done) {
      const run = (): undefined => {
        work();
      };
      begin({ run, fds: [] }, (outcome) => done("made" in outcome ? undefined : outcome.failure));
    },
    make({ make, fds }, done) {
      let recorderFile: number;
      try {
        recorderFile = makeRecorderFile();
      } catch (error) {
        failLater(error, done);
        return;
      }
      const forgetStrangers = children.expectStrangers();
      const finish = (outcome: Made | Failure): void => {
        closeFd(recorderFile);
        try {
          done(outcome);
        } finally {
          forgetStrangers();
        }
      };
      begin({ run: () => make(recorderFile), fds: [...fds, recorderFile] }, (outcome) => {
        if ("made" in outcome) finish(outcome.made);
        else {
          const failure = outcome.failure ?? NOTHING_MADE;
          if (failure.kind !== "lost") finish(failure);
          else endMade(recorderFile, () => finish(failure));
        }
      });
    },
  };

  /** First those who make the program: when they have gone, it is known whether there is one. */
  function endMade(recorderFile: number, done: () => void): void {
    children.endStrangers(clonedIn(recorderFile), () =>
      children.endStrangers(clonedIn(recorderFile), done),
    );
  }

  /** No process, or descriptor, can be made now; what is asked next may go well. */
  function failLater(error: unknown, done: (failure: Failure) => void): void {
    if (!(error instanceof RuntimeError)) throw error;
    loop.after(0, () => done({ kind: "failed", text: error.message }));
  }

  function begin(work: Work, done: (outcome: Outcome) => void): void {
    let worker: Child;
    let ours: number;
    try {
      [worker, ours] = forkFor(work);
    } catch (error) {
      failLater(error, (failure) => done({ failure }));
      return;
    }
    const answer = new Answer();
    const finish = (outcome: Outcome): void => {
      loop.forget(ours);
      closeFd(ours);
      done(outcome);
    };
    loop.watch(ours, EPOLLIN, (events) => {
      const outcome = answer.hear(ours);
      if (outcome !== undefined) finish(outcome);
      // Its end is told by the kernel, once it can be reaped.
      else if ((events & EPOLLHUP) !== 0) loop.forget(ours);
    });
    children.whenEnded(worker, (ending) => {
      closeFd(worker.pidfd);
      if (answer.isWhole) return;
      const outcome = answer.hear(ours);
      if (outcome === undefined) answer.dropConsole();
      const text = `the worker ended with ${exitCodeOf(ending)} and told nothing`;
      finish(outcome ?? { failure: { kind: "lost", text } });
    });
  }

  /** The worker, and our end of the socket by which it answers. */
  function forkFor(work: Work): [Child, number] {
    const [ours, theirs] = socketPair();
    try {
      const worker = fork(() => {
        closeAllBut([...work.fds, theirs], FIRST_FD);
        inWorker();
        perform(work, theirs);
      });
      return [worker, ours];
    } catch (error) {
      closeFd(ours);
      throw error;
    } finally {
      closeFd(theirs);
    }
  }
}

/** The worker's side. */
function perform({ run }: Work, socket: number): void {
  resetSignals();
  try {
    const made = run();
    if (made?.console !== undefined) sendMessage(socket, Buffer.from("console"), made.console);
    if (made === undefined) sendMessage(socket, Buffer.from("done"));
    else {
      const pidfd = made.pidfd === REAPED ? undefined : made.pidfd;
      sendMessage(socket, Buffer.from(`made ${made.pid}`), pidfd);
    }
  } catch (error) {
    const { kind, text } = failureOf(error);
    sendMessage(socket, Buffer.from(`${kind} ${text}`.slice(0, TEXT_BYTES_MAX / 4)));
  }
}

/** What an error of work is to those who asked for it. */
export function failureOf(error: unknown): Failure {
  return { kind: kindOf(error), text: error instanceof Error ? error.message : String(error) };
}

/** What work comes to in this process. */
export function outcomeOf<Outcome>(work: () => Outcome): Outcome | Failure {
  try {
    return work();
  } catch (error) {
    return failureOf(error);
  }
}

function kindOf(error: unknown): Failure["kind"] {
  if (error instanceof MissingError) return "missing";
  if (error instanceof StateError) return "state";
  if (error instanceof Untaped) return "untaped";
  return error instanceof RuntimeError ? "failed" : "lost";
}

/** What a worker tells, in one message or, with a terminal, two. */
class Answer {
  isWhole = false;
  #console: number | undefined;

  /** Takes the messages that are there; undefined as long as one is missing. */
  hear(socket: number): Outcome | undefined {
    for (;;) {
      const message = tryReceive(socket, TEXT_BYTES_MAX);
      if (message === undefined) return undefined;
      const { data, fd } = message;
      const [word = "", ...rest] = data.toString().split(" ");
      if (word === "console") this.#console = fd;
      else {
        this.isWhole = true;
        return this.#outcome(word, rest, fd);
      }
    }
  }

  /** Nobody is there to use it. */
  dropConsole(): void {
    if (this.#console !== undefined) closeFd(this.#console);
    this.#console = undefined;
  }

  #outcome(word: string, rest: readonly string[], pidfd: number | undefined): Outcome {
    if (word === "done") return { failure: undefined };
    if (word !== "made") return { failure: { kind: kindFrom(word), text: rest.join(" ") } };
    const made = { pid: Number(rest[0]), pidfd: pidfd ?? REAPED };
    return { made: this.#console === undefined ? made : { ...made, console: this.#console } };
  }
}

const KINDS: readonly Failure["kind"][] = ["missing", "state", "failed", "untaped", "lost"];

function kindFrom(word: string): Failure["kind"] {
  return KINDS.find((kind) => kind === word) ?? "lost";
}
