// The container's terminal and the caller's streams in front of it: what goes in and out, and the
// modes and the size of the caller's terminal, if there is one.

import { EIO } from "../errno.ts";
import { closeFd, O_NOCTTY, O_NONBLOCK, O_WRONLY, setNonBlocking, tryOpen } from "../sys/file.ts";
import { type Interest, letThrough, SIGTTOU } from "../sys/signal.ts";
import {
  copyWindowSize,
  isControlling,
  isTerminal,
  modesOf,
  openPeer,
  rawModes,
  trySetModes,
  windowSize,
} from "../sys/terminal.ts";
import { flow, interestOf, move } from "./flow.ts";

const [STDIN, STDOUT, STDERR] = [0, 1, 2];
/** More than a pty holds: 8 KiB on its way and 4 KiB to be read (pty_common_install, N_TTY_BUF_SIZE). */
const PTY_BYTES = 65_536;

export interface Console {
  /** What the streams wait for. */
  interests(): Interest[];
  /** Moves what can be moved, by the events of {@link interests}; false when the caller has gone. */
  move(events: readonly number[]): boolean;
  /**
   * Writes what is left of the output of those who have ended.
   *
   * @param wait waits for an interest; false gives up
   */
  drain(wait: (interest: Interest) => boolean): void;
  /** The caller's terminal in raw mode: at the beginning, and after it has been somebody else's. */
  takeTerminal(): void;
  /** The caller's terminal as it was. */
  leaveTerminal(): void;
  resize(): void;
  /** The container's terminal hangs up, as if its window were closed. */
  hangUp(): void;
}

/** Takes over the master of the container's terminal. */
export function openConsole(master: number): Console {
  setNonBlocking(master);
  // Without any slave the master could not be read, and the next program to open one not be seen.
  const slave = openPeer(master);
  const input = flow(STDIN, master);
  const output = flow(master, isTerminal(STDOUT) ? openAnew(STDOUT) : STDOUT);
  const sized = [STDIN, STDOUT, STDERR].find(isTerminal);
  const resize = (): void => {
    if (sized !== undefined) copyWindowSize(sized, master);
  };
  if (windowSize(master) === undefined) resize();
  let modes = isTerminal(STDIN) ? modesOf(STDIN) : undefined;
  return {
    interests: () => [interestOf(input), interestOf(output)],
    move: ([mayInput = 0, mayOutput = 0]) => {
      if (mayInput !== 0) move(input);
      if (mayOutput !== 0) move(output);
      // No key ends the input of a terminal in raw mode: it has hung up.
      return output.state !== "broken" && (modes === undefined || input.state !== "ended");
    },
    drain: (wait) => {
      for (let left = PTY_BYTES; left > 0 && output.state === "open"; ) {
        if (output.pending.length === 0) {
          move(output);
          left -= output.pending.length;
          if (output.pending.length === 0) return;
        }
        if (!wait(interestOf(output))) return;
        move(output);
      }
    },
    takeTerminal: () => {
      const raw = modes && rawModes(modes);
      if (raw === undefined) return;
      // In the background this stops us until we are brought to the foreground, like any program.
      const result = letThrough(SIGTTOU, () => trySetModes(STDIN, raw));
      // Nobody can do that any more: then it is not ours.
      if (result === -EIO) modes = undefined;
    },
    leaveTerminal: () => {
      // One that has hung up is nobody's.
      if (modes !== undefined) trySetModes(STDIN, modes);
    },
    resize,
    hangUp: () => {
      closeFd(slave);
      closeFd(master);
    },
  };
}

/**
 * The caller's terminal, opened once more: those who share the caller's descriptor do not expect it
 * to be non-blocking. Its path may be for others alone, after su(1); /dev/tty is for everyone.
 */
function openAnew(terminal: number): number {
  const paths = [`/proc/self/fd/${terminal}`, ...(isControlling(terminal) ? ["/dev/tty"] : [])];
  for (const path of paths) {
    const fd = tryOpen(path, O_WRONLY | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0) return fd;
  }
  return terminal;
}
