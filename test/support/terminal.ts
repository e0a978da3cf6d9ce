// Terminals of tests: a pty whose master the test holds, as a terminal emulator does.

import {
  closeFd,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  open,
  tryReadSome,
  tryWriteSome,
} from "../../runtime/sys/file.ts";
import { POLLIN, POLLOUT, poll } from "../../runtime/sys/signal.ts";
import { openPeer, setWindowSize, unlockTerminal } from "../../runtime/sys/terminal.ts";
import { patience } from "./patience.ts";
import { room } from "./room.ts";
import { runtime } from "./runt.ts";
import { waitUntil } from "./wait.ts";

export interface Terminal {
  /** The side that programs have. */
  slave: number;
  /** Types, and keeps what the terminal shows meanwhile. */
  type(text: string | Uint8Array): void;
  /** Types again and again: the program that it is for may not have been there yet. */
  typeUntil(text: string, shown: RegExp): Promise<void>;
  /** Types as much as is taken when nothing is read; returns the number of bytes. */
  fill(text: string): number;
  /** Everything that the terminal has shown so far. */
  shown(): string;
  shownBytes(): Buffer;
  /** Waits until the terminal shows something; returns everything that it has shown. */
  shows(what: string | RegExp, limitMs?: number): Promise<string>;
  resize(size: { height: number; width: number }): void;
  /** What `stty` prints. */
  stty(...args: string[]): string;
  /** What closing the window does. */
  hangUp(): void;
}

/** Calls with a new terminal of 33 rows and 99 columns, which is gone afterwards. */
export async function withTerminal(use: (terminal: Terminal) => Promise<void>): Promise<void> {
  const terminal = openTerminal();
  try {
    await use(terminal);
  } finally {
    terminal.hangUp();
    closeFd(terminal.slave);
  }
}

function openTerminal(): Terminal {
  const master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  unlockTerminal(master);
  const slave = openPeer(master);
  setWindowSize(master, { height: 33, width: 99 });
  const parts: Buffer[] = [];
  let isOpen = true;
  const drain = (): void => {
    while (isOpen) {
      const some = tryReadSome(master, 16_384);
      if (typeof some === "number" || some.length === 0) return;
      parts.push(some);
    }
  };
  const shownBytes = (): Buffer => {
    drain();
    return Buffer.concat(parts);
  };
  const shown = (): string => shownBytes().toString();
  const type = (text: string | Uint8Array): void => {
    const endMs = performance.now() + 20_000 * patience;
    for (let rest = Buffer.from(text); rest.length > 0; ) {
      const [events = 0] = poll([{ fd: master, events: POLLIN | POLLOUT }], 100);
      if (events & POLLIN) drain();
      if (events & POLLOUT) rest = rest.subarray(Math.max(tryWriteSome(master, rest), 0));
      if (performance.now() > endMs) throw new Error(`nobody reads ${rest.length} bytes typed`);
    }
  };
  return {
    slave,
    shown,
    shownBytes,
    type,
    typeUntil: async (text, wanted) => {
      await waitUntil(`${wanted}`, () => {
        type(text);
        return wanted.test(shown());
      });
    },
    fill: (text) => {
      const all = Buffer.from(text);
      for (let taken = 0; ; ) {
        if (taken === all.length) return taken;
        const [events = 0] = poll([{ fd: master, events: POLLOUT }], 200);
        if (events === 0) return taken;
        taken += Math.max(tryWriteSome(master, all.subarray(taken)), 0);
      }
    },
    shows: (what, limitMs) =>
      waitUntil(
        `${what} on the terminal`,
        () => {
          const all = shown();
          return (typeof what === "string" ? all.includes(what) : what.test(all)) && all;
        },
        limitMs,
      ).catch((error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(shown().slice(-2000))}`);
      }),
    resize: (size) => setWindowSize(master, size),
    stty: (...args) => `${Bun.spawnSync(["stty", ...args], { stdin: slave }).stdout}`,
    hangUp: () => {
      if (isOpen) closeFd(master);
      isOpen = false;
    },
  };
}

/** A standard stream: of a terminal, a descriptor, or none. */
type Stream = number | "ignore" | "pipe";

/** A program that runs on a terminal, which is its controlling one if its input is. */
export function startOn(
  { slave }: Terminal,
  command: readonly string[],
  options: {
    stdin?: Stream;
    stdout?: Stream;
    stderr?: Stream;
    cwd?: string;
    env?: Record<string, string>;
    /** After this it is killed. */
    limitMs?: number;
  } = {},
) {
  const { stdin = slave, stdout = slave, stderr = slave, cwd = room.directory } = options;
  return Bun.spawn(["setsid", ...(stdin === slave ? ["--ctty"] : []), ...command], {
    stdio: [stdin, stdout, stderr],
    cwd,
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      TERM: "dumb",
      RUNT_TEST_ROOM: room.directory,
      ...options.env,
    },
    timeout: (options.limitMs ?? 20_000) * patience,
    killSignal: "SIGKILL",
  });
}

/** The runtime's command line with the room's state root. */
export function runtOf(...args: string[]): string[] {
  return [runtime, "--root", room.root, ...args];
}

/** What a terminal sends for a letter and the control key. */
export function key(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) & 31);
}

/** A command for a shell in a terminal: an engine gives the size when the program runs already. */
export function untilSize(rowsAndColumns: string): string {
  return `until test "$(stty size 2>/dev/null)" = "${rowsAndColumns}"; do sleep 0.1; done`;
}
