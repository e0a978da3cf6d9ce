// Files that tests hand to the runtime as open descriptors.

import { openSync, writeFileSync } from "node:fs";

/** Writes a file and opens it for reading. The descriptor lives as long as the test process. */
export function openWith(path: string, text: string): number {
  writeFileSync(path, text);
  return openSync(path, "r");
}
