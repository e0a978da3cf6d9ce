// Hierarchies of cgroup v1 that the host may leave out, for some containers of a test: mounted in a
// mount namespace of their own, and gone with it.

import { join } from "node:path";
import { endOutlivedHierarchies } from "../conformance/hierarchies.ts";

export interface Hierarchies {
  /** What a command goes through to be there (`within` of RuntOptions). */
  within: readonly string[];
  /** A path of that mount namespace as one of ours. */
  path(path: string): string;
  /** Controllers that could not be mounted, with the reason; null where there is no v1 at all. */
  missing: Readonly<Record<string, string>> | null;
}

/** @param wanted controllers; those that share a hierarchy as one text, separated by commas */
export async function withHierarchies(
  wanted: readonly string[],
  use: (there: Hierarchies) => Promise<void>,
): Promise<void> {
  const program = join(import.meta.dirname, "mount-hierarchies.ts");
  const holder = Bun.spawn(["unshare", "--mount", process.execPath, program, ...wanted], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const missing = JSON.parse(await firstLine(holder.stdout));
    await use({
      within: ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`],
      path: (path) => `/proc/${holder.pid}/root${path}`,
      missing,
    });
  } finally {
    holder.stdin.end();
    await holder.exited;
    endOutlivedHierarchies();
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) return text;
  }
  throw new Error("the hierarchies could not be mounted");
}
