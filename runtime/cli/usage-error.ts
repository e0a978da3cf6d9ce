// The error of a command line that cannot be understood.

import { RuntimeError } from "../errors.ts";
import type { Command } from "./command.ts";

/** A wrong command line. A person is shown the usage of the command, or of the program. */
export class UsageError extends RuntimeError {
  override name = "UsageError";
  readonly command: Command | undefined;
  constructor(message: string, command?: Command) {
    super(message);
    this.command = command;
  }
}
