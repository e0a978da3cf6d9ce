// User and time namespaces: new ones, joined ones, and every other namespace beside them.

import { readlinkSync } from "node:fs";
import * as assert from "uvu/assert";
import {
  bundle,
  defaultMounts,
  defaultNamespaces,
  type Json,
  type Patch,
} from "../support/bundle.ts";
import { inside, run, withContainer, withScript } from "../support/container.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runtime } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const RANGE = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const USER: Json = { type: "user" };
const sleeper = { process: { args: ["/bin/sleep", "100"] } };

/** A container in a user namespace of its own, with further namespaces and fields of linux. */
function mapped(linux: { [key: string]: Json } = {}, more: Json[] = []): Patch {
  return {
    linux: {
      uidMappings: RANGE,
      gidMappings: RANGE,
      namespaces: [...defaultNamespaces, USER, ...more],
      ...linux,
    },
  };
}

/** The root of a user namespace may make a procfs or a sysfs only with the namespaces it shows. */
const hostsKernelTrees = defaultMounts.map((mount): Json => {
  const tree = /"destination":"(\/proc|\/sys)"/.exec(JSON.stringify(mount))?.[1];
  if (tree === undefined) return mount;
  return { destination: tree, source: tree, type: "bind", options: ["rbind"] };
});

function withoutUts(patch: Patch): Patch {
  return { hostname: undefined, ...patch };
}

test("in a new user namespace the ids are the mapped ones, and root has its capabilities there", async () => {
  const text = "cat /proc/self/uid_map /proc/self/gid_map; id -u; grep CapEff /proc/self/status";
  const lines = (await inside(text, mapped())).split("\n").map((line) => line.trim());
  assert.equal(lines[0]?.split(/\s+/), ["0", "100000", "65536"]);
  assert.equal(lines[1]?.split(/\s+/), ["0", "100000", "65536"]);
  assert.is(lines[2], "0");
  assert.is(Number.parseInt(lines[3]?.split(/\s+/)[1] ?? "", 16), 0x20000420);
});

test("the host sees the container's program under the id that it is mapped to", async () => {
  const user = { uid: 33, gid: 44, additionalGids: [55] };
  const patch = { ...mapped(), process: { ...sleeper.process, user } };
  await withContainer(patch, async ({ does, state }) => {
    await does("start");
    const { pid } = await state();
    const status = await Bun.file(`/proc/${pid}/status`).text();
    assert.match(status, /^Uid:\s100033\s100033\s100033\s100033$/m);
    assert.match(status, /^Gid:\s100044\s100044\s100044\s100044$/m);
    assert.match(status, /^Groups:\s100055 $/m);
  });
});

test("several ranges are mapped, and root need not be one of them", async () => {
  const ranges = [
    { containerID: 5, hostID: 200_000, size: 1 },
    { containerID: 1000, hostID: 300_000, size: 10 },
  ];
  const linux = { uidMappings: ranges, gidMappings: ranges };
  const process = { user: { uid: 1001, gid: 5 } };
  const text = "id -u; id -g; wc -l < /proc/self/uid_map";
  assert.is(await inside(text, { ...mapped(linux), process }), "1001\n5\n2\n");
});

test("three hundred and forty ranges are mapped where their text fits", async () => {
  const ranges = Array.from({ length: 340 }, (_, index) => ({
    containerID: index * 2,
    hostID: index * 2,
    size: 1,
  }));
  const patch = mapped({ uidMappings: ranges, gidMappings: RANGE });
  assert.is(await inside("wc -l < /proc/self/uid_map", patch), "340\n");
  const long = ranges.map((one) => ({ ...one, hostID: 2_000_000_000 + one.hostID }));
  const { code, stderr } = await run(mapped({ uidMappings: long, gidMappings: RANGE }));
  assert.is(code, 1);
  assert.match(stderr, /\/linux\/uidMappings: found 340 mappings, \d+ bytes .*340.*4095/);
});

test("a new user namespace goes with each other namespace alone, new or the caller's", async () => {
  for (const type of ["pid", "network", "ipc", "uts", "cgroup", "time"]) {
    const namespaces = [{ type: "mount" }, USER, { type }];
    const name = { network: "net", pid: "pid" }[type] ?? type;
    const patch = { ...withoutUts(mapped({ namespaces })), mounts: hostsKernelTrees };
    const found = await inside(`readlink /proc/self/ns/${name}`, patch);
    assert.is.not(found.trim(), readlinkSync(`/proc/self/ns/${name}`), type);
  }
});

test("namespaces of another container are joined beside a new user namespace", async () => {
  await withContainer(sleeper, async ({ does, state }) => {
    await does("start");
    const { pid } = await state();
    for (const [type, name] of [
      ["network", "net"],
      ["ipc", "ipc"],
      ["uts", "uts"],
    ] as const) {
      const path = `/proc/${pid}/ns/${name}`;
      const namespaces = [{ type: "mount" }, { type: "pid" }, { type, path }, USER];
      const patch = { ...withoutUts(mapped({ namespaces })), mounts: hostsKernelTrees };
      const found = await inside(`readlink /proc/self/ns/${name}`, patch);
      assert.is(found, `${readlinkSync(path)}\n`, type);
    }
  });
});

