// Mounts of a container in a user namespace: what its root may not undo, and what the kernel does not
// let it have.

import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, defaultNamespaces, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withContainer } from "../support/container.ts";
import { mountAt } from "../support/mountinfo.ts";
import { freshDirectory, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runTests, test } from "../support/suite.ts";

const FIRST = 100_000;
const RANGE = [{ containerID: 0, hostID: FIRST, size: 65_536 }];
const held = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"];

interface Shape {
  mounts?: Json[];
  namespaces?: Json[];
  rootfs?: string;
}

function mapped({
  mounts = [],
  namespaces = defaultNamespaces,
  rootfs = ownRootfs(),
}: Shape): Patch {
  return {
    root: { path: rootfs },
    process: { capabilities: { bounding: held, effective: held, permitted: held } },
    mounts: [...defaultMounts, ...mounts],
    linux: {
      namespaces: [...namespaces, { type: "user" }],
      uidMappings: RANGE,
      gidMappings: RANGE,
    },
  };
}

/** A root filesystem in which the root of the user namespace can make targets. */
function ownRootfs(): string {
  const rootfs = newRootfs();
  chownSync(rootfs, FIRST, FIRST);
  return rootfs;
}

function without(type: string): Json[] {
  return defaultNamespaces.filter((one) => !JSON.stringify(one).includes(`"${type}"`));
}

function bind(source: string, destination: string, ...options: string[]): Json {
  return { destination, source, options: ["bind", ...options] };
}

function host(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

/** A mount on the host that is read-only, nosuid and nodev, of a filesystem that is writable. */
async function withClosed(use: (source: string) => Promise<void>): Promise<void> {
  const source = freshDirectory();
  host("mount", "-t", "tmpfs", "-o", "nosuid,nodev,mode=777", "closed", source);
  try {
    mkdirSync(join(source, "below"));
    host("mount", "-o", "remount,bind,ro", source);
    await use(source);
  } finally {
    Bun.spawnSync(["umount", "--lazy", "--recursive", source]);
  }
}

test("what a mount of the host forbids, the root of a user namespace cannot take off", async () => {
  await withClosed(async (source) => {
    const copies = freshDirectory();
    const options = ["bind", "idmap"];
    const idmapped = { destination: "/mapped", source, options };
    const text = `
for at in /volume /below /mapped; do
  mount -o remount,bind,rw,suid $at 2>/dev/null && touch $at/file && echo bad
done
cat /proc/self/mountinfo`;
    const mounts = [bind(source, "/volume"), bind(join(source, "below"), "/below"), idmapped];
    const stdout = await inside(text, mapped({ mounts: [...mounts, bind(copies, "/open")] }));
    assert.not.match(stdout, /^bad/m);
    for (const target of ["/volume", "/below", "/mapped"]) {
      for (const word of ["ro", "nosuid", "nodev"]) {
        assert.ok(mountAt(stdout, target).options.includes(word), `${target}: ${word}`);
      }
    }
    assert.ok(mountAt(stdout, "/open").options.includes("rw"));
  });
});

test("to ask for what a mount of the host forbids is an error, to leave it out is none", async () => {
  await withClosed(async (source) => {
    for (const option of ["rw", "suid", "dev"]) {
      const { code, stderr } = await run(mapped({ mounts: [bind(source, "/volume", option)] }));
      assert.is(code, 1, option);
      assert.match(stderr, /\/mounts\/5.*operation not permitted/);
    }
    const again = { destination: "/volume", options: ["remount", "bind", "noexec"] };
    const stdout = await inside(
      "cat /proc/self/mountinfo",
      mapped({ mounts: [bind(source, "/volume", "ro"), again] }),
    );
    const { options } = mountAt(stdout, "/volume");
    for (const word of ["ro", "nosuid", "nodev", "noexec"]) assert.ok(options.includes(word), word);
    const off = { destination: "/volume", options: ["remount", "bind", "suid"] };
    const { stderr } = await run(mapped({ mounts: [bind(source, "/volume"), off] }));
    assert.match(stderr, /\/mounts\/6.*nosuid came with the mount/);
  });
});

test("a source is found that nobody in the container could see", async () => {
  const closed = freshDirectory();
  mkdirSync(join(closed, "in"));
  writeFileSync(join(closed, "in/file"), "text\n");
  chmodSync(closed, 0o700);
  chownSync(closed, 1234, 1234);
  const stdout = await inside(
    "cat /volume/file /file",
    mapped({
      mounts: [bind(join(closed, "in"), "/volume"), bind(join(closed, "in/file"), "/file")],
    }),
  );
  assert.is(stdout, "text\ntext\n");
});

test("a single mount with others below it is refused with a hint, a tree of them is not", async () => {
  const source = freshDirectory();
  mkdirSync(join(source, "below"));
  host("mount", "-t", "tmpfs", "below", join(source, "below"));
  try {
    const { code, stderr } = await run(mapped({ mounts: [bind(source, "/volume")] }));
    assert.is(code, 1);
    assert.match(stderr, /\/mounts\/5\/source.*hint: .*by .*rbind/);
    const tree = { destination: "/volume", source, options: ["rbind"] };
    const stdout = await inside("cat /proc/self/mountinfo", mapped({ mounts: [tree] }));
    assert.is(mountAt(stdout, "/volume/below").source, "below");
  } finally {
    Bun.spawnSync(["umount", "--lazy", join(source, "below")]);
  }
});

test("idmap alone is by the mappings of the container, new or joined", async () => {
  const source = freshDirectory();
  writeFileSync(join(source, "file"), "text\n");
  chownSync(join(source, "file"), 5, 6);
  chmodSync(source, 0o777);
  const mounts = [
    { destination: "/mapped", source, options: ["bind", "idmap"] },
    bind(source, "/plain"),
  ];
  const text = "stat -c %u:%g /mapped/file /plain/file; touch /mapped/new";
  const rootfs = ownRootfs();
  assert.is(await inside(text, mapped({ mounts, rootfs })), "5:6\n65534:65534\n");
  assert.is(statSync(join(source, "new")).uid, 0);
  const sleeper = { ...mapped({ rootfs }), process: { args: ["/bin/sleep", "100"] } };
  await withContainer(sleeper, async ({ does, state }) => {
    await does("start");
    const path = `/proc/${(await state()).pid}/ns/user`;
    const { process, root } = mapped({ rootfs });
    const joined: Patch = {
      ...{ process, root },
      mounts: [...defaultMounts, ...mounts],
      linux: { namespaces: [...defaultNamespaces, { type: "user", path }] },
    };
    assert.is(await inside("stat -c %u:%g /mapped/file", joined), "5:6\n");
  });
});

test("an overlay of many long layers is mounted in a user namespace too", async () => {
  const base = freshDirectory();
  // Layers have to be in reach of the container's root, as for mount(2) by anyone.
  chmodSync(room.directory, 0o711);
  const lower = Array.from({ length: 60 }, (_, index) => {
    const path = join(base, `${index}`, "a".repeat(200), "b".repeat(100));
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, `file-${index}`), "");
    return path;
  });
  for (const name of ["upper", "work"]) {
    mkdirSync(join(base, name));
    chownSync(join(base, name), FIRST, FIRST);
  }
  const options = [`lowerdir=${lower.join(":")}`, `upperdir=${base}/upper`, `workdir=${base}/work`];
  const mount = { destination: "/merged", type: "overlay", source: "overlay", options };
  const text = "ls /merged | wc -l; touch /merged/new && stat -c %u /merged/new";
  assert.is(await inside(text, mapped({ mounts: [mount] })), "60\n0\n");
  assert.is(statSync(join(base, "upper/new")).uid, FIRST);
});

