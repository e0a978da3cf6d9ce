// The only place that clones. The host, the joiner and init walk the same list of steps side by
// side; where a step waits for another process's, the baton is passed: one byte on a socket pair,
// with a descriptor if the earlier step gives one.

import { EPIPE } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import type { CloneRequest, Op, OpContext } from "../ops/op.ts";
import { Slots } from "../ops/slots.ts";
import type { Step, Who } from "../plan/step.ts";
import { closeAllBut, closeFd } from "../sys/file.ts";
import {
  CLONE_PARENT,
  type Cloned,
  type CloneOptions,
  clone,
  type Ending,
  exitNow,
  hasChild,
  openPidfd,
  pidOf,
  SIGKILL,
  trySignal,
  waitFor,
} from "../sys/process.ts";
import { learnSignals, POLLIN, poll, unblockSignals } from "../sys/signal.ts";
import { type Received, receiveByte, sendByte, socketPair } from "../sys/socket.ts";
import { cloneToPlay } from "../sys/tape-player.ts";
import { Untaped } from "../sys/untaped.ts";
import { blame, LostInit, stepError, type Walked } from "./blame.ts";
import { type CallerLimits, callerLimits } from "./caller.ts";
import { type Init, REAPED } from "./init.ts";
import { lastCallFault } from "./last-call-fault.ts";
import { requireOneThread } from "./one-thread.ts";
import { withParkedChild } from "./park.ts";
import { recordSteps } from "./record-steps.ts";
import { makeRecorder, makeRecorderFile, type Recorder } from "./recorder.ts";
import type { Run } from "./run.ts";
import { awaitUntil, CalledOff } from "./until.ts";

const BATON = 1;
/** After the standard streams. */
const FIRST_FD = 3;

/** One process's way through the plan. After a clone there is one in each process. */
export class Walker implements OpContext {
  readonly slots = new Slots();
  readonly found = new Map<string, string>();
  readonly recorder: Recorder;
  readonly #run: Run;
  readonly #caller: CallerLimits;
  readonly #awaited: ReadonlySet<number>;
  #who: Who = "host";
  #step = 0;
  /** This side's end of the baton's socket pair, and the other side's until the clone. */
  #baton: number;
  #otherEnd: number | undefined;
  #joiner: Init | undefined;
  #init: Init | undefined;
  #call: (() => never) | undefined;
  #inStart = false;

