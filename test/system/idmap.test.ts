// Idmapped mounts: the owners that files show in the container, and what is written on the host.

import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { inside, run } from "../support/container.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shows } from "../support/shows.ts";
import { runTests, test } from "../support/suite.ts";

/** Ids from 0 up on disk are those from `hostID` up in the container. */
function mapped(hostID: number, size = 65536): { uidMappings: Json; gidMappings: Json } {
  const range = [{ containerID: 0, hostID, size }];
  return { uidMappings: range, gidMappings: [{ containerID: 0, hostID: hostID + 1, size }] };
}

function withMounts(...added: Json[]): Patch {
  return { root: { path: newRootfs() }, mounts: [...defaultMounts, ...added] };
}

function owned(path: string, uid: number, gid: number): string {
  writeFileSync(path, "text\n");
  chownSync(path, uid, gid);
  return path;
}

function ownerOf(path: string): string {
  const { uid, gid } = statSync(path);
  return `${uid}:${gid}`;
}

test("directories and files show the owners of their mapping, and disk keeps its own", async () => {
  const source = freshDirectory();
  owned(join(source, "root"), 0, 0);
  owned(join(source, "user"), 1000, 1000);
  owned(join(source, "outside"), 70000, 70000);
  const file = owned(join(freshDirectory(), "file"), 5, 6);
  const mounts = withMounts(
    { destination: "/one", source, options: ["bind", "idmap"], ...mapped(2000) },
    { destination: "/two", source, options: ["bind"], ...mapped(3000) },
    { destination: "/file", source: file, options: ["bind", "idmap"], ...mapped(2000) },
    { destination: "/plain", source, options: ["bind"] },
  );
  const stdout = await inside(
    `stat -c %u:%g /one/root /one/user /one/outside /two/root /file /plain/user
     chmod 777 /plain; chown 2007:2008 /one/root && stat -c %u:%g /one/root /plain/root`,
    { ...mounts, process: privileged },
  );
  assert.equal(stdout.trimEnd().split("\n"), [
    "2000:2001",
    "3000:3001",
    "65534:65534",
    "3000:3001",
    "2005:2007",
    "1000:1000",
    "2007:2008",
    "7:7",
  ]);
  assert.is(ownerOf(join(source, "root")), "7:7");
  shows("mount-option.idmap.mapped", "mount-option.idmap.own-mappings");
});

const all = ["CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"];
const privileged: Patch = {
  capabilities: { bounding: all, effective: all, permitted: all },
};

test("idmap maps the mount at the top alone, ridmap those below it too", async () => {
  const source = freshDirectory();
  host("mount", "-t", "tmpfs", "top", source);
  try {
    mkdirSync(join(source, "below"));
    host("mount", "-t", "tmpfs", "below", join(source, "below"));
    owned(join(source, "file"), 1, 1);
    owned(join(source, "below/file"), 1, 1);
    const tree = (destination: string, option: string): Json => {
      return { destination, source, options: ["rbind", option], ...mapped(4000) };
    };
    const text = "stat -c %u /one/file /one/below/file /all/file /all/below/file";
    const stdout = await inside(text, withMounts(tree("/one", "idmap"), tree("/all", "ridmap")));
    assert.is(stdout, "4001\n1\n4001\n4001\n");
  } finally {
    Bun.spawnSync(["umount", "--lazy", "--recursive", source]);
  }
  shows("mount-option.ridmap.mapped", "mount-option.ridmap.own-mappings");
});

test("many mounts of many mappings, with other options, and a tmpfs of its own", async () => {
  const source = freshDirectory();
  owned(join(source, "file"), 10, 10);
  const trees = Array.from({ length: 20 }, (_, index): Json => {
    const options = ["bind", "ro", "nosuid", "idmap"];
    return { destination: `/m/${index}`, source, options, ...mapped(1000 * (index % 4)) };
  });
  const tmpfs = { destination: "/t", type: "tmpfs", options: ["idmap"], ...mapped(500) };
  const text = `
for i in 0 1 2 3 17; do stat -c %u /m/$i/file; done
touch /m/1/file 2>&1; grep -c ' /m/[0-9]* ro,nosuid,.*idmapped' /proc/self/mountinfo
stat -c %u:%g /t`;
  const stdout = await inside(text, withMounts(...trees, tmpfs));
  const words = stdout.trimEnd().split("\n");
  assert.equal(words.slice(0, 5), ["10", "1010", "2010", "3010", "1010"]);
  assert.match(words[5] ?? "", /Read-only/);
  assert.equal(words.slice(6), ["20", "500:501"]);
  shows("mount-option.idmap.mount_setattr", "mount-option.ridmap.mount_setattr");
  shows("config.mounts.uidMappings.mount_setattr", "config.mounts.gidMappings.mount_setattr");
});

test("a mapping of many ranges is taken, one that is too long is refused with both limits", async () => {
  const source = freshDirectory();
  owned(join(source, "file"), 299, 299);
  const ranges = (count: number, first = 0): Json =>
    Array.from({ length: count }, (_, index) => {
      return { containerID: first + index, hostID: first + 1000 - index, size: 1 };
    });
  const mount = (uidMappings: Json): Patch => {
    const options = ["bind", "idmap"];
    const gidMappings = ranges(1);
    return withMounts({ destination: "/m", source, options, uidMappings, gidMappings });
  };
  assert.is(await inside("stat -c %u /m/file", mount(ranges(300))), "701\n");
  for (const tooMany of [ranges(341), ranges(300, 1_000_000)]) {
    const { code, stderr } = await run(mount(tooMany));
    assert.is(code, 1);
    assert.match(stderr, /\/mounts\/5\/uidMappings.*at most 340, and at most 4095 bytes/);
  }
});

test("what cannot be mapped is an error that names the mount", async () => {
  const mount = { destination: "/m", source: "/proc/self/net", options: ["bind", "idmap"] };
  const { code, stderr } = await run(withMounts({ ...mount, ...mapped(1000) }));
  assert.is(code, 1);
  assert.match(stderr, /\/mounts\/5.*ids of \/m cannot be mapped.*EINVAL.*hint: its filesystem/);
  const overlapping = [
    { containerID: 0, hostID: 0, size: 10 },
    { containerID: 5, hostID: 50, size: 10 },
  ];
  const maps = { uidMappings: overlapping, gidMappings: overlapping };
  const again = await run(withMounts({ ...mount, source: "/tmp", ...maps }));
  assert.is(again.code, 1);
  assert.match(again.stderr, /\/mounts\/5\/uidMappings\/1: /);
});

function host(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

runTests();