test("a filesystem that shows a namespace of somebody else's is refused with a hint", async () => {
  const rows: [namespace: string, type: string, pointer: string][] = [
    ["pid", "proc", "/mounts/0"],
    ["network", "sysfs", "/mounts/4"],
  ];
  for (const [namespace, type, pointer] of rows) {
    const { code, stderr } = await run(mapped({ namespaces: without(namespace) }));
    assert.is(code, 1, type);
    assert.match(stderr, pointer);
    assert.match(stderr, new RegExp(`new ${type} needs .* of type ${namespace}.*bind-mount`));
  }
  const [proc, sys] = ["/proc", "/sys"].map(
    (path): Json => ({ destination: path, source: path, options: ["rbind"] }),
  );
  const patch = mapped({ namespaces: without("network") });
  const mounts = [...defaultMounts.slice(0, 4), sys ?? null];
  assert.is(await inside("ls -d /sys/class", { ...patch, mounts }), "/sys/class\n");
  const both = [proc ?? null, ...defaultMounts.slice(1)];
  const shared = mapped({ namespaces: without("pid") });
  assert.match(await inside("cat /proc/self/stat", { ...shared, mounts: both }), /^\d+ \(cat\)/);
});

test("an owner that is not mapped is refused where the options name it", async () => {
  const [small, patch] = [[{ containerID: 0, hostID: FIRST, size: 1 }], mapped({})];
  const linux = { namespaces: [...defaultNamespaces, { type: "user" }] };
  const mappings = { uidMappings: small, gidMappings: small };
  const { code, stderr } = await run({ ...patch, linux: { ...linux, ...mappings } });
  assert.is(code, 1);
  assert.match(stderr, /\/mounts\/2\/options: found gid=5.*hint: leave gid=5 out/);
});

test("a mount of type cgroup is there with and without a cgroup namespace", async () => {
  const options = ["nosuid", "noexec", "nodev", "ro"];
  const mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options };
  const text = "cat /sys/fs/cgroup/pids/cgroup.procs; mkdir /sys/fs/cgroup/pids/x || echo refused";
  for (const namespaces of [defaultNamespaces, [...defaultNamespaces, { type: "cgroup" }]]) {
    const stdout = await inside(text, mapped({ mounts: [mount], namespaces }));
    assert.match(stdout, /^1\n/);
    assert.match(stdout, /refused\n$/);
  }
});

runTests();
