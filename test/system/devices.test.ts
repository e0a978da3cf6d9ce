// Device nodes: the ones every container has, the listed ones, and who may use them.

import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, defaultNamespaces, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

/** What it takes to open /dev/kmsg, the device of these tests that is not allowed by default. */
const syslog: Patch = {
  process: {
    capabilities: {
      bounding: ["CAP_SYSLOG"],
      effective: ["CAP_SYSLOG"],
      permitted: ["CAP_SYSLOG"],
    },
  },
};

const allowAll: Patch = { resources: { devices: [{ allow: true, access: "rwm" }] } };

test("the default devices are there with the kernel's numbers and mode 0666", async () => {
  const names = "null zero full random urandom tty";
  const text = `cd /dev; stat -c '%n %F %t:%T %a %u:%g' ${names}`;
  assert.equal((await inside(text)).trimEnd().split("\n"), [
    "null character special file 1:3 666 0:0",
    "zero character special file 1:5 666 0:0",
    "full character special file 1:7 666 0:0",
    "random character special file 1:8 666 0:0",
    "urandom character special file 1:9 666 0:0",
    "tty character special file 5:0 666 0:0",
  ]);
  shows("linux.default-devices");
});

test("the caller's umask does not change the mode of devices", async () => {
  const through = ["sh", "-c", 'umask 0077; exec "$@"', "sh"];
  assert.is(await inside("stat -c %a /dev/null /dev/tty", {}, { through }), "666\n666\n");
});

test("the links of /dev are there", async () => {
  const text = "cd /dev; for l in fd stdin stdout stderr ptmx; do readlink $l; done";
  const links = [
    "/proc/self/fd",
    "/proc/self/fd/0",
    "/proc/self/fd/1",
    "/proc/self/fd/2",
    "pts/ptmx",
  ];
  assert.equal((await inside(text)).trimEnd().split("\n"), links);
  shows("runtime-linux.dev-links");
  shows("linux.default-devices");
});

test("the default devices can be used though all others are denied", async () => {
  const text = "echo x > /dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c";
  assert.equal((await inside(text)).trim().split(/\s+/), ["4", "4"]);
});

test("listed devices are made with their type, numbers, mode and owner", async () => {
  const devices = [
    { path: "/dev/mine", type: "c", major: 1, minor: 3, fileMode: 0o640, uid: 7, gid: 8 },
    { path: "/dev/unbuffered", type: "u", major: 1, minor: 5 },
    { path: "/dev/block", type: "b", major: 7, minor: 300, fileMode: 0o600 },
    { path: "/dev/deep/er/pipe", type: "p", fileMode: 0o622, gid: 9 },
    { path: "/elsewhere", type: "c", major: 1, minor: 7 },
    // As stat(2) says it, and engines pass it on.
    { path: "/whole-mode", type: "c", major: 1, minor: 7, fileMode: 0o020640 },
    { path: "/shared/of-group", type: "c", major: 1, minor: 7, fileMode: 0, gid: 0 },
    { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600 },
  ];
  const paths = devices.map(({ path }) => path).join(" ");
  const text = `stat -c '%n %F %t:%T %a %u:%g' ${paths}; stat -c %a /dev/deep /dev/deep/er`;
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "shared"));
  // What is made in such a directory gets its group.
  chownSync(join(rootfs, "shared"), 0, 1234);
  chmodSync(join(rootfs, "shared"), 0o2777);
  const patch = { root: { path: rootfs }, linux: { devices, ...allowAll } };
  const through = ["sh", "-c", 'umask 0077; exec "$@"', "sh"];
  assert.equal((await inside(text, patch, { through })).trimEnd().split("\n"), [
    "/dev/mine character special file 1:3 640 7:8",
    "/dev/unbuffered character special file 1:5 666 0:0",
    "/dev/block block special file 7:12c 600 0:0",
    "/dev/deep/er/pipe fifo 0:0 622 0:9",
    "/elsewhere character special file 1:7 666 0:0",
    "/whole-mode character special file 1:7 640 0:0",
    "/shared/of-group character special file 1:7 0 0:0",
    "/dev/null character special file 1:3 600 0:0",
    "755",
    "755",
  ]);
  shows("linux.devices");
});

