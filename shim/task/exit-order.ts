// Which ends of processes may be told by now, in the order that clients rely on: an exec's when it
// has been told that it started, init's as the last of its container. Pure.

import type { Task, TaskProcess } from "./task.ts";

type Processes = Pick<TaskProcess, "state" | "ending">;

/** Processes that have ended, and whose end nothing has to be told before. */
export function tellable<Process extends Processes>(
  task: Readonly<Record<"init", Process>> & { execs: ReadonlyMap<string, Process> },
): Process[] {
  const execs = [...task.execs.values()];
  const ended = execs.filter(({ state, ending }) => state === "running" && ending !== undefined);
  const isLast = execs.every(
    (exec) => exec.state === "created" || exec.state === "stopped" || ended.includes(exec),
  );
  const { init } = task;
  const mayEnd = init.state === "created" || init.state === "running";
  return isLast && mayEnd && init.ending !== undefined ? [...ended, init] : ended;
}

/** Whether what is made in a container now would outlive it: its init's end waits to be told. */
export function isEnding({ init }: Pick<Task, "init">): boolean {
  return init.ending !== undefined || init.state === "stopped";
}
