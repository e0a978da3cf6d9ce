// What `make install` leaves: programs that run from anywhere, by any name, with no environment.

import { existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { bundle } from "../support/bundle.ts";
import { withScript } from "../support/container.ts";
import { ordinaryUser, rootless } from "../support/ordinary-user.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

const project = resolve(import.meta.dirname, "../..");
/** Where the first create of an installed program mounts the program's folder read-only. */
const protectedFolder = `/run/runt/exe${room.directory}`;

if (foreignRuntime) skip("install", "only our own programs are installed by make");
else {
  test("installed programs run through a link, from any folder, with an empty environment, for all users", async () => {
    const prefix = freshDirectory();
    const as = { ...ordinaryUser(), runtime: join(prefix, "bin/runt") };
    try {
      const strict = 'umask 077; exec make --no-print-directory install PREFIX="$0"';
      succeed(["sh", "-c", strict, prefix], project);
      const link = join(freshDirectory(), "another-name");
      symlinkSync(join(prefix, "bin/runt"), link);
      assert.match(run(link, "--version"), /^runt version \d/);
      const shim = join(prefix, "bin/containerd-shim-runt-v2");
      symlinkSync(shim, `${link}-2`);
      assert.match(run(`${link}-2`, "-v"), /^containerd-shim-runt-v2 \d/);
      const hello = bundle(withScript("echo hello"));
      assert.is(run(link, "--root", room.root, "run", "--bundle", hello, freshName()), "hello\n");
      assert.ok(existsSync(`/run/runt/exe${prefix}/lib/runt/runt`), "it ran unprotected");
      const own = bundle(withScript("echo hello", rootless()));
      const { stdout, stderr } = await runt(["run", "--bundle", own, freshName()], { as });
      assert.is(stdout, "hello\n", stderr);
      make("uninstall", `PREFIX=${prefix}`);
      assert.equal(filesIn(prefix), []);
      assert.not(existsSync(`/run/runt/exe${prefix}/lib/runt/runt`), "the mount is still there");
    } finally {
      Bun.spawnSync(["umount", "--lazy", `/run/runt/exe${prefix}/lib/runt`]);
      rmSync(protectedFolder, { recursive: true, force: true });
    }
  });

  test("DESTDIR is where files are put and not where they are looked for", async () => {
    const stage = freshDirectory();
    make("install", `DESTDIR=${stage}`, "PREFIX=/opt/runt");
    assert.equal(filesIn(stage), [
      "opt/runt/bin/containerd-shim-runt-v2",
      "opt/runt/bin/runt",
      "opt/runt/lib/runt/koffi.node",
      "opt/runt/lib/runt/runt",
    ]);
    for (const name of ["runt", "containerd-shim-runt-v2"]) {
      const launcher = await Bun.file(join(stage, "opt/runt/bin", name)).text();
      assert.match(launcher, /^dir=\/opt\/runt\/lib\/runt$/m);
      assert.not.match(launcher, /@[A-Z]+@/);
    }
  });
}

runTests();

function make(...args: string[]): void {
  succeed(["make", "--no-print-directory", ...args], project);
}

/** What the program prints, run from the root folder with no environment at all. */
function run(...command: string[]): string {
  return succeed(["/usr/bin/env", "-i", ...command], "/");
}

function succeed(command: string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd });
  assert.is(exitCode, 0, `${command.join(" ")}: ${stderr}`);
  return stdout.toString();
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
