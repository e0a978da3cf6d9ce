// exec: another process in a container, as runc's callers use it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Json, Patch } from "../support/bundle.ts";
import { type Container, withContainer } from "../support/container.ts";
import { isRunning, statusFields } from "../support/process.ts";
import { freshName, room } from "../support/room.ts";
import { type Outcome, type RuntOptions, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const sleeper: Patch = { process: { args: ["/bin/sleep", "1000"] } };

/** A running container; `exec` gives what a command in it prints, and wants exit code 0. */
function withRunning(
  patch: Patch,
  use: (container: Container, exec: (...args: string[]) => Promise<string>) => Promise<void>,
): Promise<void> {
  return withContainer({ ...sleeper, ...patch }, async (container) => {
    await container.does("start");
    await use(container, async (...args) => {
      const outcome = await runt(["exec", ...args]);
      assert.is(outcome.code, 0, outcome.stderr);
      return outcome.stdout;
    });
  });
}

/** Runs `exec` with a process file of a shell script and more. */
function execFile(
  id: string,
  text: string,
  {
    more = {},
    flags = [],
    options = {},
  }: { more?: Patch; flags?: string[]; options?: RuntOptions },
): Promise<Outcome> {
  const file = processFile({ args: ["/bin/sh", "-c", text], ...more });
  return runt(["exec", ...flags, "--process", file, id], options);
}

function processFile(process: Record<string, Json>): string {
  const file = join(room.directory, `${freshName()}.json`);
  const base = { cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };
  writeFileSync(file, JSON.stringify({ ...base, ...process }));
  return file;
}

test("a command is in the container, and its exit code is that of exec", async () => {
  await withRunning({}, async ({ id, state }, exec) => {
    const { pid } = await state();
    const inside = await exec(id, "sh", "-c", "for n in /proc/self/ns/*; do readlink $n; done");
    const links = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
    for (const name of links) {
      const link = Bun.spawnSync(["readlink", `/proc/${pid}/ns/${name}`]).stdout.toString();
      assert.match(inside, link.trim());
    }
    const cgroups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    const [own] = /^\d+:pids:.*$/m.exec(await exec(id, "cat", "/proc/self/cgroup")) ?? [];
    if (own !== undefined) assert.match(cgroups, /^\d+:pids:/m);
    assert.is((await runt(["exec", id, "sh", "-c", "exit 7"])).code, 7);
    assert.is((await runt(["exec", id, "sh", "-c", "kill -9 $$"])).code, 137);
  });
});

test("a process file says all of the process", async () => {
  await withRunning({}, async ({ id }) => {
    const more = { env: ["PATH=/bin", "A=1"], user: { uid: 5, gid: 6, additionalGids: [7] } };
    const text = "id -u; id -g; id -G; echo $A; pwd; echo $HOME";
    const outcome = await execFile(id, text, { more: { ...more, cwd: "/tmp" } });
    assert.equal(outcome, { code: 0, stdout: "5\n6\n6 7\n1\n/tmp\n/\n", stderr: "" });
  });
});

test("detached, it goes on alone, and its pid is in a file", async () => {
  await withRunning({}, async ({ id }) => {
    const pidFile = join(room.directory, freshName());
    const flags = ["--detach", "--pid-file", pidFile];
    const { code } = await execFile(id, "exec sleep 1000", { flags });
    assert.is(code, 0);
    const text = readFileSync(pidFile, "utf8");
    assert.match(text, /^\d+$/);
    const pid = Number(text);
    const fields = statusFields(readFileSync(`/proc/${pid}/status`, "utf8"));
    assert.is(fields["Name"], "sleep");
    process.kill(pid, "SIGKILL");
    await waitUntil("its end", () => !isRunning(pid));
  });
});

test("what fails is 255, with the words that callers look for", async () => {
  await withRunning({}, async ({ id, does }) => {
    const fails = async (pattern: RegExp, ...args: string[]): Promise<void> => {
      const { code, stderr } = await runt(["exec", ...args]);
      assert.is(code, 255, stderr);
      assert.match(stderr, pattern);
    };
    await fails(/exec: \\"nope\\": executable file not found in \$PATH/, id, "nope");
    await fails(/\/nope: no such file or directory/, id, "/nope");
    await fails(/permission denied/, id, "/etc/passwd");
    await fails(/chdir.*no such file or directory/, "--cwd", "/nope", id, "true");
    await fails(/does not exist/, "nobody", "true");
    await does("pause");
    await fails(/cannot exec in a paused container/, id, "true");
    await does("resume");
    await does("kill", "KILL");
    await waitUntil("its end", async () => (await runt(["state", id])).stdout.includes("stopped"));
    await fails(/cannot exec in a stopped container/, id, "true");
  });
});

runTests();
