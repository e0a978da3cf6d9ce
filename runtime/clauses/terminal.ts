// process.terminal and process.consoleSize (config.md#process): a pty for the program.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import {
  connectConsole,
  keepConsole,
  mountConsole,
  openTerminal,
  sendConsole,
  takeConsole,
} from "../ops/terminal.ts";
import { type Step, step } from "../plan/step.ts";
import type { ProcessContainer } from "./container.ts";
import { hasNamespace } from "./namespaces.ts";

/** In runc's words. */
export const NEEDLESS_SOCKET = "cannot use console socket if runt will not detach or allocate tty";

export interface TerminalClause {
  /** Before anything is made: a wrong socket fails early. */
  connect: readonly Step[];
  /** In init, when /dev/pts is there. */
  open: readonly Step[];
  /** By the host, with the master that init has handed over. */
  send: readonly Step[];
  problems: readonly Problem[];
}

export function terminal(config: Config, container: ProcessContainer): TerminalClause {
  const asked = config.process?.terminal === true;
  const { console } = container;
  if (!asked) {
    const hint = "set it to true";
    const problem = { pointer: "/process/terminal", message: NEEDLESS_SOCKET, hint };
    const problems = console.kind === "socket" ? [problem] : [];
    return { connect: [], open: [], send: [], problems };
  }
  const because = "/process/terminal";
  const uid = config.process?.user?.uid ?? 0;
  const open = [
    step("init", openTerminal({ uid, size: sizeOf(config) }), because),
    ...(hasNamespace(config, "mount") && !container.joins
      ? [step("init", mountConsole({}), because)]
      : []),
    step("init", takeConsole({ controls: !container.joins }), because),
  ];
  const tooLarge = sizeProblems(config);
  if (tooLarge.length > 0) return { connect: [], open, send: [], problems: tooLarge };
  if (console.kind === "none") {
    const message = "cannot allocate tty if runt will detach without setting console socket";
    const hint = "give --console-socket, or run in the foreground";
    return { connect: [], open, send: [], problems: [{ pointer: because, message, hint }] };
  }
  if (console.kind === "foreground") {
    return { connect: [], open, send: [step("host", keepConsole({}), because)], problems: [] };
  }
  return {
    connect: [step("host", connectConsole({ path: console.path }), because)],
    open,
    send: [step("host", sendConsole({}), because)],
    problems: [],
  };
}

function sizeOf(config: Config): { height: number; width: number } | null {
  const size = config.process?.consoleSize;
  return size === undefined ? null : { height: Number(size.height), width: Number(size.width) };
}

/** struct winsize holds 16 bits a side (ioctl_tty(2)). */
function sizeProblems(config: Config): Problem[] {
  const size = sizeOf(config);
  return (["height", "width"] as const)
    .filter((key) => size !== null && size[key] > 0xffff)
    .map((key) => ({
      pointer: `/process/consoleSize/${key}`,
      message: `found ${size?.[key]}, wanted at most 65535`,
    }));
}
