// Namespaces: each type new, joined by its path, or the caller's own.

import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, defaultNamespaces, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { removeEmptyCgroups } from "../support/leaks.ts";
import { freshDirectory, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

/** Types of config.json with the kernel's names in /proc/PID/ns. */
const names = {
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  mount: "mnt",
  cgroup: "cgroup",
} as const;

type Type = keyof typeof names;
const types: Type[] = ["pid", "network", "ipc", "uts", "mount", "cgroup"];

const show = types.map((type) => `readlink /proc/self/ns/${names[type]}`).join("; ");

function own(type: Type): string {
  return readlinkSync(`/proc/self/ns/${names[type]}`);
}

/** What is mounted on the host for containers of this room. */
function hostMounts(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "").filter((at) => at.startsWith(room.root));
}

/** The kernel's identity of each namespace inside of a container. */
async function seen(namespaces: Json[], patch: Patch = {}): Promise<Record<string, string>> {
  const hostname = namespaces.some((one) => JSON.stringify(one).includes("uts"))
    ? {}
    : { hostname: undefined };
  const stdout = await inside(show, { ...hostname, ...patch, linux: { namespaces } });
  const lines = stdout.trimEnd().split("\n");
  return Object.fromEntries(types.map((type, index) => [type, lines[index] ?? ""]));
}

test("a listed namespace is new, one that is not listed is the caller's", async () => {
  for (const type of types) {
    const listed = type === "mount" ? [{ type }] : [{ type: "mount" }, { type }];
    const found = await seen(listed);
    for (const other of types) {
      const isNew = other === type || other === "mount";
      assert.is(found[other] !== own(other), isNew, `${type}: ${other}`);
    }
  }
  shows("linux.namespaces.new", "linux.namespaces.inherited");
});

test("all types at once are new, in any order of the list", async () => {
  const all = types.map((type): Json => ({ type }));
  for (const list of [all, [...all].reverse()]) {
    const found = await seen(list);
    for (const type of types) assert.is.not(found[type], own(type), type);
  }
});

test("each namespace of another container is joined by its path", async () => {
  const sleeper = { process: { args: ["/bin/sleep", "100"] }, linux: { namespaces: all() } };
  await withContainer(sleeper, async ({ state, does }) => {
    await does("start");
    const { pid } = await state();
    const path = (type: Type): string => `/proc/${pid}/ns/${names[type]}`;
    for (const type of types.filter((one) => one !== "mount")) {
      const listed: Json[] = [{ type: "mount" }, { type, path: path(type) }];
      const found = await seen(listed, { hostname: undefined });
      assert.is(found[type], readlinkSync(path(type)), type);
    }
    const joined = types
      .filter((type) => type !== "mount")
      .map((type): Json => ({ type, path: path(type) }));
    for (const list of [
      [...joined, { type: "mount" }],
      [{ type: "mount" }, ...joined.reverse()],
    ]) {
      const found = await seen(list, { hostname: undefined });
      for (const type of types.filter((one) => one !== "mount")) {
        assert.is(found[type], readlinkSync(path(type)), type);
      }
    }
  });
  shows("linux.namespaces.path");
});

function all(): Json[] {
  return types.map((type): Json => ({ type }));
}

test("a container in another one's pid namespace is seen from there", async () => {
  const sleeper = { process: { args: ["/bin/sleep", "100"] } };
  await withContainer(sleeper, async ({ state, does }) => {
    await does("start");
    const path = `/proc/${(await state()).pid}/ns/pid`;
    const namespaces = defaultNamespaces.map((one) =>
      JSON.stringify(one).includes('"pid"') ? { type: "pid", path } : one,
    );
    const stdout = await inside("echo $$; ls -d /proc/1", { linux: { namespaces } });
    assert.match(stdout, /^([2-9]|\d\d+)\n\/proc\/1\n$/);
  });
});

test("state and kill work on a container that joined a pid namespace", async () => {
  const sleeper = { process: { args: ["/bin/sleep", "100"] } };
  await withContainer(sleeper, async (first) => {
    await first.does("start");
    const path = `/proc/${(await first.state()).pid}/ns/pid`;
    const namespaces: Json[] = [{ type: "pid", path }, { type: "mount" }];
    const patch = { ...sleeper, hostname: undefined, linux: { namespaces } };
    await withContainer(patch, async (second) => {
      await second.does("start");
      const { pid, status } = await second.state();
      assert.is(status, "running");
      assert.is.not(pid, (await first.state()).pid);
      await second.does("kill", "KILL");
      await second.becomes("stopped");
    });
    assert.is((await first.state()).status, "running");
  });
});

test("a new network namespace has its loopback up", async () => {
  assert.match(await inside("ifconfig lo"), /inet addr:127\.0\.0\.1[\s\S]*UP LOOPBACK RUNNING/);
});

test("hostname and domainname are set in a new uts namespace and not on the host", async () => {
  const text = "hostname; cat /proc/sys/kernel/domainname";
  const patch = { hostname: "name-of-mine", domainname: "domain.of.mine" };
  if (!foreignRuntime) assert.is(await inside(text, patch), "name-of-mine\ndomain.of.mine\n");
  assert.is.not(Bun.spawnSync(["hostname"]).stdout.toString(), "name-of-mine\n");
});

