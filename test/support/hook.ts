// Hooks of tests: shell scripts in a folder of their own, with a common trace of what ran when.

import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshDirectory } from "./room.ts";

export interface HookFolder {
  directory: string;
  /** Writes a script and returns its path. `$DIR` in the text is the folder. */
  add(name: string, text: string): string;
  /** A script that adds its name to the trace and keeps its standard input as `NAME.json`. */
  witness(name: string): string;
  /** Lines that hooks added to the trace, in order. */
  trace(): string[];
  /** A file that a hook wrote, or undefined. */
  read(name: string): string | undefined;
}

/** A folder of hooks. */
export function hookFolder(): HookFolder {
  const directory = freshDirectory();
  const read = (name: string): string | undefined => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  };
  const add = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\nDIR=${directory}\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  return {
    directory,
    add,
    read,
    witness: (name) => add(name, `echo ${name} >> $DIR/trace; /bin/cat > $DIR/${name}.json`),
    trace: () => (read("trace") ?? "").split("\n").filter(Boolean),
  };
}
