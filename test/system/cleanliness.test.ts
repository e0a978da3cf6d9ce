// What programs and hooks must not see: traces of the runtime's own engine and of its launcher.

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { type Container, run, stateOf, withContainer, withScript } from "../support/container.ts";
import { readProc, statusFields } from "../support/process.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { type RuntOptions, runt, startRunt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

/** The caller has limits that are neither the machine's nor the hard ones. */
const limited = [
  "sh",
  "-c",
  'ulimit -S -n 700; ulimit -H -n 3000; ulimit -S -s 4321; exec "$@"',
  "sh",
];

/** The caller ignores and blocks signals, as careless supervisors do. */
const deaf = ["env", "--ignore-signal=PIPE,INT,USR1,HUP", "--block-signal=USR2,TERM"];

const engineVariables = /BUN|MIMALLOC|JSC|NODE|KOFFI/;

/** Everything that a hook sees of itself, in one text. */
const observe =
  "cat /proc/self/status /proc/self/limits; echo FDS; ls -l /proc/self/fd; echo ENV;" +
  " tr '\\0' '\\n' < /proc/self/environ";

function hookScript(text: string): { path: string; output: () => string } {
  const directory = freshDirectory();
  const path = join(directory, "hook");
  const output = join(directory, "output");
  writeFileSync(path, `#!/bin/sh\nexec > ${output} 2>&1\n${text}\n`);
  chmodSync(path, 0o755);
  return { path, output: () => readFileSync(output, "utf8") };
}

/** Hooks of the runtime's namespaces; those of the container's need a program in its rootfs. */
function hostHooks(path: string): Patch {
  return { hooks: { createRuntime: [{ path }], createContainer: [{ path }] } };
}

/** The program's own files in /proc, looked at from outside. */
async function seenOutside(
  options: RuntOptions,
  look: (pid: number) => Promise<void> | void,
): Promise<void> {
  const sleeper = { process: { args: ["/bin/sleep", "100"] } };
  const use = async ({ state, does }: Container): Promise<void> => {
    await does("start");
    await look((await state()).pid);
  };
  await withContainer(sleeper, use, options);
}

test("the program has the caller's limits, not the engine's raised ones", async () => {
  await seenOutside({ through: limited }, (pid) => {
    const limits = readProc(pid, "limits");
    assert.match(limits, /Max open files +700 +3000 /);
    assert.match(limits, /Max stack size +4424704 /);
  });
});

test("the program has default signal dispositions and an empty mask", async () => {
  for (const through of [[], deaf]) {
    await seenOutside({ through }, (pid) => {
      const fields = statusFields(readProc(pid, "status"));
      for (const name of ["SigIgn", "SigBlk", "SigCgt", "SigPnd", "ShdPnd"]) {
        assert.is(fields[name], "0000000000000000", name);
      }
    });
  }
});

test("the program has descriptors 0, 1 and 2 and no other, whatever the caller left open", async () => {
  const through = ["sh", "-c", 'exec 7</etc/hostname 9</; exec "$@"', "sh"];
  for (const options of [{}, { through }]) {
    await seenOutside(options, (pid) => {
      assert.equal(readdirSync(`/proc/${pid}/fd`), ["0", "1", "2"]);
    });
  }
});

test("the program sees no variable of the engine or of the caller", async () => {
  const env = { BUN_X: "1", BUN_OPTIONS: "--smol", NODE_OPTIONS: "--x", SECRET: "caller's" };
  await seenOutside({ env }, (pid) => {
    assert.equal(readProc(pid, "environ").split("\0").sort(), ["", "HOME=/root", "PATH=/bin"]);
  });
});

test("the program has one thread, a name of its own and nothing of ours mapped", async () => {
  await seenOutside({}, (pid) => {
    assert.equal(readdirSync(`/proc/${pid}/task`).length, 1);
    assert.is(readProc(pid, "comm"), "sleep\n");
    assert.not.match(readProc(pid, "maps"), /runt$|koffi/m);
  });
});

