// What the tests have said that they show. test/run.ts and the conformance run keep a file of it for
// each file of tests that has passed, below build/test/shown.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const folder = join(root, "build/test/shown");

/** A test that shows a demand. */
export interface Shown {
  id: string;
  /** Path of the file below the project, such as `test/system/hooks.test.ts`. */
  file: string;
  test: string;
}

/**
 * The file to which a file of tests says what it shows; what it said before is gone.
 *
 * @param file path of the tests, or of their folder, below the project
 */
export function newRecord(file: string): string {
  const record = recordOf(file);
  mkdirSync(folder, { recursive: true });
  writeFileSync(record, `${hashOf(file)}\n`);
  return record;
}

/** Takes back what a file of tests said, since it did not pass. */
export function removeRecord(file: string): void {
  rmSync(recordOf(file), { force: true });
}

/** Everything that was shown by tests that are as they were when they ran, each once. */
export function readShown(): Shown[] {
  if (!existsSync(folder)) return [];
  const found = new Map<string, Shown>();
  for (const name of readdirSync(folder).sort()) {
    const file = name.replace(/\.jsonl$/, "").replaceAll(",", "/");
    const [hash, ...lines] = readFileSync(recordOf(file), "utf8").split("\n").filter(Boolean);
    if (hash !== hashOf(file)) continue;
    for (const line of lines) {
      const { id, test }: { id: string; test: string } = JSON.parse(line);
      found.set(`${id}\n${file}\n${test}`, { id, file, test });
    }
  }
  return [...found.values()];
}

/** Tells one text of a file from another; a folder has none. */
function hashOf(file: string): string {
  const path = join(root, file);
  const isFile = existsSync(path) && statSync(path).isFile();
  return isFile ? Bun.hash(readFileSync(path)).toString(16) : "-";
}

function recordOf(file: string): string {
  return join(folder, `${file.replaceAll("/", ",")}.jsonl`);
}
