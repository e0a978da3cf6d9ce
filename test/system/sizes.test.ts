// Things that are longer, more, odder or fewer than usual, and all the same right.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

/** A whole life of a container whose state is at `root`. */
async function lives(root: string, cwd?: string): Promise<void> {
  const id = freshName();
  const directory = bundle({ process: { args: ["/bin/sleep", "100"] } });
  const commands = [
    ["create", "--bundle", directory, id],
    ["state", id],
    ["start", id],
    ["kill", id, "KILL"],
    ["delete", "--force", id],
  ];
  for (const command of commands) {
    const { code, stderr } = await runt(command, { root, ...(cwd !== undefined && { cwd }) });
    assert.is(code, 0, `${command.join(" ")}: ${stderr}`);
  }
}

test("a state root longer than a socket's address works", async () => {
  await lives(join(freshDirectory(), "x".repeat(200), "y".repeat(200)));
});

test("a state root with spaces, quotes, a newline and letters of other alphabets works", async () => {
  await lives(join(freshDirectory(), "a b", 'it\'s "q"', "ü漢😀", "new\nline"));
});

test("a relative state root is taken from the working directory", async () => {
  await lives("relative/root", freshDirectory());
});

test("a state root behind a symlink works", async () => {
  const directory = freshDirectory();
  mkdirSync(join(directory, "real"));
  symlinkSync("real", join(directory, "link"));
  await lives(join(directory, "link"));
});

test("a bundle whose path has spaces, quotes and letters of other alphabets works", async () => {
  const directory = join(freshDirectory(), 'it\'s "a" bundle ü漢😀');
  mkdirSync(directory);
  const config = readFileSync(
    join(bundle({ process: { args: ["/bin/echo", "ran"] } }), "config.json"),
  );
  writeFileSync(join(directory, "config.json"), config);
  const { code, stdout, stderr } = await runt(["run", "--bundle", directory, freshName()]);
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "ran\n", stderr: "" });
});

test("an id of 200 characters works, one that is no file name is refused", async () => {
  const id = `${room.prefix}${"x".repeat(200 - room.prefix.length)}`;
  assert.is((await runt(["run", "--bundle", bundle(), id])).code, 0);
  const { code, stderr } = await runt(["run", "--bundle", bundle(), `${id}${"x".repeat(100)}`]);
  assert.is(code, 1);
  assert.ok(stderr.length < 2000);
});

test("closed standard streams stay nobody's: no descriptor of ours takes their place", async () => {
  const id = freshName();
  const directory = bundle({ process: { args: ["/bin/sleep", "100"] } });
  for (const closing of ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]) {
    const through = ["sh", "-c", `exec "$@" ${closing}`, "sh"];
    const { code } = await runt(["create", "--bundle", directory, id], { through });
    if (code === 0) {
      await runt(["start", id]);
      const { stdout } = await runt(["state", id]);
      const { pid } = JSON.parse(stdout);
      const listed = Bun.spawnSync(["ls", "-l", `/proc/${pid}/fd`]).stdout.toString();
      assert.not.match(
        listed,
        /socket|anon_inode|memfd|root\/|config\.json|\/proc|cgroup/,
        closing,
      );
    }
    assert.is((await runt(["delete", "--force", id])).code, 0);
  }
});

test("a program gets a megabyte of environment and arguments", async () => {
  const env = ["PATH=/bin", ...Array.from({ length: 8 }, (_, n) => `E${n}=${"e".repeat(100_000)}`)];
  const args = ["/bin/sh", "-c", "env | wc -c; echo $#", "sh", "a".repeat(100_000), "b"];
  const { code, stdout, stderr } = await run({ process: { env, args } });
  assert.is(code, 0, stderr.slice(0, 300));
  const [bytes = "", count] = stdout.trim().split("\n");
  assert.ok(Number(bytes) > 800_000);
  assert.is(count, "2");
});

test("an overlay of many layers with long names is mounted", async () => {
  const base = freshDirectory();
  const layers = Array.from({ length: 12 }, (_, index) => {
    const layer = join(base, `${"layer".repeat(10)}${index}`);
    mkdirSync(layer);
    writeFileSync(join(layer, `file${index}`), "");
    return layer;
  });
  for (const name of ["upper", "work"]) mkdirSync(join(base, name));
  const options = [
    `lowerdir=${layers.join(":")}`,
    `upperdir=${join(base, "upper")}`,
    `workdir=${join(base, "work")}`,
  ];
  const mount = { destination: "/data", type: "overlay", source: "overlay", options };
  const patch = { root: { path: newRootfs() }, mounts: [...defaultMounts, mount] };
  assert.is(await inside("ls /data | wc -l", patch), "12\n");
});

test("three hundred bind mounts and masks are made, with few descriptors too", async () => {
  const source = freshDirectory();
  const rootfs = newRootfs();
  const binds = Array.from(
    { length: 300 },
    (_, index): Json => ({ destination: `/m/${index}`, source, options: ["bind"] }),
  );
  const paths = Array.from({ length: 300 }, (_, index) => `/m/${index}/masked`);
  mkdirSync(join(source, "masked"));
  const patch: Patch = {
    root: { path: rootfs },
    mounts: [...defaultMounts, ...binds],
    linux: { maskedPaths: paths.slice(0, 150), readonlyPaths: paths.slice(150) },
  };
  const text = "grep -c ' /m/' /proc/self/mountinfo";
  assert.is(await inside(text, patch), "600\n");
  if (foreignRuntime) return;
  const through = ["prlimit", "--nofile=1024:1024"];
  assert.is(await inside(text, patch, { through }), "600\n");
});

test("a bind source behind a symlink is what it points to", async () => {
  const source = freshDirectory();
  mkdirSync(join(source, "real"));
  writeFileSync(join(source, "real/name"), "linked\n");
  symlinkSync("real", join(source, "link"));
  const mount = { destination: "/data", source: join(source, "link"), options: ["bind"] };
  const patch = { root: { path: newRootfs() }, mounts: [...defaultMounts, mount] };
  assert.is(await inside("cat /data/name", patch), "linked\n");
});

test("the smallest configuration of the specification runs", async () => {
  const patch: Patch = {
    hostname: undefined,
    mounts: undefined,
    process: {
      capabilities: undefined,
      noNewPrivileges: undefined,
      env: undefined,
      args: ["/bin/echo", "small"],
    },
    linux: { namespaces: [{ type: "mount" }], resources: undefined },
  };
  const { code, stdout, stderr } = await run(patch);
  assert.equal({ code, stdout }, { code: 0, stdout: "small\n" }, stderr);
});

test("null stands for absent where generators write it", async () => {
  const patch: Patch = {
    hooks: { prestart: null, poststop: null },
    annotations: null,
    process: { rlimits: null, apparmorProfile: "" },
    linux: { maskedPaths: null, devices: null, sysctl: null, seccomp: null },
  };
  const { code, stderr } = await run(patch);
  if (!foreignRuntime) assert.ok(code === 0 || /found null/.test(stderr), stderr);
});

test("a hundred thousand lines go through standard error while others go through output", async () => {
  const text = "i=0; while [ $i -lt 20000 ]; do echo $i; echo $i >&2; i=$((i+1)); done";
  const { code, stdout, stderr } = await run(withScript(text));
  assert.is(code, 0);
  assert.is(stdout.split("\n").length, 20_001);
  assert.is(stderr, stdout);
});

runTests();
