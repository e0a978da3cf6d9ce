// An upgrade in place while a shim runs: what the old shim still does, it does with the program and
// the addon that it has loaded. The program that is asked to `delete` is the new one.

import { readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { inUserNamespace, script } from "../support/bundle.ts";
import { hookFolder } from "../support/hook.ts";
import { freshDirectory, room } from "../support/room.ts";
import { type Shim, startShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";

const events = receiveEvents();
const project = resolve(import.meta.dirname, "../..");

test("a shim whose program is replaced goes on with its own", async () => {
  const prefix = freshDirectory();
  const folder = join(prefix, "lib/runt");
  const program = join(prefix, "bin/containerd-shim-runt-v2");
  install(prefix);
  const hooks = hookFolder();
  const patch = {
    process: script("echo out; while :; do sleep 1; done"),
    hooks: { poststop: [{ path: hooks.witness("poststop") }] },
    linux: {
      ...inUserNamespace,
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["kexec_load"], action: "SCMP_ACT_ERRNO" }],
      },
      resources: { pids: { limit: 50 } },
    },
  };
  try {
    // Nothing of it has been used so far: what a container takes is loaded after the replacement.
    const shim = await startShim({ patch, program });
    try {
      for (const name of ["runt", "koffi.node"]) replace(join(folder, name), "not a program\n");
      replace(program, "#!/bin/sh\nexit 9\n");
      const { id, pid, tasks, create } = shim;
      assert.match(readlinkSync(`/proc/${pid}/exe`), / \(deleted\)$/);
      const streams = clientStreams();
      await create(streams.names);
      await tasks.start({ id });
      const output = clientStreams();
      await exec(shim, { execId: "e", ...output.names }, ["echo", "exec"]);
      assert.is((await output.stdout.ended).stdout, "exec\n");
      const terminal = clientStreams({ terminal: true });
      await exec(shim, { execId: "t", ...terminal.names }, ["tty"]);
      assert.match((await terminal.stdout.ended).stdout, /\/dev\/pts/);
      await tasks.pause({ id });
      await tasks.resume({ id });
      await tasks.stats({ id });
      await tasks.kill({ id, signal: 9 });
      assert.is((await tasks.wait({ id })).exitStatus, 137);
      assert.is((await streams.stdout.ended).stdout, "out\n");
      await tasks.delete({ id });
      assert.equal(hooks.trace(), ["poststop"]);
    } finally {
      install(prefix);
      await shim.end();
    }
  } finally {
    Bun.spawnSync(["umount", "--lazy", `/run/runt/exe${folder}`]);
    rmSync(`/run/runt/exe${room.directory}`, { recursive: true, force: true });
  }
});

runTests({ atEnd: async () => events.stop() });

async function exec({ id, tasks }: Shim, place: ExecRequest, args: string[]): Promise<void> {
  const { execId } = place;
  await tasks.exec({ id, ...place, spec: processSpec(args) });
  await tasks.start({ id, execId });
  await tasks.wait({ id, execId });
  await tasks.delete({ id, execId });
}

type ExecRequest = { execId: string } & ReturnType<typeof clientStreams>["names"];

function install(prefix: string): void {
  const command = ["make", "--no-print-directory", "install", `PREFIX=${prefix}`];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: project });
  assert.is(exitCode, 0, `${stderr}`);
}

/** As `make install` does: under its name is the old file or the new one, never a part. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o755 });
  renameSync(`${path}.new`, path);
}
