// run: create, start and, in the foreground, the wait for the end with signals and a terminal.

import { NEEDLESS_SOCKET } from "../clauses/terminal.ts";
import { RuntimeError } from "../errors.ts";
import { exitCodeOf, PR_SET_CHILD_SUBREAPER, prctl } from "../sys/process.ts";
import { openSignalFd } from "../sys/signal.ts";
import { type CreateOptions, create } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { attend } from "./foreground.ts";
import { start, startProgram } from "./start.ts";

export interface RunOptions extends CreateOptions {
  detach: boolean;
  keep: boolean;
  noSubreaper: boolean;
}

/** Runs a container. Returns the exit code of its program, 128 + signal, or 0 when detached. */
export function run(options: RunOptions): number {
  if (options.detach) {
    create(options);
    orDelete(options, start);
    return 0;
  }
  if (options.consoleSocket !== undefined) {
    throw new RuntimeError(`${NEEDLESS_SOCKET} (hint: add --detach)`);
  }
  if (!options.noSubreaper) prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Before there is anyone to signal: nothing that arrives from here on is lost.
  const signals = openSignalFd();
  const { init, slots } = create({ ...options, console: { kind: "foreground" } });
  const console = slots.has("$console") ? slots.take("$console") : undefined;
  const begin = () => startProgram(options).ready;
  const ending = orDelete(options, () => attend({ init, signals, console, begin }));
  if (!options.keep) deleteContainer({ ...options, force: true });
  return exitCodeOf(ending);
}

/** A container that does not start, or that nobody attends, is of no use to who asked for both. */
function orDelete<Result>(options: RunOptions, start: (options: RunOptions) => Result): Result {
  try {
    return start(options);
  } catch (error) {
    deleteContainer({ ...options, force: true });
    throw error;
  }
}
