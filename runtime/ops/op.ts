// What an op is: one thing that can be done, with how it prints, how it runs and how it is undone.
// The engine runs ops; the plan lists them; neither knows any op by name.

import type { Recording } from "../sys/tape.ts";
import type { Slots } from "./slots.ts";

/** What an op sees when it runs: descriptors by name, and the few things only the engine can do. */
export interface OpContext {
  readonly slots: Slots;
  /** What a step found out for a later one of the same process, by name. */
  readonly found: Map<string, string>;
  /** Keeps the call that the last step makes, and gives it back. */
  keepCall(call: () => never): void;
  keptCall(): () => never;
  /** Clones a process that walks the rest of the plan's steps for `child`; returns in both. */
  clone(request: CloneRequest): void;
  /** Calls `use` with the pid of a child that has the CLONE_NEW* flags given and does nothing. */
  inChild(flags: number, use: (pid: number) => void): void;
  /** Waits for the joiner to end, and takes the pidfd that it handed over as the container's init. */
  adoptInit(pidfdSlot: string): void;
  /** Pid of the container's init in the host's pid namespace; only after the clone. */
  initPid(): number;
  /** Pid of the joiner, while there is one. */
  joinerPid(): number;
  /** Starts a program in a process group of its own and waits for it; throws unless it exits 0. */
  spawn(program: Program): void;
  /** Keeps a warning for the log; works in every process of a plan. */
  warn(text: string): void;
  /** Writes the container's record: init is known, or the container is created. */
  record(phase: "identified" | "created"): void;
  /** Ends this process if the one that runs the plan has ended. */
  requireHost(): void;
  /** Lets go of the process that runs the plan; from here on init is on its own. */
  leaveHost(): void;
  /** From here on the flight recorder speaks to `start`, which does not know the plan. */
  enterStart(): void;
  /** Waits for the process that will execute the program, which is what init stands for from here on. */
  adoptProgram(): void;
  letProgramGo(): void;
  /** Waits until the program is executed, which is what init stands for from here on. */
  awaitProgram(name: string): void;
  /** Closes what this process has of its maker's: all but the first so many, slots and the baton. */
  closeOthers(first: number): void;
  /** Descriptor of the flight recorder, for the process that starts the container. */
  recorderFd(): number;
  /** Address of the two words in which the last system calls report; see sys/exec.ts. */
  resultAddress(): number;
}

export interface CloneRequest {
  /** CLONE_* flags besides CLONE_PIDFD. */
  flags: number;
  /** Slot of the cgroup v2 that the child is born in. */
  cgroup?: string;
  /** What the child is from here on. */
  child: "joiner" | "init";
}

/** A program that the engine runs on our behalf, such as a hook. */
export interface Program {
  path: string;
  args: readonly string[];
  env: readonly string[];
  /** Where it starts, or / if that cannot be entered; absent: where this process is. */
  cwd?: string;
  /** Text for its standard input. */
  stdin: string;
  /** Past this it is killed with all that it has started; absent: no limit. */
  timeoutMs?: number;
  /** How much of its output, the end, the error tells when it fails; absent: 2,000. */
  outputBytes?: number;
}

/** One thing that can be done. `args` is plain data: it prints as JSON and fits a journal. */
export interface Op {
  readonly name: string;
  readonly args: object;
  /** Name of the slot whose descriptor goes to the other side with the baton, if one waits. */
  readonly gives: string | undefined;
  print(): string;
  run(context: OpContext): void;
  /** As `run`, where the calls go onto a tape; see OpDefinition. */
  readonly record: ((context: OpContext, recording: Recording) => void) | undefined;
  /** Takes back the effect on the host; must be harmless when the effect never happened. */
  readonly undo: (() => void) | undefined;
  /** Whether it waits until the other side has come to its end. */
  readonly awaitsEnd?: true;
  /** What rmdir(2) has to remove, in order, where that is all of `undo`. */
  readonly removes?: readonly Removed[];
  /** Takes back what only this run of the plan can, when create fails: `delete` leaves it alone. */
  takeBack?(context: OpContext): void;
}

export interface Removed {
  directory: string;
  /** Whether it stays if others use it. */
  mayStay: boolean;
}

export interface OpDefinition<Args extends object> {
  /** Name in printed plans and errors: family.verb, in the kernel's words. */
  name: string;
  print(args: Args): string;
  run(args: Args, context: OpContext): void;
  /**
   * Whether `run` can be recorded for a child to play (sys/tape.ts): whatever the kernel answers but
   * an error, its calls are the same. Or what is recorded in its place.
   */
  onTape?: true | ((args: Args, context: OpContext, recording: Recording) => void);
  undo?(args: Args): void;
  removes?(args: Args): readonly Removed[];
  /** By the host, with init dead and the slots still open; harmless when nothing has happened. */
  takeBack?(args: Args, context: OpContext): void;
  gives?(args: Args): string | undefined;
  awaitsEnd?: true;
}

/** Turns a definition into the constructor that clauses call. */
export function defineOp<Args extends object>(definition: OpDefinition<Args>): (args: Args) => Op {
  const { onTape } = definition;
  const record = onTape === true ? definition.run : onTape;
  return (args) => ({
    name: definition.name,
    args,
    gives: definition.gives?.(args),
    print: () => definition.print(args),
    run: (context) => definition.run(args, context),
    record: record && ((context, recording) => record(args, context, recording)),
    undo: definition.undo && (() => definition.undo?.(args)),
    ...(definition.awaitsEnd && { awaitsEnd: definition.awaitsEnd }),
    ...(definition.removes && { removes: definition.removes(args) }),
    ...(definition.takeBack && { takeBack: (context) => definition.takeBack?.(args, context) }),
  });
}
