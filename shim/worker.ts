// Work that may block, such as hooks, systemd and freezing, done by a fork: the loop goes on. No
// program is started for it, and its end, however it comes, concerns its one request alone.

import { fork } from "../runtime/engine/fork.ts";
import { REAPED } from "../runtime/engine/init.ts";
import { MissingError, RuntimeError, StateError } from "../runtime/errors.ts";
import { EPOLLHUP, EPOLLIN } from "../runtime/sys/epoll.ts";
import { closeAllBut, closeFd } from "../runtime/sys/file.ts";
import { exitCodeOf } from "../runtime/sys/process.ts";
import { resetSignals } from "../runtime/sys/signal.ts";
import { sendMessage, socketPair, tryReceive } from "../runtime/sys/socket.ts";
import type { Child, Children } from "./children.ts";
import type { Loop } from "./loop.ts";

/** What a worker does, and what it needs for that. */
export interface Work {
  /** Runs in the worker. What it throws is the outcome. */
  run(): Made | undefined;
  /** Descriptors that it needs; it is born without any other of the shim's. */
  fds: readonly number[];
}

/** A process that a worker has made, a child of the shim's. */
export interface Made extends Child {
  /** Master of its terminal, if it has one. */
  console?: number;
}

export type Outcome = { made?: Made } | { failure: Failure };

export interface Failure {
  kind: "missing" | "state" | "failed" | "lost";
  text: string;
}

export interface Workers {
  /** Calls back once, with what came of the work. */
  begin(work: Work, done: (outcome: Outcome) => void): void;
}

/** After the standard streams. */
const FIRST_FD = 3;
const TEXT_BYTES_MAX = 32_768;

export function makeWorkers(loop: Loop, children: Children): Workers {
  return {
    begin(work, done) {
      const [ours, theirs] = socketPair();
      const forgetStrangers = children.expectStrangers();
      const worker = fork(() => perform(work, theirs));
      closeFd(theirs);
      const answer = new Answer();
      const finish = (outcome: Outcome): void => {
        loop.forget(ours);
        closeFd(ours);
        done(outcome);
        forgetStrangers();
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
        const text = `the worker ended with ${exitCodeOf(ending)} and told nothing`;
        finish(answer.hear(ours) ?? { failure: { kind: "lost", text } });
      });
    },
  };
}

/** The worker's side. */
function perform({ run, fds }: Work, socket: number): void {
  closeAllBut([...fds, socket], FIRST_FD);
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
    const text = error instanceof Error ? error.message : String(error);
    sendMessage(socket, Buffer.from(`${kindOf(error)} ${text}`.slice(0, TEXT_BYTES_MAX / 4)));
  }
}

function kindOf(error: unknown): Failure["kind"] {
  if (error instanceof MissingError) return "missing";
  if (error instanceof StateError) return "state";
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

  #outcome(word: string, rest: readonly string[], pidfd: number | undefined): Outcome {
    if (word === "done") return {};
    if (word !== "made") return { failure: { kind: kindFrom(word), text: rest.join(" ") } };
    const made = { pid: Number(rest[0]), pidfd: pidfd ?? REAPED };
    return { made: this.#console === undefined ? made : { ...made, console: this.#console } };
  }
}

const KINDS: readonly Failure["kind"][] = ["missing", "state", "failed", "lost"];

function kindFrom(word: string): Failure["kind"] {
  return KINDS.find((kind) => kind === word) ?? "lost";
}