test("another container's user namespace is joined, with all that it owns or with new ones", async () => {
  const names = { pid: "pid", network: "net", ipc: "ipc", uts: "uts", user: "user", time: "time" };
  await withContainer(
    { ...sleeper, ...mapped({}, [{ type: "time" }]) },
    async ({ does, state }) => {
      await does("start");
      const { pid } = await state();
      const joined = Object.entries(names).map(([type, name]) => ({
        type,
        path: `/proc/${pid}/ns/${name}`,
      }));
      const text = Object.values(names)
        .map((name) => `readlink /proc/self/ns/${name}`)
        .join("; ");
      const all = await inside(
        text,
        withoutUts({ linux: { namespaces: [{ type: "mount" }, ...joined] } }),
      );
      assert.equal(
        all.trim().split("\n"),
        Object.values(names).map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)),
      );

      const user = joined.filter(({ type }) => type === "user");
      const fresh = await inside(text, {
        linux: {
          namespaces: [...defaultNamespaces, ...user, { type: "time" }],
          timeOffsets: { monotonic: { secs: 5 } },
        },
      });
      for (const [index, line] of fresh.trim().split("\n").entries()) {
        const name = Object.values(names)[index] ?? "";
        assert.is(line === readlinkSync(`/proc/${pid}/ns/${name}`), name === "user", name);
      }
    },
  );
});

test("mappings beside a joined user namespace have to be its own", async () => {
  await withContainer({ ...sleeper, ...mapped() }, async ({ does, state }) => {
    await does("start");
    const path = `/proc/${(await state()).pid}/ns/user`;
    const namespaces = [...defaultNamespaces, { type: "user", path }];
    assert.is(await inside("id -u", mapped({ namespaces })), "0\n");
    const other = [{ containerID: 0, hostID: 5, size: 1 }];
    const { code, stderr } = await run(mapped({ namespaces, uidMappings: other }));
    assert.is(code, 1);
    assert.match(stderr, /joined user namespace has the uid_map .*0 100000 65536.* not .*0 5 1/);
  });
});

test("a program's user, group or additional group that is not mapped is an error", async () => {
  const small = { uidMappings: [{ containerID: 0, hostID: 7, size: 1 }] };
  const process = { user: { uid: 9, gid: 70_000, additionalGids: [80_000] } };
  const { code, stderr } = await run({ ...mapped(small), process });
  assert.is(code, 1);
  for (const field of ["uid", "gid", "additionalGids/0"]) {
    assert.ok(stderr.includes(`/process/user/${field}`), stderr);
  }
});

test("clocks have their offsets, with and without a user namespace", async () => {
  const timeOffsets = { boottime: { secs: 1_000_000 }, monotonic: { secs: 5, nanosecs: 7 } };
  const uptime = Number((await Bun.file("/proc/uptime").text()).split(".")[0]);
  const text = "cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets";
  const time: Json = { type: "time" };
  for (const patch of [
    mapped({ timeOffsets }, [time]),
    { linux: { timeOffsets, namespaces: [...defaultNamespaces, time] } },
  ]) {
    const [seconds, ...offsets] = (await inside(text, patch)).trim().split("\n");
    assert.ok(Math.abs(Number(seconds) - uptime - 1_000_000) < 100, seconds);
    assert.equal(
      offsets.map((line) => line.split(/\s+/).join(" ")),
      ["monotonic 5 7", "boottime 1000000 0"],
    );
  }
});

test("what a user namespace cannot do is said, with what would help", async () => {
  const own: Json = { type: "user", path: "/proc/self/ns/user" };
  const place: Json = { destination: "/new/place", type: "tmpfs", source: "tmpfs" };
  const cases: [Patch, RegExp][] = [
    [
      mapped({ namespaces: [USER, { type: "pid" }] }),
      /namespaces: .*without a mount namespace.*hint/,
    ],
    [
      { linux: { namespaces: [...defaultNamespaces, own] } },
      /setns.*EINVAL.*hint: it is the caller's own/,
    ],
    [
      { ...mapped(), root: { path: newRootfs() }, mounts: [place] },
      /\/mounts\/0.*\/new cannot be made: .*EACCES.*hint: .*mapped/,
    ],
  ];
  for (const [patch, pattern] of cases) {
    const { code, stderr } = await run(withoutUts(patch));
    assert.is(code, 1);
    assert.match(stderr, pattern);
  }
});

test("an offset that the kernel refuses is named, with what was asked", async () => {
  const timeOffsets = { boottime: { secs: -1_000_000_000 } };
  const { code, stderr } = await run({
    linux: { timeOffsets, namespaces: [...defaultNamespaces, { type: "time" }] },
  });
  assert.is(code, 1);
  assert.match(
    stderr,
    /time\.set-offsets \(\/linux\/timeOffsets\).*boottime -1000000000 0.*ERANGE/,
  );
});

test("the root of a user namespace makes a container in a further one", async () => {
  const ranges = [{ containerID: 0, hostID: 0, size: 1 }];
  const mounts = defaultMounts.map((mount) =>
    JSON.parse(JSON.stringify(mount).replace(',"gid=5"', "")),
  );
  const patch = withScript("id -u; cat /proc/self/uid_map; mount | grep -c proc", {
    ...mapped({ uidMappings: ranges, gidMappings: ranges, resources: {} }),
    mounts,
  });
  const root = freshDirectory();
  const command = [runtime, "--root", root, "run", "--bundle", bundle(patch), "nested"];
  const outer = Bun.spawnSync(["unshare", "--user", "--map-root-user", "--mount", ...command]);
  assert.match(outer.stdout.toString(), /^0\n\s+0\s+0\s+1\n1\n$/, outer.stderr.toString());
});

runTests();
