// What an op is: one thing that can be done, with how it prints, how it runs and how it is undone.
// The engine runs ops; the plan lists them; neither knows any op by name.

import type { Slots } from "./slots.ts";

/** What an op sees when it runs: descriptors by name, and the few things only the engine can do. */
export interface OpContext {
  readonly slots: Slots;
  /** Clone the container's init (clone3(2)); returns 0 in the child and the pid in the parent. */
  clone(request: CloneRequest): number;
  /** Pid of the container's init in the host's pid namespace; only after the clone. */
  initPid(): number;
  /** Start a program in a process group of its own and wait for it; see {@link Program}. */
  spawn(program: Program): void;
  /** Keep a warning for the log; works in every process of a plan. */
  warn(text: string): void;
}

export interface CloneRequest {
  /** CLONE_* flags besides CLONE_PIDFD. */
  flags: number;
  /** What the child is from here on. */
  child: "joiner" | "init";
}

/** A program that the engine runs on our behalf, such as a hook. */
export interface Program {
  path: string;
  args: readonly string[];
  env: readonly string[];
  /** Text for its standard input. */
  stdin: string;
  /** Past this it is killed with its process group; absent: no limit. */
  timeoutMs?: number;
}

/** One thing that can be done. `args` is plain data: it prints as JSON and fits a journal. */
export interface Op {
  readonly name: string;
  readonly args: object;
  /** Name of the slot whose descriptor goes to the other side with the baton, if one waits. */
  readonly gives: string | undefined;
  print(): string;
  run(context: OpContext): void;
  /** Takes back the effect on the host; must be harmless when the effect never happened. */
  readonly undo: (() => void) | undefined;
}

export interface OpDefinition<Args extends object> {
  /** Name in printed plans and errors: family.verb, in the kernel's words. */
  name: string;
  print(args: Args): string;
  run(args: Args, context: OpContext): void;
  undo?(args: Args): void;
  gives?(args: Args): string | undefined;
}

/** Turns a definition into the constructor that clauses call. */
export function defineOp<Args extends object>(definition: OpDefinition<Args>): (args: Args) => Op {
  return (args) => ({
    name: definition.name,
    args,
    gives: definition.gives?.(args),
    print: () => definition.print(args),
    run: (context) => definition.run(args, context),
    undo: definition.undo && (() => definition.undo?.(args)),
  });
}
