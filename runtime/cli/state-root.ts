// The folder that holds the containers' state.

import { RuntimeError } from "../errors.ts";
import { absolutePath } from "./absolute-path.ts";

export interface StateRootOptions {
  /** What --root says; undefined when it is absent. */
  given: string | undefined;
  /** Effective user id of the caller. */
  euid: number;
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The state root as an absolute path: --root, else `/run/runt`, or `$XDG_RUNTIME_DIR/runt` for
 * other users than root. Root ignores the variable, so that a daemon and a shell agree.
 * @throws RuntimeError if --root is empty or `/`.
 */
export function stateRoot({ given, euid, environment }: StateRootOptions): string {
  if (given === undefined) {
    const runtimeDir = environment["XDG_RUNTIME_DIR"];
    return euid !== 0 && runtimeDir ? absolutePath(`${runtimeDir}/runt`) : "/run/runt";
  }
  if (given === "") throw new RuntimeError("--root is empty, but must be a folder");
  const root = absolutePath(given);
  if (root === "/") throw new RuntimeError(`--root is "${given}", but must not be /`);
  return root;
}
