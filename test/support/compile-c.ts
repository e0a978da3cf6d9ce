// Builds the small C programs that some tests need.

import { join } from "node:path";

/**
 * Builds test/support/NAME.c with gcc.
 *
 * @param folder Where the program goes.
 * @param flags For gcc, such as "-static" for programs that run in a container.
 * @returns Its path, or why it cannot be built.
 */
export function compileC(
  name: string,
  folder: string,
  flags: readonly string[] = [],
): { program: string } | { reason: string } {
  if (Bun.which("gcc") === null) return { reason: "gcc is not installed" };
  const program = join(folder, name);
  const source = join(import.meta.dir, `${name}.c`);
  const { exitCode, stderr } = Bun.spawnSync(["gcc", "-O1", "-o", program, source, ...flags]);
  return exitCode === 0 ? { program } : { reason: `gcc fails: ${stderr.toString().slice(0, 300)}` };
}