test("a listed device that is in the image already is taken, as it is but for what is given", async () => {
  const rootfs = newRootfs();
  for (const name of ["there", "other"]) {
    Bun.spawnSync(["mknod", "-m", "0604", join(rootfs, name), "c", "1", "3"]);
    chownSync(join(rootfs, name), 5, 6);
  }
  const devices = [
    { path: "/there", type: "c", major: 1, minor: 3 },
    { path: "/other", type: "c", major: 1, minor: 3, uid: 7, fileMode: 0o640 },
    // Again: it is there now.
    { path: "/other", type: "u", major: 1, minor: 3 },
  ];
  const patch = { root: { path: rootfs }, linux: { devices, ...allowAll } };
  const text = "stat -c '%t:%T %a %u:%g' /there /other";
  assert.is(await inside(text, patch), "1:3 604 5:6\n1:3 640 7:6\n");
});

test("a listed device whose place holds something else is an error that names both", async () => {
  if (foreignRuntime) return;
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "file"), "");
  symlinkSync("/dev/null", join(rootfs, "link"));
  Bun.spawnSync(["mknod", join(rootfs, "other"), "c", "1", "5"]);
  Bun.spawnSync(["mkfifo", join(rootfs, "pipe")]);
  const device = { type: "c", major: 1, minor: 3 };
  for (const [listed, found] of [
    [{ path: "/file", ...device }, "/file is a regular file, wanted the device c 1:3"],
    [{ path: "/link", ...device }, "/link is a symbolic link, wanted the device c 1:3"],
    [{ path: "/other", ...device }, "/other is the device c 1:5, wanted the device c 1:3"],
    [{ path: "/other", ...device, type: "b" }, "/other is the device c 1:5, wanted the device b"],
    [{ path: "/tmp", type: "p" }, "/tmp is a directory, wanted a fifo"],
    [{ path: "/pipe", ...device }, "/pipe is a fifo, wanted the device c 1:3"],
    [{ path: "/", ...device }, "names no file"],
  ] as const) {
    const linux = { devices: [listed], ...allowAll };
    const { code, stderr } = await run({ root: { path: rootfs }, linux });
    assert.is(code, 1);
    assert.ok(stderr.includes(found), stderr);
  }
  shows("linux.devices.other-file");
});

test("links of /dev to files that the mounts have not brought are left out", async () => {
  const mounts = defaultMounts.filter((mount) => !JSON.stringify(mount).includes("proc"));
  assert.is(await inside("cd /dev; ls -d fd std* ptmx 2> /dev/null || :", { mounts }), "ptmx\n");
});

test("what the image has in the place of a link of /dev is kept", async () => {
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "dev/stdin"), "of the image\n");
  const patch = { root: { path: rootfs }, mounts: defaultMounts.slice(0, 1) };
  assert.is(
    await inside("cat /dev/stdin; readlink /dev/stdout", patch),
    "of the image\n/proc/self/fd/1\n",
  );
});

test("a device of an unknown type, or without its numbers, is an error", async () => {
  for (const device of [
    { path: "/dev/x", type: "x", major: 1, minor: 3 },
    { path: "/dev/x", type: "c" },
  ]) {
    const { code, stderr } = await run({ linux: { devices: [device] } });
    assert.is(code, 1);
    if (!foreignRuntime) assert.match(stderr, /\/linux\/devices\/0/);
  }
});

test("a device that the rules do not allow cannot be opened, one that they allow can", async () => {
  const devices = [{ path: "/dev/kmsg-of-mine", type: "c", major: 1, minor: 11 }];
  const text = "(: < /dev/kmsg-of-mine) && echo opened || echo refused";
  const attempt = (rules: Json[]): Promise<string> =>
    inside(text, { ...syslog, linux: { devices, resources: { devices: rules } } });
  const deny = { allow: false, access: "rwm" };
  const allow = { allow: true, type: "c", major: 1, minor: 11, access: "rw" };
  assert.match(await attempt([deny]), /refused/);
  assert.match(await attempt([deny, allow]), /opened/);
  assert.match(await attempt([deny, allow, { ...allow, allow: false }]), /refused/);
});

test("rules can allow reading alone", async () => {
  const devices = [{ path: "/dev/mine", type: "c", major: 1, minor: 11 }];
  const rules = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 11, access: "r" },
  ];
  const text = "(: < /dev/mine) && echo read; (: > /dev/mine) 2> /dev/null || echo not written";
  const patch = { ...syslog, linux: { devices, resources: { devices: rules } } };
  assert.is(await inside(text, patch), "read\nnot written\n");
});

