// What config.md demands of every kind of hooks: whose program it is, in which namespaces it runs,
// and what is there by then. One container has one hook of each kind, all at the same path, where
// the host has one program and the image another.

import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { stateOf, withContainer, withScript } from "../support/container.ts";
import { hookFolder } from "../support/hook.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shows } from "../support/shows.ts";
import { runTests, test } from "../support/suite.ts";

const beforePivot = ["prestart", "createRuntime", "createContainer"];
const runtimes = ["prestart", "createRuntime", "poststart", "poststop"];
const kinds = [...beforePivot, "startContainer", "poststart", "poststop"];
const env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"];
const types = ["mnt", "uts", "ipc"];

test("each kind of hook is the program and has the namespaces that it has to", async () => {
  const folder = hookFolder();
  const rootfs = newRootfs();
  const look = `for n in ${types.join(" ")}; do readlink /proc/self/ns/$n; done`;
  const path = folder.add(
    "hook",
    `state=$(cat); echo "$1" >> $DIR/order
     pid=$(echo "$state" | sed 's/.*"pid": *\\([0-9]*\\).*/\\1/')
     { echo host; ${look}; } > $DIR/$1
     [ $1 = createContainer ] && pid=self
     cat /proc/$pid/mountinfo > $DIR/$1.mounts 2> /dev/null
     echo ended > $DIR/$1.end`,
  );
  mkdirSync(dirname(join(rootfs, path)), { recursive: true });
  const text = `cat > /dev/null; { echo image; ${look}; } > /seen`;
  writeFileSync(join(rootfs, path), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const hooks = Object.fromEntries(
    kinds.map((kind): [string, Json] => [kind, [{ path, args: ["hook", kind], env }]]),
  );
  const mounts = [...defaultMounts, { destination: "/data", type: "tmpfs", source: "tmpfs" }];
  const patch: Patch = { root: { path: rootfs }, mounts, hooks };
  let own: string[] = [];
  await withContainer(withScript("sleep 100", patch), async (container) => {
    const { pid } = await container.state();
    own = types.map((type) => readlinkSync(`/proc/${pid}/ns/${type}`));
    assert.equal(lines(folder.read("order")), beforePivot, "in create, in this order");
    for (const kind of beforePivot) {
      assert.match(folder.read(`${kind}.mounts`) ?? "", ` ${rootfs}/data `, kind);
    }
    assert.not(existsSync(join(rootfs, "seen")), "startContainer is for start");
    await container.does("start");
    assert.is(folder.read("poststart.end"), "ended\n", "start waits for its hooks");
    await container.does("kill", "KILL");
    await container.becomes("stopped");
    assert.is(folder.read("poststop"), undefined);
    await container.does("delete");
    assert.is(folder.read("poststop.end"), "ended\n", "delete waits for its hooks");
    assert.is(await stateOf(container.id), undefined);
  });
  const host = types.map((type) => readlinkSync(`/proc/self/ns/${type}`));
  for (const kind of runtimes) assert.equal(lines(folder.read(kind)), ["host", ...host], kind);
  assert.equal(lines(folder.read("createContainer")), ["host", ...own]);
  const seen = readFileSync(join(rootfs, "seen"), "utf8");
  assert.equal(lines(seen), ["image", ...own]);
  assert.equal(
    lines(folder.read("order")),
    kinds.filter((kind) => kind !== "startContainer"),
  );
  for (const kind of kinds) {
    shows(`config.hooks.${kind}.path.resolves`, `config.hooks.${kind}.namespace`);
    shows(`hooks.${kind}.path`, `hooks.${kind}.namespace`, `hooks.${kind}.when`);
  }
  shows("hooks.prestart.before-createRuntime", "hooks.createContainer.after-createRuntime");
});

function lines(text: string | undefined): string[] {
  return (text ?? "").split("\n").filter(Boolean);
}

runTests();