test("hostname without a uts namespace is an error, also domainname", async () => {
  const namespaces: Json[] = [{ type: "mount" }, { type: "pid" }];
  for (const patch of [{ hostname: "x" }, { hostname: undefined, domainname: "x" }]) {
    if (foreignRuntime && "domainname" in patch) continue;
    const { code, stderr } = await run({ ...patch, linux: { namespaces } });
    assert.is(code, 1);
    assert.match(stderr, /uts/i);
  }
});

test("a path that is no namespace, of another type, or missing is an error that names it", async () => {
  const file = join(freshDirectory(), "file");
  writeFileSync(file, "");
  for (const path of [file, "/proc/self/ns/mnt", "/no/such/namespace"]) {
    const namespaces = [{ type: "mount" }, { type: "uts" }, { type: "network", path }];
    const { code, stderr } = await run({ linux: { namespaces } });
    assert.is(code, 1, path);
    assert.ok(stderr.includes(path), stderr);
  }
  shows("linux.namespaces.path.type");
});

test("a namespace path that is a fifo is an error and does not hang", async () => {
  const path = join(freshDirectory(), "fifo");
  Bun.spawnSync(["mkfifo", path]);
  const namespaces = [{ type: "mount" }, { type: "uts" }, { type: "network", path }];
  const { code } = await run({ linux: { namespaces } }, { limitMs: 5000 });
  assert.is(code, 1);
});

test("a type listed twice, or unknown, is an error", async () => {
  for (const extra of [{ type: "uts" }, { type: "sideways" }]) {
    const { code, stderr } = await run({ linux: { namespaces: [...defaultNamespaces, extra] } });
    assert.is(code, 1);
    assert.ok(stderr.includes(extra.type), stderr);
  }
  shows("linux.namespaces.duplicate");
});

test("without a mount namespace the mounts are the caller's, out of the way, and go again", async () => {
  const rootfs = newRootfs();
  const patch = {
    hostname: undefined,
    root: { path: rootfs, readonly: true },
    mounts: [...defaultMounts, { destination: "/data", type: "tmpfs", source: "tmpfs" }],
    linux: {
      namespaces: [{ type: "pid" }],
      maskedPaths: ["/proc/meminfo"],
      readonlyPaths: ["/proc/sys"],
      rootfsPropagation: "private",
    },
  };
  const text =
    "readlink /proc/self/ns/mnt; touch /x 2>&1; touch /data/x && wc -c < /proc/meminfo; sleep 100";
  await withContainer(withScript(text, patch), async ({ create, does, becomes }) => {
    await does("start");
    const end = "touch: /x: Read-only file system\n0\n";
    const expected = `${readlinkSync("/proc/self/ns/mnt")}\n${end}`;
    await waitUntil("the program's words", () => create.stdout() === expected);
    assert.ok(hostMounts().length > 5);
    await does("kill", "KILL");
    await becomes("stopped");
    await does("delete");
  });
  assert.equal(hostMounts(), []);
  assert.ok(existsSync(join(rootfs, "bin/sh")), "the image is untouched");
  shows("linux.namespaces.inherited");
});

test("what is mounted for a container whose record is damaged is not deleted", async () => {
  const rootfs = newRootfs();
  const patch = { hostname: undefined, root: { path: rootfs }, linux: { namespaces: [] } };
  await withContainer(patch, async ({ id, does, becomes }) => {
    await does("kill", "KILL");
    await becomes("stopped");
    writeFileSync(join(room.root, id, "record.json"), "{");
    const { code } = await runt(["delete", "--force", id]);
    assert.is.not(code, 0);
    assert.ok(existsSync(join(rootfs, "bin/sh")));
    Bun.spawnSync(["umount", "--lazy", join(room.root, id, "root")]);
  });
  removeEmptyCgroups(room.prefix);
});

test("a failed create without a mount namespace leaves no mount", async () => {
  const process = { args: ["/no/such/program"] };
  const { code } = await run({ hostname: undefined, process, linux: { namespaces: [] } });
  assert.is(code, 1);
  assert.equal(hostMounts(), []);
});

test("mounts without a mount namespace, but with a user namespace, are an error", async () => {
  const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const linux = { namespaces: [{ type: "user" }], uidMappings: mapping, gidMappings: mapping };
  const { code, stderr } = await run({ hostname: undefined, linux });
  assert.is(code, 1);
  assert.match(stderr, "/linux/namespaces");
  assert.match(stderr, "without a mount namespace");
});

test("in a shared pid namespace, kill --all and delete reach every process", async () => {
  const namespaces: Json[] = [{ type: "mount" }];
  const text = "sleep 100 & sleep 100 & wait";
  const patch = withScript(text, { hostname: undefined, linux: { namespaces } });
  await withContainer(patch, async ({ does, becomes }) => {
    await does("start");
    await does("kill", "--all", "KILL");
    await becomes("stopped");
    await does("delete");
  });
});

test("a cgroup namespace hides where the container's cgroup is", async () => {
  const namespaces = [...defaultNamespaces, { type: "cgroup" }];
  const text = await inside("cat /proc/self/cgroup", { linux: { namespaces } });
  assert.match(text, /:(cpu|memory|pids)[^:]*:\/\n/);
  assert.not.match(text, /runt-test|t\d+/);
});

runTests();