test("with a bind mount on /dev the runtime makes nothing in it", async () => {
  const dev = freshDirectory();
  mkdirSync(join(dev, "pts"));
  const mounts: Json[] = [
    ...defaultMounts.slice(0, 1),
    { destination: "/dev", source: dev, options: ["bind"] },
  ];
  const { code, stdout, stderr } = await run(withScript("ls /dev", { mounts }));
  assert.is(code, 0, stderr);
  assert.is(stdout, "pts\n");
});

test("without a mount on /dev the devices are made in the image's own", async () => {
  const rootfs = newRootfs();
  await inside("echo x > /dev/null", { root: { path: rootfs }, mounts: defaultMounts.slice(0, 1) });
  const status = statSync(join(rootfs, "dev/null"));
  assert.ok(status.isCharacterDevice());
  assert.is(status.rdev, 0x103);
});

test("a terminal of the container's own can be opened", async () => {
  const text = "ls /dev/pts; exec 3<>/dev/ptmx && ls /dev/pts";
  const stdout = await inside(text);
  assert.match(stdout, /^ptmx\n0\nptmx\n$/);
});

/** A user namespace of the container's own. */
const userNamespace: Patch = {
  namespaces: [...defaultNamespaces, { type: "user" }],
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
};

test("links that an earlier container has left in the image are good enough for the next", async () => {
  const rootfs = newRootfs();
  chmodSync(rootfs, 0o755);
  const patch = { root: { path: rootfs }, mounts: [{ destination: "/proc", type: "proc" }] };
  assert.is(await inside("readlink /dev/ptmx", patch), "pts/ptmx\n");
  const again = await inside("readlink /dev/ptmx", { ...patch, linux: userNamespace });
  assert.is(again, "pts/ptmx\n");
});

test("in a user namespace the container gets the host's devices, and fifos of its own", async () => {
  const devices = [
    { path: "/dev/net/mine", type: "p", uid: 7, gid: 8, fileMode: 0o640 },
    { path: "/dev/kmsg", type: "u", major: 1, minor: 11, uid: 7, fileMode: 0o600 },
  ];
  const linux = { ...userNamespace, devices, ...allowAll };
  const names = "null zero full random urandom tty kmsg";
  const text =
    `cd /dev; stat -c '%n %F %t:%T' ${names}; stat -c '%n %F %a %u:%g' net/mine;` +
    " echo x > null; head -c 4 zero | wc -c; readlink ptmx; readlink fd; cat /proc/self/uid_map;" +
    " grep -c ' /dev/[a-z]* .* - devtmpfs' /proc/self/mountinfo";
  const rootfs = newRootfs();
  chmodSync(rootfs, 0o755);
  const lines = (await inside(text, { root: { path: rootfs }, linux })).trimEnd().split("\n");
  assert.equal(lines, [
    "null character special file 1:3",
    "zero character special file 1:5",
    "full character special file 1:7",
    "random character special file 1:8",
    "urandom character special file 1:9",
    "tty character special file 5:0",
    "kmsg character special file 1:b",
    "net/mine fifo 640 7:8",
    "4",
    "pts/ptmx",
    "/proc/self/fd",
    "         0     100000      65536",
    "7",
  ]);
});

test("in a user namespace a device that the host has not is an error", async () => {
  for (const [device, found] of [
    [{ path: "/dev/unheard-of", type: "c", major: 1, minor: 3 }, "/dev/unheard-of"],
    [
      { path: "/dev/zero", type: "c", major: 1, minor: 3 },
      "the host's /dev/zero is the device c 1:5, wanted the device c 1:3",
    ],
  ] as const) {
    const { code, stderr } = await run({ linux: { ...userNamespace, devices: [device] } });
    assert.is(code, 1);
    assert.ok(stderr.includes(found), stderr);
  }
});

test("in a user namespace the image's own file in a device's place is not covered", async () => {
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "dev/null"), "");
  writeFileSync(join(rootfs, "dev/zero"), "of the image");
  const { code, stderr } = await run({
    root: { path: rootfs },
    mounts: defaultMounts.slice(0, 1),
    linux: userNamespace,
  });
  assert.is(code, 1);
  assert.match(stderr, /node\.mount.*\/dev\/zero is a regular file, wanted the device c 1:5/);
});

runTests();
