// Runs a test while another process swaps two names in a shared folder.

import { join } from "node:path";

const limitMs = 60_000;

/** Exchanges two paths as fast as it can until `use` has ended. */
export async function whileSwapping(
  one: string,
  two: string,
  use: () => Promise<void>,
): Promise<void> {
  const swapper = Bun.spawn([process.execPath, join(import.meta.dir, "swapper.ts"), one, two], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const timer = setTimeout(() => swapper.kill("SIGKILL"), limitMs);
  try {
    const { value } = await swapper.stdout.getReader().read();
    if (value === undefined) throw new Error("the swapper did not start");
    await use();
    if (swapper.exitCode !== null) throw new Error("the swapper ended early");
  } finally {
    clearTimeout(timer);
    swapper.kill("SIGKILL");
    await swapper.exited;
  }
}
