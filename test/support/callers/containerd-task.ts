// Containers of a containerd: run to their end, or used while they wait and always removed.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, type Patch } from "../bundle.ts";
import type { State } from "../container.ts";
import type { Outcome } from "../program.ts";
import { freshDirectory, freshName } from "../room.ts";
import { runt } from "../runt.ts";
import { waitUntil } from "../wait.ts";
import type { Containerd } from "./containerd.ts";
import { imageName } from "./image.ts";

/** A container that waits, after its script has come to its end. */
export interface Task {
  id: string;
  /** Folder of the host that is /out in the container. */
  out: string;
  /** What the script has written. */
  shown: string;
}

/** Runs a program of the image to its end. */
export function runImage(
  { ctr, run }: Containerd,
  flags: readonly string[],
  ...args: string[]
): Promise<Outcome> {
  return ctr([...run(), "--rm", ...flags, imageName, freshName(), ...args]);
}

/** Runs a container of a whole configuration; returns what it writes. */
export function runConfiguration(
  { does, runtime }: Containerd,
  patch: Patch,
  flags: readonly string[] = runtime(),
): Promise<string> {
  const config = join(bundle(patch), "config.json");
  return does("run", "--rm", ...flags, `--config=${config}`, freshName());
}

/** Lets a test use a container of the image that has run a script, and waits; USR1 ends it with 10. */
export async function withTask(
  containerd: Containerd,
  options: { flags?: readonly string[]; script: string; then?: string },
  use: (task: Task) => Promise<void>,
): Promise<void> {
  const { flags = [], script, then = "trap 'exit 10' USR1; sleep 1000 & wait" } = options;
  const id = freshName();
  const out = freshDirectory();
  const mount = `--mount=type=bind,src=${out},dst=/out,options=rbind:rw`;
  const text = `{ ${script}\n} > /out/new 2>&1; mv /out/new /out/shown; ${then}`;
  try {
    const command = [...containerd.run(), "-d", mount, ...flags, imageName, id];
    await containerd.does(...command, "sh", "-c", text);
    const file = join(out, "shown");
    await waitUntil(`output of ${id}`, () => existsSync(file));
    await use({ id, out, shown: readFileSync(file, "utf8") });
  } finally {
    await removeContainer(containerd, id);
  }
}

/** Removes a container, and its task if there is one. */
export async function removeContainer({ ctr, does }: Containerd, id: string): Promise<void> {
  await ctr(["task", "rm", "--force", id]);
  await does("container", "rm", id);
}

/** What our program itself says of a container. */
export async function runtState({ root }: Containerd, id: string): Promise<State> {
  const { code, stdout, stderr } = await runt(["state", id], { root });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** A limit of a container in a cgroup that ctr has named. */
export function limitOf(id: string, files: { v1: string; v2: string }): string {
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  const [controller = ""] = files.v1.split(".");
  const path = unified ? `default/${id}/${files.v2}` : `${controller}/default/${id}/${files.v1}`;
  return readFileSync(join("/sys/fs/cgroup", path), "utf8").trim();
}
