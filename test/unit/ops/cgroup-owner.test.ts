import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ownCgroup } from "../../../runtime/ops/cgroup-owner.ts";
import { opContext } from "../../support/op-context.ts";
import { shows } from "../../support/shows.ts";

const room = mkdtempSync(join(tmpdir(), "runt-owner-"));
test.after(() => rmSync(room, { recursive: true }));

const uid = 4321;
const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.log("SKIP giving files away: only root can");

(isRoot ? test : test.skip)("the directory and the files of the kernel's list change owner", () => {
  const directory = join(room, "cgroup");
  const outside = join(room, "outside");
  mkdirSync(join(directory, "below"), { recursive: true });
  for (const name of ["cgroup.procs", "cgroup.subtree_control", "memory.max"]) {
    writeFileSync(join(directory, name), "");
  }
  writeFileSync(outside, "");
  // Not there in any real cgroup: links are not followed, and what is missing is passed over.
  symlinkSync(outside, join(directory, "cgroup.threads"));
  ownCgroup({ directory, uid }).run(opContext({}));
  const owners = Object.fromEntries(
    [".", "cgroup.procs", "cgroup.subtree_control", "memory.max", "below", "../outside"].map(
      (name) => [name, statSync(join(directory, name)).uid],
    ),
  );
  assert.equal(owners, {
    ".": uid,
    "cgroup.procs": uid,
    "cgroup.subtree_control": uid,
    "memory.max": 0,
    below: 0,
    "../outside": 0,
  });
  assert.is(statSync(directory).gid, process.getegid?.());
  shows("linux.cgroup-owner.files");
});

test.run();
