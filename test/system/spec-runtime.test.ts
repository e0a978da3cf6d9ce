// What runtime.md demands of the operations as a whole, where no test of a single field shows it.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { validateState } from "../../runtime/config/validate.gen.ts";
import { bundle, defaultMounts, defaultNamespaces, type Patch } from "../support/bundle.ts";
import { stateOf, withContainer } from "../support/container.ts";
import { leaks } from "../support/leaks.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { runTests, test } from "../support/suite.ts";

const sleeping: Patch = { process: { args: ["/bin/sleep", "100"] } };
const hierarchy = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find(existsSync) ?? "";

test("an operation without the id of a container is an error", async () => {
  for (const command of ["create", "start", "state", "kill", "delete"]) {
    const { code, stderr } = await runt([command]);
    assert.is.not(code, 0, command);
    assert.ok(stderr.length > 0, command);
  }
  shows("runtime.query-state.no-id", "runtime.create.arguments", "runtime.start.no-id");
  shows("runtime.kill.no-id", "runtime.delete.no-id");
});

test("the state fits its schema at every moment of a life", async () => {
  await withContainer({ ...sleeping, annotations: { a: "b" } }, async ({ id, does, becomes }) => {
    const seen = async (): Promise<string> => {
      const { stdout } = await runt(["state", id]);
      assert.equal(validateState(JSON.parse(stdout)) ? [] : validateState.errors, []);
      return JSON.parse(stdout).status;
    };
    const statuses = [await seen()];
    await does("start");
    statuses.push(await seen());
    await does("kill", "KILL");
    await becomes("stopped");
    statuses.push(await seen());
    assert.equal(statuses, ["created", "running", "stopped"]);
  });
  shows("runtime.state.schema", "runtime.state.status-values", "runtime.operations");
});

test("the resources of a container are there after create and gone after delete", async () => {
  const cgroup = `/${room.prefix}/${freshName()}`;
  const mounts = [...defaultMounts, { destination: "/data", type: "tmpfs", source: "tmpfs" }];
  const patch = { ...sleeping, mounts, linux: { cgroupsPath: cgroup } };
  let name = "";
  await withContainer(patch, async ({ id, state, does, becomes }) => {
    name = id;
    const { pid, status } = await state();
    assert.is(status, "created");
    assert.ok(existsSync(join(hierarchy, cgroup)));
    const seen = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
    for (const mount of [/ \/data .* tmpfs /, / \/proc .* proc /, / \/sys .* sysfs /]) {
      assert.match(seen, mount);
    }
    for (const mount of [/ \/dev\/pts .* devpts /, / \/dev\/shm .* tmpfs /]) {
      assert.match(seen, mount);
    }
    for (const type of ["mnt", "pid", "net", "ipc", "uts"]) {
      const own = readlinkSync(`/proc/self/ns/${type}`);
      assert.is.not(readlinkSync(`/proc/${pid}/ns/${type}`), own);
    }
    await does("kill", "KILL");
    await becomes("stopped");
    await does("delete");
    assert.not(existsSync(join(hierarchy, cgroup)));
  });
  assert.is(await stateOf(name), undefined);
  assert.not(readdirSync(room.root).includes(name));
  shows("runtime.lifecycle.resources-at-create", "runtime.lifecycle.destroyed");
  shows("runtime.lifecycle.create", "linux.filesystems");
  shows("runtime.delete.resources", "runtime.create.container", "linux.namespaces.new");
});

test("delete leaves what the container was only given", async () => {
  const cgroup = `/${room.prefix}-given`;
  const kept = join(hierarchy, cgroup, "kept");
  const volume = freshDirectory();
  const rootfs = newRootfs();
  const mount = { destination: "/data", source: volume, options: ["rbind"] };
  const patch = {
    ...sleeping,
    root: { path: rootfs },
    mounts: [...defaultMounts, mount],
    linux: { cgroupsPath: cgroup },
  };
  mkdirSync(kept, { recursive: true });
  try {
    await withContainer(patch, async ({ bundle: directory, does, becomes }) => {
      await does("kill", "KILL");
      await becomes("stopped");
      await does("delete");
      for (const path of [volume, rootfs, directory]) assert.ok(existsSync(path), path);
      assert.ok(existsSync(kept), kept);
    });
  } finally {
    if (existsSync(kept)) rmdirSync(kept);
    rmdirSync(join(hierarchy, cgroup));
  }
  shows("runtime.delete.foreign-resources");
});

test("neither files nor cgroups get another owner", async () => {
  const cgroup = `/${room.prefix}-owner`;
  const rootfs = newRootfs();
  const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const view = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" };
  const patch = {
    root: { path: rootfs },
    process: { args: ["/bin/sleep", "100"], user: { uid: 1000, gid: 1000 } },
    mounts: [...defaultMounts, view],
    linux: { cgroupsPath: cgroup },
  };
  for (const more of [["cgroup"], ["cgroup", "user"], []]) {
    const namespaces = [...defaultNamespaces, ...more.map((type) => ({ type }))];
    const mapped = more.includes("user") ? { uidMappings: mapping, gidMappings: mapping } : {};
    const linux = { cgroupsPath: cgroup, namespaces, ...mapped };
    chmodSync(rootfs, 0o755);
    await withContainer({ ...patch, linux }, async ({ does }) => {
      await does("start");
      const directory = join(hierarchy, cgroup);
      for (const path of [directory, join(directory, "cgroup.procs"), join(rootfs, "bin/sh")]) {
        assert.equal([statSync(path).uid, statSync(path).gid], [0, 0], path);
      }
    });
  }
  shows("linux.mappings.ownership", "linux.cgroup-owner.v1", "linux.cgroup-owner.namespace");
  shows("linux.cgroup-owner.otherwise");
});

test("a create that fails late leaves everything as it was", async () => {
  const mounts = [...defaultMounts, { destination: "/proc/nowhere/x", type: "tmpfs" }];
  for (const patch of [{ mounts }, { process: { args: ["/no/such/program"] } }]) {
    const id = freshName();
    const { code } = await runt(["create", "--bundle", bundle(patch), id]);
    assert.is.not(code, 0);
    assert.is(await stateOf(id), undefined);
  }
  assert.equal(await leaks(), []);
  shows("runtime.errors.no-trace", "runtime.create.cannot-apply", "runtime.lifecycle.create-error");
});

runTests();
