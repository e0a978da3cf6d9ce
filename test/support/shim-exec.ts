// Processes that tests have a shim execute in its containers.

import type { Patch } from "./bundle.ts";
import type { TaskClient } from "./task-client.ts";

export interface ExecPlace {
  id: string;
  execId: string;
}

/** What Exec is to announce: a process, of root's unless `more` says otherwise. */
export function processSpec(args: readonly string[], more: Patch = {}) {
  const spec = { args, cwd: "/", user: { uid: 0, gid: 0 }, env: ["PATH=/bin:/usr/bin"], ...more };
  return { typeUrl: "any", value: Buffer.from(JSON.stringify(spec)) };
}

/** Exec and Start. */
export async function startExec(
  tasks: TaskClient,
  place: ExecPlace,
  args: readonly string[],
): Promise<{ pid: number }> {
  await tasks.exec({ ...place, spec: processSpec(args) });
  return await tasks.start(place);
}
