// On ordinary directories, whose files keep what is written to them.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { enableControllers } from "../../../runtime/cgroup/enable.ts";
import { shows } from "../../support/shows.ts";

const room = mkdtempSync(join(tmpdir(), "runt-enable-"));
test.after(() => rmSync(room, { recursive: true }));

function level(path: string, controllers: string, enabled: string): string {
  const directory = join(room, path);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "cgroup.controllers"), controllers);
  writeFileSync(join(directory, "cgroup.subtree_control"), enabled);
  return join(directory, "cgroup.subtree_control");
}

test("each level above a cgroup passes on what it has and does not pass on yet", () => {
  const top = level("", "cpu memory pids\n", "memory\n");
  const middle = level("a", "cpu memory\n", "\n");
  const full = level("a/b", "cpu memory\n", "memory cpu\n");
  const own = level("a/b/own", "cpu memory\n", "\n");
  enableControllers(room, join(room, "a/b/own"));
  assert.equal(
    [top, middle, full, own].map((file) => readFileSync(file, "utf8")),
    // Written over what the file had before, which the kernel would not do.
    ["+cpu +pids", "+cpu +memory", "memory cpu\n", "\n"],
  );
  shows("linux.resources.unified.controllers");
});

test.run();
