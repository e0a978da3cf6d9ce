// Signals by name or number. signal(7); the numbers are those of x86, arm and most others.

import { RuntimeError } from "../errors.ts";

const NAMES = [
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP",
  "TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS",
]
  .join(" ")
  .split(" ");

const ALIASES: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29 };

// The C library keeps the kernel's first two real-time signals, 32 and 33, to itself.
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal.
 * @param text a number from 0 to 64, or a name in any case, with or without SIG: `9`, `kill`,
 *   `SIGRTMIN+3`, `RTMAX-1`
 * @throws RuntimeError if there is no such signal.
 */
export function signalNumber(text: string): number {
  const number = /^[0-9]{1,2}$/.test(text) ? Number(text) : byName(text.toUpperCase());
  if (number === undefined || number > RTMAX) throw new RuntimeError(`unknown signal "${text}"`);
  return number;
}

function byName(upper: string): number | undefined {
  const name = upper.startsWith("SIG") ? upper.slice(3) : upper;
  const index = NAMES.indexOf(name);
  if (index >= 0) return index + 1;
  const realTime = /^RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name);
  if (realTime === null) return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  const base = realTime[1] === "MIN" ? RTMIN : RTMAX;
  const offset = Number(realTime[3] ?? 0) * (realTime[2] === "-" ? -1 : 1);
  const number = base + offset;
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}