test("variables that configure the engine do not stop or change the program", async () => {
  for (const env of [
    { BUN_JSC_noSuchOption: "1" },
    { BUN_JSC_useJIT: "1" },
    { BUN_OPTIONS: "--eval 1" },
    { BUN_BE_BUN: "1" },
    { NODE_OPTIONS: "--require /nonexistent" },
    { BUN_INSPECT: "ws://localhost:1/x" },
    { BUN_JSC_logGC: "2" },
    { MIMALLOC_SHOW_STATS: "1" },
    { MIMALLOC_VERBOSE: "3" },
    { BUN_DEBUG_QUIET_LOGS: "0", BUN_CONFIG_FILE: "/nonexistent" },
  ]) {
    const { code, stdout, stderr } = await run(withScript("echo fine"), { env });
    assert.equal({ code, stdout, stderr }, { code: 0, stdout: "fine\n", stderr: "" });
  }
});

test("files of the working directory do not change the program", async () => {
  const cwd = freshDirectory();
  writeFileSync(join(cwd, ".env"), "BUN_OPTIONS=--eval 1\nSECRET=1\n");
  writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(cwd, "evil.ts"), 'console.log("evil")\n');
  writeFileSync(join(cwd, "package.json"), '{"yargs": {"help": false}, "name": "evil"}');
  const { code, stdout, stderr } = await run(withScript("env"), { cwd });
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
  assert.not.match(stdout, /SECRET|evil/);
});

test("the program lives on when a foreground run is killed", async () => {
  const id = freshName();
  const directory = bundle({ process: { args: ["/bin/sleep", "100"] } });
  const running = startRunt(["run", "--bundle", directory, id]);
  const started = async () => (await stateOf(id))?.status === "running";
  await waitUntil("start", started);
  running.kill("SIGKILL");
  await running.ended;
  assert.is((await stateOf(id))?.status, "running");
  assert.is((await runt(["delete", "--force", id])).code, 0);
});

test("hooks see the caller's limits, default signals, three descriptors and no engine variable", async () => {
  const hook = hookScript(observe);
  const { code, stderr } = await run(hostHooks(hook.path), { through: limited });
  assert.is(code, 0, stderr);
  const seen = hook.output();
  assert.match(seen, /Max open files +700 +3000 /);
  const fields = statusFields(seen);
  assert.is(fields["SigIgn"], "0000000000000000");
  assert.is(fields["SigBlk"], "0000000000000000");
  const [, fds = "", env = ""] = seen.split(/FDS\n|ENV\n/);
  const numbers = fds.match(/ \d+ -> /g) ?? [];
  // ls reads the directory through a fourth.
  assert.equal(numbers, [" 0 -> ", " 1 -> ", " 2 -> ", " 3 -> "], fds);
  assert.not.match(env, engineVariables);
});

test("a hook's environment is exactly its own env, and empty if that is", async () => {
  for (const env of [["A=1", "B=two words"], []]) {
    const hook = hookScript("tr '\\0' '\\n' < /proc/$$/environ");
    const { code, stderr } = await run(
      { hooks: { createRuntime: [{ path: hook.path, env }] } },
      { env: { SECRET: "caller's" } },
    );
    assert.is(code, 0, stderr);
    assert.equal(hook.output().split("\n").filter(Boolean), env);
  }
});

test("a hook without env has the caller's environment, without the engine's variables", async () => {
  const hook = hookScript("tr '\\0' '\\n' < /proc/$$/environ");
  const env = { MINE: "1", BUN_JSC_useJIT: "1", MIMALLOC_VERBOSE: "1" };
  const { code, stderr } = await run({ hooks: { createRuntime: [{ path: hook.path }] } }, { env });
  assert.is(code, 0, stderr);
  const seen = hook.output();
  assert.match(seen, /^MINE=1$/m);
  if (!foreignRuntime) assert.not.match(seen, engineVariables);
});

runTests();
