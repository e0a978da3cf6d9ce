// Someone who listens on a console socket, as callers of `create` and `exec` do.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { patience } from "./patience.ts";
import { freshDirectory } from "./room.ts";
import { waitUntil } from "./wait.ts";

/**
 * Calls with the path of a console socket, and what waits for the end of the terminal that comes
 * there and gives what it has shown.
 *
 * @param typed what is typed into the terminal
 */
export async function withReceiver(
  typed: string,
  use: (socket: string, shown: () => Promise<string>) => Promise<void>,
): Promise<void> {
  // The path is longer than an address (unix(7)).
  const folder = join(freshDirectory(), "l".repeat(120));
  mkdirSync(folder);
  const receiver = Bun.spawn(
    [process.execPath, join(import.meta.dir, "console-receiver.ts"), folder, "s", typed],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: 15_000 * patience },
  );
  try {
    const socket = join(folder, "s");
    await waitUntil("socket", () => existsSync(socket));
    await use(socket, () => new Response(receiver.stdout).text());
  } finally {
    receiver.kill("SIGKILL");
    await receiver.exited;
  }
}
