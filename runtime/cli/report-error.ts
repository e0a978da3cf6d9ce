// Tells the user about an error: in the log for programs, on standard error for people.

import { ConfigError, problemLines, RuntimeError, StepError } from "../errors.ts";
import { escapeControls } from "../escape-controls.ts";
import type { Log, LogOptions } from "../log.ts";
import { printError } from "../print.ts";
import { UsageError } from "./usage-error.ts";

export interface ReportOptions {
  log: Log;
  /** What the log was made from. */
  options: LogOptions;
  /** What comes before the message, such as "runt create failed". */
  failure: string | undefined;
}

/**
 * Writes an error to the log and, when that is not standard error itself, there as well. What came
 * before a failed step stands below the message, or beside it in a log: callers match the message.
 */
export function reportError(error: unknown, { log, options, failure }: ReportOptions): void {
  const prefix = failure === undefined || error instanceof UsageError ? "" : `${failure}: `;
  const message = `${prefix}${messageOf(error)}`;
  const [headline, ...details] = linesOf(error, prefix);
  const toPerson = options.file === undefined && options.format === "text";
  const story = error instanceof StepError ? error.story : [];
  if (toPerson) log.error(`${headline}`);
  else log.error(message, story.length === 0 ? undefined : { steps: story });
  if (options.file !== undefined) printError(escapeControls(`${headline}`));
  if (toPerson || options.file !== undefined) {
    for (const detail of details) printError(`  ${escapeControls(detail)}`);
  }
  if (toPerson) for (const line of story) printError(`  ${line}`);
  if (toPerson && error instanceof UsageError) {
    const { helpText }: typeof import("./help.ts") = require("./help.ts");
    printError(`\n${helpText(error.command)}`);
  }
  if (options.level === "debug" && !(error instanceof RuntimeError) && error instanceof Error) {
    log.debug("stack of the unexpected error", { stack: error.stack });
  }
}

function messageOf(error: unknown): string {
  if (error instanceof RuntimeError) return error.message;
  const what = error instanceof Error ? error.message : String(error);
  return `internal error: ${what} (hint: this is a bug; --debug shows where)`;
}

// All problems of a configuration stand below the headline, one a line.
function linesOf(error: unknown, prefix: string): string[] {
  if (!(error instanceof ConfigError) || error.problems.length === 1) {
    return [`${prefix}${messageOf(error)}`];
  }
  const headline = `${prefix}the configuration has ${error.problems.length} problems`;
  return [headline, ...problemLines(error.problems)];
}
