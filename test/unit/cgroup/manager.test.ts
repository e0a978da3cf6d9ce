// On ordinary directories: what of a cgroup does not need the kernel's cgroup filesystem.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  cgroupPids,
  makeCgroup,
  missingDirectories,
  removeCgroup,
} from "../../../runtime/cgroup/manager.ts";
import { nameTests, shows } from "../../support/shows.ts";

const test = suite<{ top: string }>("manager");
nameTests(test);
test.before.each((context) => {
  context.top = mkdtempSync(join(tmpdir(), "cgroup-"));
});
test.after.each(({ top }) => rmSync(top, { recursive: true }));

test("missing directories are listed from the top", ({ top }) => {
  mkdirSync(`${top}/a`);
  assert.equal(missingDirectories(`${top}/a/b/c`), [`${top}/a/b`, `${top}/a/b/c`]);
  assert.equal(missingDirectories(`${top}/a`), []);
});

test("a cgroup is made with the levels above it", ({ top }) => {
  makeCgroup(`${top}/a/b`);
  assert.ok(existsSync(`${top}/a/b`));
});

test("a cgroup with processes in it or below it is refused", ({ top }) => {
  mkdirSync(`${top}/a/b`, { recursive: true });
  writeFileSync(`${top}/a/cgroup.procs`, "");
  writeFileSync(`${top}/a/b/cgroup.procs`, "12\n13\n");
  assert.throws(
    () => makeCgroup(`${top}/a`),
    /container's cgroup is not empty: 2 process\(es\) found/,
  );
  shows("linux.cgroup.fit");
});

test("a frozen cgroup is refused, a thawed one is taken", ({ top }) => {
  writeFileSync(`${top}/freezer.state`, "FROZEN\n");
  assert.throws(() => makeCgroup(top), /container's cgroup unexpectedly frozen/);
  writeFileSync(`${top}/freezer.state`, "THAWED\n");
  makeCgroup(top);
  rmSync(`${top}/freezer.state`);
  writeFileSync(`${top}/cgroup.freeze`, "1\n");
  assert.throws(() => makeCgroup(top), /container's cgroup unexpectedly frozen/);
  shows("linux.cgroup.fit");
});

test("processes without a number in this pid namespace are left out", ({ top }) => {
  writeFileSync(`${top}/cgroup.procs`, "0\n5\n");
  assert.equal(cgroupPids(top), [5]);
  assert.equal(cgroupPids(`${top}/gone`), []);
});

test("a cgroup is removed with what is below it, and one that is gone is fine", ({ top }) => {
  mkdirSync(`${top}/a/b/c`, { recursive: true });
  removeCgroup(`${top}/a`);
  assert.not.ok(existsSync(`${top}/a`));
  removeCgroup(`${top}/a`);
});

test("a cgroup that stays busy is given up with the names of its processes", ({ top }) => {
  const others = Array.from({ length: 5 }, (_, index) => `${2 ** 22 + index}\n`);
  writeFileSync(`${top}/cgroup.procs`, `${process.pid}\n${others.join("")}`);
  const named = readFileSync("/proc/self/comm", "utf8").trim();
  assert.throws(
    () => removeCgroup(top),
    `6 process(es) are in it: ${process.pid} (${named}), 4194304, 4194305, 4194306, 4194307 and 1 more`,
  );
});

test.run();
