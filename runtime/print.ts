// Standard output and standard error. The engine's own console writes synchronously, whole, and
// without node:fs (0.9 ms of start-up) or process.stdout (9 ms); it is used here and nowhere else.

/** Writes a text and a newline to standard output. */
export function print(text: string): void {
  console.log(text);
}

/** Writes a text and a newline to standard error. */
export function printError(text: string): void {
  console.error(text);
}

/**
 * Writes bytes to standard output. Not by a system call of ours, since the first one takes half as
 * long as the engine to start.
 */
export function printBytes(bytes: Uint8Array): void {
  const out = Bun.stdout.writer();
  out.write(bytes);
  out.flush();
}
