// The folder that holds the containers' state.

import { RuntimeError } from "../errors.ts";
import { absolutePath } from "./absolute-path.ts";

export interface StateRootOptions {
  /** What --root says; undefined when it is absent. */
  given: string | undefined;
  /** Effective user id of the caller. */
  euid: number;
  environment: Readonly<Record<string, string | undefined>>;
  /** What has to be asked of the machine, if it matters. */
  machine: StateRootMachine;
}

export interface StateRootMachine {
  /** Whether the caller is in a user namespace other than the initial one. */
  inUserNamespace(): boolean;
  /** Whether a path is a directory of the caller's. */
  ownsDirectory(path: string): boolean;
}

/**
 * The state root as an absolute path: --root, else `/run/runt` for root, and a folder of the user's
 * own for others: `$XDG_RUNTIME_DIR/runt`, or `/run/user/UID/runt`. Root ignores the variable, so
 * that a daemon and a shell agree, unless it is an ordinary user's root in a user namespace.
 * @throws RuntimeError if --root is empty or `/`, or there is no folder of the user's own.
 */
export function stateRoot(options: StateRootOptions): string {
  const { given } = options;
  if (given === undefined) return isOrdinary(options) ? ownRoot(options) : "/run/runt";
  if (given === "") throw new RuntimeError("--root is empty, but must be a folder");
  const root = absolutePath(given);
  if (root === "/") throw new RuntimeError(`--root is "${given}", but must not be /`);
  return root;
}

/** runc's rule. */
function isOrdinary({ euid, environment, machine }: StateRootOptions): boolean {
  if (euid !== 0) return true;
  const { XDG_RUNTIME_DIR, USER } = environment;
  return Boolean(XDG_RUNTIME_DIR) && USER !== "root" && machine.inUserNamespace();
}

function ownRoot({ euid, environment, machine }: StateRootOptions): string {
  const { XDG_RUNTIME_DIR } = environment;
  if (XDG_RUNTIME_DIR) return absolutePath(`${XDG_RUNTIME_DIR}/runt`);
  const usual = `/run/user/${euid}`;
  if (machine.ownsDirectory(usual)) return `${usual}/runt`;
  throw new RuntimeError(
    `there is no folder for the state of containers: XDG_RUNTIME_DIR is not set and ${usual} is not a folder of user ${euid}'s (hint: set XDG_RUNTIME_DIR, or give --root)`,
  );
}
