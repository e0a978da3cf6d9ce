// Containers of tests: made from a patch, handed to the test, and always deleted.

import { bundle, type Json, type Patch, script } from "./bundle.ts";
import { freshName } from "./room.ts";
import { type Outcome, type Running, type RuntOptions, runt, startRunt } from "./runt.ts";
import { waitUntil } from "./wait.ts";

export interface State {
  ociVersion: string;
  id: string;
  pid: number;
  status: string;
  bundle: string;
  rootfs: string;
  created: string;
  annotations?: Record<string, string>;
  owner: string;
}

export interface Container {
  id: string;
  bundle: string;
  /** The `create` command; its files also receive what the container writes. */
  create: Running;
  state(): Promise<State>;
  /** Runs a command on the container, such as `start`, that has to succeed. */
  does(command: string, ...rest: string[]): Promise<void>;
  /** Waits until the container is in a status. */
  becomes(status: string): Promise<State>;
}

/** Runs a bundle of a patch to its end, in the foreground. */
export function run(patch: Patch, options: RuntOptions = {}): Promise<Outcome> {
  return runt(["run", "--bundle", bundle(patch), freshName()], options);
}

/** What a shell script prints inside a container of the patch. It has to succeed. */
export async function inside(
  text: string,
  patch: Patch = {},
  options: RuntOptions = {},
): Promise<string> {
  const outcome = await run(withScript(text, patch), options);
  if (outcome.code !== 0) {
    throw new Error(`exit ${outcome.code}: ${outcome.stderr}${outcome.stdout}`);
  }
  return outcome.stdout;
}

/** Creates a container of the patch, lets a test use it, and deletes it. */
export async function withContainer(
  patch: Patch,
  use: (container: Container) => Promise<void>,
  options: RuntOptions & { flags?: string[] } = {},
): Promise<void> {
  const id = freshName();
  const directory = bundle(patch);
  const command = ["create", "--bundle", directory, ...(options.flags ?? []), id];
  const create = startRunt(command, options);
  try {
    succeeded(command, await create.ended);
    await use(containerOf(id, { directory, create, caller: callerOf(options) }));
  } finally {
    succeeded(["delete", "--force", id], await runt(["delete", "--force", id], callerOf(options)));
  }
}

/** What is the same for all commands on a container. */
function callerOf({ as: caller, within }: RuntOptions): RuntOptions {
  return { ...(caller && { as: caller }), ...(within && { within }) };
}

/** The state of a container, or undefined when there is none. */
export async function stateOf(id: string, caller: RuntOptions = {}): Promise<State | undefined> {
  const outcome = await runt(["state", id], caller);
  return outcome.code === 0 ? JSON.parse(outcome.stdout) : undefined;
}

/** Throws with the command's own words unless it succeeded. */
export function succeeded(command: readonly string[], outcome: Outcome): void {
  if (outcome.code === 0) return;
  throw new Error(`${command.join(" ")}: exit ${outcome.code}: ${outcome.stderr}${outcome.stdout}`);
}

/** A patch whose process runs a script, whatever else the patch says of the process. */
export function withScript(text: string, patch: Patch = {}): Patch {
  const old: Json | undefined = patch["process"];
  const rest = typeof old === "object" && old !== null && !Array.isArray(old) ? old : {};
  return { ...patch, process: { ...rest, ...script(text) } };
}

function containerOf(
  id: string,
  { directory, create, caller }: { directory: string; create: Running; caller: RuntOptions },
): Container {
  const state = async (): Promise<State> => {
    const outcome = await runt(["state", id], caller);
    succeeded(["state", id], outcome);
    return JSON.parse(outcome.stdout);
  };
  return {
    id,
    bundle: directory,
    create,
    state,
    does: async (command, ...rest) => {
      const flags = rest.filter((word) => word.startsWith("--"));
      const words = [command, ...flags, id, ...rest.filter((word) => !word.startsWith("--"))];
      succeeded(words, await runt(words, caller));
    },
    becomes: (status) =>
      waitUntil(`status ${status} of ${id}`, async () => {
        const now = await state();
        return now.status === status && now;
      }),
  };
}