  constructor(run: Run) {
    this.#run = run;
    this.#caller = callerLimits(run.environment);
    this.#awaited = new Set(
      run.plan.map(({ after }) => after).filter((after) => after !== undefined),
    );
    // While there is a procfs that can be trusted.
    learnSignals();
    [this.#baton, this.#otherEnd] = socketPair();
    try {
      this.recorder = makeRecorder(run.plan.length, run.recorderFile ?? makeRecorderFile());
    } catch (error) {
      for (const fd of [this.#baton, this.#otherEnd]) closeFd(fd);
      throw error;
    }
  }

  /**
   * Performs this process's steps in order, and those of its child in the child.
   *
   * @param waitsMax how often the host may wait for the other side; it comes back before it does so
   *   once more, and walks on when called again
   * @returns whether all is done
   */
  walk(waitsMax = Number.POSITIVE_INFINITY): boolean {
    let waits = 0;
    for (; this.#step < this.#run.plan.length; this.#step++) {
      const step = this.#run.plan[this.#step];
      if (step === undefined || step.who !== this.#who) continue;
      const started = this.#who;
      if (started === "host" && isWaiting(step) && ++waits > waitsMax) return false;
      if (started === "host") this.#perform(step);
      else this.#performOrDie(step);
    }
    if (this.#who !== "host") exitNow(0);
    closeFd(this.#baton);
    return true;
  }

  #perform(step: Step): void {
    const index = this.#step;
    const who = this.#who;
    if (step.after !== undefined) this.#receiveBaton(step.after);
    this.recorder.begin(index);
    try {
      step.op.run(this);
    } catch (error) {
      // A clone returns twice; in the child an error is the child's.
      if (this.#who !== "host") this.#die(error);
      throw error;
    }
    if (this.#who !== who) return;
    this.recorder.end(index);
    if (this.#awaited.has(index)) this.#passBaton(step.op);
  }

  #performOrDie(step: Step): void {
    try {
      this.#perform(step);
    } catch (error) {
      this.#die(error);
    }
  }

  /** Ends this process; the host reads why in the recorder. */
  #die(error: unknown): never {
    const message = error instanceof Error ? error.message : String(error);
    const isOurBug = !(error instanceof RuntimeError);
    const detail = isOurBug ? `${message} (hint: this is a bug)` : message;
    const step = this.#run.plan[this.#step];
    this.recorder.fail(this.#step, detail);
    if (this.#inStart && step !== undefined) {
      // `start` does not know the plan: it is told the whole error.
      const { message: whole, story } = stepError(this.#step, detail, this.#walked());
      this.recorder.fail(this.#step, whole, story);
    }
    exitNow(1);
  }

  #passBaton(op: Op): void {
    const fd = op.gives === undefined ? undefined : this.slots.get(op.gives);
    try {
      sendByte(this.#baton, BATON, fd);
    } catch (error) {
      const isGone = error instanceof SyscallError && error.errno === EPIPE;
      throw isGone && this.#who === "host" ? new LostInit() : error;
    }
  }

  #receiveBaton(after: number): void {
    const received = this.#receive();
    // The other side is gone: the host says why, anyone else has nobody left to work for.
    if (received === undefined) {
      if (this.#who === "host") throw new LostInit();
      exitNow(1);
    }
    const gives = this.#run.plan[after]?.op.gives;
    if (received.fd !== undefined && gives !== undefined) this.slots.put(gives, received.fd);
  }

  /** What comes on the baton; only the host has a limit of time, and somebody who may call it off. */
  #receive(): Received | undefined {
    const { until } = this.#run;
    if (until !== undefined && this.#who === "host") {
      awaitUntil(this.#baton, until, () => this.recorder.program() !== 0);
    }
    return receiveByte(this.#baton);
  }

  /** The host's end of the baton: readable when the other side has passed it, or is gone. */
  get baton(): number {
    return this.#baton;
  }

  keepCall(call: () => never): void {
    this.#call = call;
  }

  keptCall(): () => never {
    if (this.#call === undefined) throw new Error("no call has been prepared");
    return this.#call;
  }

  clone(request: CloneRequest): void {
    requireOneThread();
    const cgroup = request.cgroup === undefined ? undefined : this.slots.get(request.cgroup);
    const parent = this.#run.asSibling === true ? CLONE_PARENT : 0;
    const options = { cgroup, pidAddress: this.recorder.pidAddress(request.child) };
    const { pid, pidfd } = this.#clone(request.flags | parent, options);
    if (pid === 0) {
      this.#becomeChild(request.child);
      return;
    }
    if (this.#who === "joiner") {
      this.slots.put("$init", pidfd);
      return;
    }
    if (request.child === "joiner") this.#joiner = { pid, pidfd };
    else {
      this.#init = { pid, pidfd };
      this.slots.put("$init", pidfd);
    }
    if (this.#otherEnd !== undefined) closeFd(this.#otherEnd);
    this.#otherEnd = undefined;
  }

  #clone(flags: number, options: CloneOptions): Cloned {
    const root = this.#run.tapedIn;
    if (root === undefined) return clone(flags, options);
    const slots = this.slots.copy();
    slots.put("$container-root", root);
    const tape = recordSteps(this.#run.plan, {
      slots,
      baton: this.#otherEnd ?? -1,
      report: { address: this.resultAddress(), fd: this.recorder.fd },
      warn: (text) => this.warn(text),
    });
    try {
      return cloneToPlay(tape, { ...options, flags });
    } finally {
      tape.close();
    }
  }

  inChild: OpContext["inChild"] = (flags, use) => {
    requireOneThread();
    withParkedChild(flags, use);
  };

  #becomeChild(child: "joiner" | "init"): void {
    if (this.#otherEnd !== undefined) {
      closeFd(this.#baton);
      this.#baton = this.#otherEnd;
      this.#otherEnd = undefined;
    }
    this.#who = child;
    if (!this.#run.serves) return;
    // Of what its maker has for others nothing goes along, for as long as it may wait.
    closeAllBut([...this.slots.all(), this.#baton, this.recorder.fd], FIRST_FD);
    unblockSignals();
  }

  adoptInit(pidfdSlot: string): void {
    const pidfd = this.slots.get(pidfdSlot);
    this.#init = { pid: pidOf(pidfd), pidfd };
    if (this.#joiner === undefined) throw new Error("there is no joiner to adopt init from");
    this.#waitFor(this.#joiner.pidfd);
    closeFd(this.#joiner.pidfd);
    this.#joiner = undefined;
  }

  initPid(): number {
    return this.requireInit().pid;
  }

  joinerPid(): number {
    if (this.#joiner === undefined) throw new Error("there is no joiner");
    return this.#joiner.pid;
  }

  requireInit(): Init {
    if (this.#init === undefined) throw new Error("init has not been cloned yet");
    return this.#init;
  }

  spawn: OpContext["spawn"] = (program) => {
    requireOneThread();
    const { spawnProgram }: typeof import("./spawn.ts") = require("./spawn.ts");
    spawnProgram(program, this.#caller);
  };

  warn(text: string): void {
    if (this.#who === "host") this.#run.warn(text);
    else this.recorder.warn(text);
  }

  record(phase: "identified" | "created"): void {
    this.#run.record(phase, this.requireInit());
  }

  adoptProgram(): void {
    const LOOK_EVERY_MS = 1;
    while (this.recorder.program() === 0) {
      const [ended] = poll([{ fd: this.#baton, events: POLLIN }], LOOK_EVERY_MS);
      if (ended !== 0 && this.recorder.program() === 0) throw this.#lastCallFailed("");
    }
    const pid = this.recorder.program();
    const pidfd = openPidfd(pid) ?? this.#reaped();
    if (pidfd === undefined || !this.#isOurs({ pid, pidfd })) throw new LostInit();
    // Its maker waits for it, and ends with nothing left to say.
    this.#joiner = this.requireInit();
    this.slots.take("$init");
    this.#init = { pid, pidfd };
    if (pidfd !== REAPED) this.slots.put("$init", pidfd);
  }

  /** Whoever traces what comes to a container writes what it likes where the pid is told. */
  #isOurs({ pid, pidfd }: Init): boolean {
    return pidfd === REAPED || this.#run.asSibling === true || hasChild(pid);
  }

  letProgramGo(): void {
    this.recorder.letProgramGo();
  }

  awaitProgram(name: string): void {
    // The end of everyone who has a part of the plan.
    this.#run.listen?.(this.recorder, this.#baton);
    while (this.#receive() !== undefined);
    const { errno } = this.recorder.result();
    const isMade = this.recorder.program() !== 0;
    if (isMade && this.#joiner === undefined) this.adoptProgram();
    if (!isMade || errno !== 0) throw this.#lastCallFailed(name);
    if (this.#joiner === undefined) return;
    this.#waitFor(this.#joiner.pidfd);
    closeFd(this.#joiner.pidfd);
    this.#joiner = undefined;
  }

  #lastCallFailed(name: string): Error {
    const { errno, stage } = this.recorder.result();
    if (this.#run.tapedIn !== undefined) return new Untaped(`stage ${stage}: errno ${errno}`);
    return errno === 0 ? new LostInit() : new RuntimeError(lastCallFault({ name, stage, errno }));
  }

  closeOthers(first: number): void {
    closeAllBut([...this.slots.all(), this.#baton], first);
  }

  /** Its end of the socket pair is closed by then. */
  requireHost(): void {
    if (poll([{ fd: this.#baton, events: 0 }], 0)[0] !== 0) exitNow(1);
  }

  leaveHost(): void {
    closeFd(this.#baton);
  }

  enterStart(): void {
    this.#inStart = true;
    this.recorder.forgetWarnings();
  }

  recorderFd(): number {
    return this.recorder.fd;
  }

  resultAddress(): number {
    return this.recorder.resultAddress;
  }

  /** Ends what was begun and words the error: the step that failed first is to blame. */
  abandon(error: unknown): unknown {
    const endings = [this.#joiner?.pidfd, this.#init?.pidfd]
      .filter((pidfd) => pidfd !== undefined)
      .map((pidfd) => {
        trySignal(pidfd, SIGKILL);
        // One that v1 has frozen ends when it is thawed.
        return error instanceof CalledOff ? undefined : this.#waitFor(pidfd);
      });
    if (error instanceof CalledOff) this.#killProgram();
    this.#takeBack();
    this.slots.closeAll();
    if (this.#joiner !== undefined) closeFd(this.#joiner.pidfd);
    closeFd(this.#baton);
    // There was no clone to take it.
    if (this.#otherEnd !== undefined) closeFd(this.#otherEnd);
    return blame(error, this.#walked(), { reached: this.#step, ending: endings.at(-1) });
  }

  /** It may be there without having been adopted. */
  #killProgram(): void {
    const pid = this.recorder.program();
    const pidfd = pid === 0 ? undefined : openPidfd(pid);
    if (pidfd === undefined) return;
    trySignal(pidfd, SIGKILL);
    closeFd(pidfd);
  }

  /** It may have ended, and been reaped by somebody else, before we could look. */
  #reaped(): number | undefined {
    return this.#isReaped() ? REAPED : undefined;
  }

  #isReaped(): boolean {
    const { asSibling, isReaped } = this.#run;
    return asSibling === true || isReaped === true;
  }

  /** Undefined where somebody else reaps it; who serves others does not wait. */
  #waitFor(pidfd: number): Ending | undefined {
    if (!this.#isReaped()) return waitFor(pidfd);
    if (pidfd !== REAPED && !this.#run.serves) poll([{ fd: pidfd, events: POLLIN }]);
    return undefined;
  }

  /** What the host's steps did that nobody can undo without their descriptors, last first. */
  #takeBack(): void {
    for (const { who, op } of this.#run.plan.slice(0, this.#step + 1).toReversed()) {
      if (who !== "host" || op.takeBack === undefined) continue;
      try {
        op.takeBack(this);
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error;
        this.#run.warn(`take back ${op.name}: ${error.message}`);
      }
    }
  }

  #walked(): Walked {
    return { plan: this.#run.plan, recorder: this.recorder };
  }
}

function isWaiting({ after, op }: Step): boolean {
  return after !== undefined || op.awaitsEnd === true;
}
