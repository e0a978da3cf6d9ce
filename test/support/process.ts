// What /proc says of a process on the host.

import { readFileSync } from "node:fs";

/** A file of a process, or "" when the process is gone. */
export function readProc(pid: number | "self", name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch (error) {
    // ENOENT, ESRCH: it ended meanwhile.
    if (!(error instanceof Error && "code" in error)) throw error;
    return "";
  }
}

/** Whether a process is there and has not ended; one that waits to be reaped has. */
export function isRunning(pid: number): boolean {
  const stat = readProc(pid, "stat");
  return stat !== "" && !stat.includes(") Z ");
}

/** The lines `Name: value` of /proc/PID/status, or of text in its format. */
export function statusFields(text: string): Record<string, string> {
  const lines = text.split("\n").map((line) => line.split(/:\s*/, 2));
  return Object.fromEntries(lines.map(([name = "", value = ""]) => [name, value.trim()]));
}

/** Whether a process has written much, and now writes no more. */
export async function isStuck(pid: number): Promise<boolean> {
  const written = (): number => Number(/wchar: (\d+)/.exec(readProc(pid, "io"))?.[1]);
  const before = written();
  await Bun.sleep(50);
  return before > 60_000 && before === written();
}
