// What the design relies on in the engine: forking from it is safe under the launcher's variables,
// errno is right, and it changes no more of a process than we undo. Run at every upgrade of Bun or
// koffi.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { statusFields } from "../support/process.ts";
import { freshDirectory } from "../support/room.ts";
import { runTests, test } from "../support/suite.ts";

const project = join(import.meta.dir, "../..");
const program = build();

/** The program, compiled with the product's flags and started by the product's launcher. */
function build(): string {
  const directory = freshDirectory();
  const libexec = join(directory, "libexec");
  mkdirSync(libexec);
  const makefile = readFileSync(join(project, "Makefile"), "utf8").replaceAll("\\\n", " ");
  const flags = /^COMPILE := (.*)$/m.exec(makefile)?.[1]?.trim().split(/\s+/) ?? [];
  assert.ok(flags.includes("--compile"), "the Makefile has the flags");
  const source = join(project, "test/support/fork-safety-program.ts");
  const outfile = join(libexec, "runt");
  const built = Bun.spawnSync([process.execPath, "build", ...flags, source, "--outfile", outfile]);
  if (built.exitCode !== 0) throw new Error(`${built.stderr}`);
  const libc = existsSync("/lib/ld-musl-x86_64.so.1") ? "musl" : "linux";
  const koffi = `node_modules/@koromix/koffi-linux-x64/${libc}_x64/koffi.node`;
  copyFileSync(join(project, koffi), join(libexec, "koffi.node"));
  const launcher = readFileSync(join(project, "runtime/launcher.sh"), "utf8");
  const path = join(directory, "program");
  writeFileSync(path, launcher.replace("@LIBEXEC@", libexec).replace("@PROGRAM@", ""));
  chmodSync(path, 0o755);
  return path;
}

function output(...words: string[]): string {
  const { exitCode, signalCode, stdout, stderr } = Bun.spawnSync([program, ...words], {
    env: { PATH: "/usr/bin:/bin" },
    timeout: 60_000,
  });
  assert.is(exitCode, 0, `${words} ${signalCode} ${stderr}`);
  return stdout.toString();
}

function result(...words: string[]) {
  return JSON.parse(output(...words));
}

test("the engine has one thread under the launcher, also after work and collections", () => {
  const { before, after } = result("threads");
  assert.is(before.length, 1, before.join());
  assert.is(after.length, 1, after.join());
});

test("six hundred forked children run JS, collect, call and unshare, and end right", () => {
  assert.equal(result("children", "600"), { codes: { 42: 600 }, threads: 1 });
});

test("errno is right in 300,000 calls, with /proc and without", () => {
  const empty = freshDirectory();
  assert.equal(result("errno", `${empty},300000`), { withProc: 0, withoutProc: 0 });
});

test("a forked child has little memory of its own", () => {
  const { afterCalls, afterCollection } = result("memory");
  assert.ok(afterCalls > 0 && afterCalls < 2_000, `${afterCalls} kB after calls`);
  assert.ok(afterCollection < 6_000, `${afterCollection} kB after a collection`);
});

test("no memory of the process can be both written and executed", () => {
  assert.equal(result("maps"), { executable: [] });
});

test("the engine changes no more of a process than we undo", () => {
  const [json = "", ...rest] = output("inherited").split("\n");
  const { descriptors, environment } = JSON.parse(json);
  const kinds = Object.entries(descriptors)
    .filter(([fd]) => Number(fd) > 2)
    .map(([, target]) => String(target).replace(/^\/proc\/\d+/, "/proc/self"));
  for (const kind of kinds) {
    assert.match(kind, /^(anon_inode:\[(eventpoll|eventfd)\]|\/proc\/self\/fd)$/);
  }
  const known = /^(BUN_|MIMALLOC_\w+$|RUNT_OPEN_FILES$|PATH$|PWD$|OLDPWD$|SHLVL$|_$)/;
  assert.equal(
    environment.filter((name: string) => !known.test(name)),
    [],
  );
  const fields = statusFields(rest.join("\n"));
  const SIGPIPE = 13n;
  const SIGXFSZ = 25n;
  const undone = (1n << (SIGPIPE - 1n)) | (1n << (SIGXFSZ - 1n));
  // Make starts its programs with libc's own two signals ignored.
  const inherited = BigInt(
    `0x${statusFields(readFileSync("/proc/self/status", "utf8"))["SigIgn"]}`,
  );
  assert.is(BigInt(`0x${fields["SigIgn"]}`) & ~undone & ~inherited, 0n, fields["SigIgn"] ?? "");
  assert.is(fields["SigBlk"], "0000000000000000");
  assert.is(fields["NoNewPrivs"], "0");
  const own = readFileSync("/proc/self/limits", "utf8").split("\n");
  const other = rest.filter((line) => line.startsWith("Max ") && !own.includes(line));
  for (const line of other) assert.match(line, /^Max open files/);
});

runTests();
