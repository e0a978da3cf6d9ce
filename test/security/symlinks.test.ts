// Images and volumes that point outside by symlinks, at rest and while they are swapped:
// CVE-2019-19921, 2023-27561, 2021-30465, 2024-45310, 2025-31133, 2025-52565, 2026-41579.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import * as assert from "uvu/assert";
import { bundle, defaultMounts, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { parseMountinfo } from "../support/mountinfo.ts";
import { refusesBundle } from "../support/refusal.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { whileSwapping } from "../support/swapping.ts";

/** How often a race is tried; the attacker swaps some hundred thousand times a second. */
const attempts = process.env["SOAK"] === "1" ? 5000 : 40;

/** Mounts of the host, but for cgroup hierarchies and what others mount meanwhile. */
function hostMounts(): string[] {
  return parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))
    .map(({ target, source, type }) => `${target} ${type} ${source}`)
    .filter(
      (line) => line.startsWith(room.directory) || !/^\/(sys\/fs\/cgroup|run|tmp)\//.test(line),
    );
}

/** A folder on the host that no container may touch, with a file in it. */
function victim(): { path: string; untouched: () => void } {
  const path = freshDirectory();
  writeFileSync(join(path, "canary"), "alive\n");
  return {
    path,
    untouched: () => {
      assert.equal(readdirSync(path), ["canary"]);
      assert.is(readFileSync(join(path, "canary"), "utf8"), "alive\n");
      assert.not(hostMounts().some((line) => line.includes(path)));
    },
  };
}

/** A way out of any folder: more `..` than there are levels. */
function climb(to: string): string {
  return `${"../".repeat(40)}${to}`;
}

test("an image whose /proc or /sys is a symlink is refused (CVE-2019-19921, 2023-27561)", async () => {
  for (const name of ["proc", "sys"]) {
    for (const target of ["/tmp", "tmp", "/", climb("proc")]) {
      const rootfs = newRootfs();
      rmSync(join(rootfs, name), { recursive: true });
      symlinkSync(target, join(rootfs, name));
      await refusesBundle(bundle({ root: { path: rootfs } }), new RegExp(`/${name}|${name}`));
    }
  }
});

test("an image whose /dev is a symlink gets no device outside (CVE-2026-41579)", async () => {
  const { path, untouched } = victim();
  writeFileSync(join(path, "ptmx"), "mine\n");
  for (const target of [climb(path), path, climb(relative("/", path))]) {
    const rootfs = newRootfs();
    rmSync(join(rootfs, "dev"), { recursive: true });
    symlinkSync(target, join(rootfs, "dev"));
    const { code } = await run({ root: { path: rootfs }, mounts: defaultMounts.slice(0, 1) });
    assert.ok(code === 0 || code === 1);
    assert.is(readFileSync(join(path, "ptmx"), "utf8"), "mine\n");
    assert.equal(readdirSync(path).sort(), ["canary", "ptmx"]);
  }
  rmSync(join(path, "ptmx"));
  untouched();
});

test("devices behind symlinks of the image are made inside of it, or refused", async () => {
  const { path, untouched } = victim();
  const rootfs = newRootfs();
  symlinkSync(climb(path), join(rootfs, "out"));
  symlinkSync(path, join(rootfs, "dev/link"));
  const devices = [
    { path: "/out/node", type: "c", major: 1, minor: 3 },
    { path: "/dev/link/node", type: "c", major: 1, minor: 3 },
  ];
  const { code } = await run({ root: { path: rootfs }, mounts: [], linux: { devices } });
  assert.ok(code === 0 || code === 1);
  untouched();
});

test("mount targets, working directories and masks behind symlinks stay inside", async () => {
  const { path, untouched } = victim();
  const rootfs = newRootfs();
  for (const [name, target] of [
    ["up", climb(path)],
    ["absolute", path],
    ["proc-link", "/proc/self/root"],
    ["magic", "/proc/1/root"],
  ] as const) {
    symlinkSync(target, join(rootfs, name));
  }
  const mount = (destination: string): Json => ({ destination, type: "tmpfs", source: "tmpfs" });
  const file = join(freshDirectory(), "file");
  writeFileSync(file, "");
  for (const name of ["up", "absolute", "proc-link", "magic"]) {
    const patches: Patch[] = [
      { mounts: [...defaultMounts, mount(`/${name}/made/here`)] },
      {
        mounts: [
          ...defaultMounts,
          { destination: `/${name}/file`, source: file, options: ["bind"] },
        ],
      },
      { process: { cwd: `/${name}/made/cwd` } },
      { linux: { maskedPaths: [`/${name}/canary`], readonlyPaths: [`/${name}`] } },
    ];
    for (const patch of patches) {
      const { code, stderr } = await run({ root: { path: rootfs }, ...patch });
      assert.ok(code === 0 || code === 1, stderr);
      untouched();
    }
  }
});

test("a swapped mount target never leads outside (CVE-2021-30465, 2024-45310)", async () => {
  const before = hostMounts();
  const { path, untouched } = victim();
  const volume = freshDirectory();
  mkdirSync(join(volume, "target"));
  symlinkSync(climb(path), join(volume, "link"));
  const rootfs = newRootfs();
  const mounts: Json[] = [
    ...defaultMounts,
    { destination: "/volume", source: volume, options: ["rbind"] },
    { destination: "/volume/target/made/here", type: "tmpfs", source: "t", options: ["tmpcopyup"] },
    { destination: "/volume/target", type: "tmpfs", source: "tmpfs" },
    { destination: "/volume/target/file", source: "/etc/hostname", options: ["bind"] },
  ];
  const directory = bundle({
    root: { path: rootfs },
    mounts,
    process: { cwd: "/volume/target/cwd" },
  });
  const codes: number[] = [];
  await whileSwapping(join(volume, "target"), join(volume, "link"), async () => {
    await inTwos(attempts, async () => {
      const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
      assert.ok(code === 0 || code === 1, stderr);
      codes.push(code);
    });
  });
  untouched();
  assert.equal(hostMounts(), before);
  assert.ok(codes.includes(0), "some got through");
});

test("a tmpfs is never filled with what swapped links lead to", async () => {
  const { path, untouched } = victim();
  const volume = freshDirectory();
  mkdirSync(join(volume, "data/target"), { recursive: true });
  writeFileSync(join(volume, "data/target/own"), "own\n");
  symlinkSync(climb(path), join(volume, "data/link"));
  const mounts: Json[] = [
    ...defaultMounts,
    { destination: "/volume", source: volume, options: ["rbind"] },
    { destination: "/volume/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] },
  ];
  const text = "cat /volume/data/*/canary 2> /dev/null; cat /volume/data/*/own; true";
  const directory = bundle(withScript(text, { root: { path: newRootfs() }, mounts }));
  const outputs: string[] = [];
  await whileSwapping(join(volume, "data/target"), join(volume, "data/link"), async () => {
    await inTwos(attempts / 2, async () => {
      const { code, stdout, stderr } = await runt(["run", "--bundle", directory, freshName()]);
      assert.ok(code === 0 || code === 1, stderr);
      outputs.push(stdout);
    });
  });
  untouched();
  assert.not(outputs.some((output) => output.includes("alive")));
  assert.ok(outputs.includes("own\n"), "some got through");
});

test("swapped masked and read-only paths never cover anything outside", async () => {
  const { path, untouched } = victim();
  const volume = freshDirectory();
  mkdirSync(join(volume, "target"));
  symlinkSync(climb(path), join(volume, "link"));
  const mounts: Json[] = [
    ...defaultMounts,
    { destination: "/volume", source: volume, options: ["rbind"] },
  ];
  const linux = {
    maskedPaths: ["/volume/target", "/volume/target/canary"],
    readonlyPaths: ["/volume/target"],
    devices: [{ path: "/volume/target/node", type: "c", major: 1, minor: 3 }],
  };
  const directory = bundle({ root: { path: newRootfs() }, mounts, linux });
  await whileSwapping(join(volume, "target"), join(volume, "link"), async () => {
    await inTwos(attempts / 2, async () => {
      const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
      assert.ok(code === 0 || code === 1, stderr);
    });
  });
  untouched();
});

/** Runs something so many times, two at once. */
async function inTwos(times: number, act: () => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let round = 0; round < times / 2; round++) await act();
  };
  await Promise.all([worker(), worker()]);
}

/** What lies on a masked file: the null device, whatever the image calls by that name. */
const showMask = "stat -L -c '%F %t:%T' /etc/passwd; cat /etc/passwd; cat /proc/self/mountinfo";

test("a mask is the kernel's null device, whatever /dev/null of the image is (CVE-2025-31133)", async () => {
  for (const make of [
    (path: string) => symlinkSync("/proc/sys/kernel/core_pattern", path),
    (path: string) => symlinkSync("/etc/shadow-of-mine", path),
    (path: string) => writeFileSync(path, "evil\n"),
    (path: string) => Bun.spawnSync(["mknod", path, "c", "1", "5"]),
  ]) {
    const rootfs = newRootfs();
    writeFileSync(join(rootfs, "etc/shadow-of-mine"), "evil\n");
    make(join(rootfs, "dev/null"));
    const mounts = defaultMounts.slice(0, 1);
    const patch = { root: { path: rootfs }, mounts, linux: { maskedPaths: ["/etc/passwd"] } };
    const { code, stdout, stderr } = await run(withScript(showMask, patch));
    if (code === 0) assert.ok(stdout.startsWith("character special file 1:3\n"), stdout + stderr);
    assert.not.match(stdout, /evil/);
    assert.not.match(stdout, /core_pattern \/etc\/passwd/);
  }
});

test("a mask is the null device while /dev/null is swapped (CVE-2025-31133)", async () => {
  const dev = freshDirectory();
  Bun.spawnSync(["mknod", "-m", "666", join(dev, "null"), "c", "1", "3"]);
  symlinkSync("/tmp/evil", join(dev, "link"));
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "tmp/evil"), "evil\n");
  const mounts: Json[] = [
    ...defaultMounts.slice(0, 1),
    { destination: "/dev", source: dev, options: ["bind"] },
  ];
  const linux = { maskedPaths: ["/etc/passwd"] };
  const directory = bundle(withScript(showMask, { root: { path: rootfs }, mounts, linux }));
  await whileSwapping(join(dev, "null"), join(dev, "link"), async () => {
    await inTwos(attempts / 2, async () => {
      const { code, stdout } = await runt(["run", "--bundle", directory, freshName()]);
      if (code === 0 && !foreignRuntime)
        assert.ok(stdout.startsWith("character special file 1:3\n"));
      assert.not.match(stdout, /evil$/m);
    });
  });
});

test("/dev/console and /dev/pts of the image lead the terminal nowhere (CVE-2025-52565)", async () => {
  for (const name of ["console", "ptmx", "pts"]) {
    const rootfs = newRootfs();
    symlinkSync("/etc/passwd", join(rootfs, "dev", name));
    const pts = [
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"] },
    ];
    const mounts: Json[] = [...defaultMounts.slice(0, 1), ...(name === "pts" ? [] : pts)];
    const patch = { root: { path: rootfs }, mounts, process: { terminal: true } };
    const { code, stdout } = await run(withScript("cat /proc/self/mountinfo", patch));
    assert.ok(code === 0 || code === 1);
    assert.not.match(stdout, / \/etc\/passwd /);
    assert.is(readFileSync(join(rootfs, "etc/passwd"), "utf8"), "root:x:0:0:root:/root:/bin/sh\n");
  }
});

test("symlinks of the image do not lead the lookup of the program outside", async () => {
  const rootfs = newRootfs();
  symlinkSync(climb("usr/bin/env"), join(rootfs, "bin/host-env"));
  assert.ok(existsSync("/usr/bin/env"));
  const stderr = await refusesBundle(
    bundle({ root: { path: rootfs }, process: { args: ["/bin/host-env"] } }),
    /no such file or directory/i,
  );
  assert.match(stderr, /host-env/);
});

test("forty links in a row are followed or refused, and end", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "end"));
  for (let index = 0; index < 60; index++) {
    symlinkSync(index === 0 ? "end" : `l${index - 1}`, join(rootfs, `l${index}`));
  }
  for (const [name, code] of [
    ["l30", 0],
    ["l59", 1],
  ] as const) {
    const mount = { destination: `/${name}/x`, type: "tmpfs", source: "tmpfs" };
    const outcome = await run({ root: { path: rootfs }, mounts: [...defaultMounts, mount] });
    assert.is(outcome.code, code, outcome.stderr);
  }
});

test("the root that the program sees has nothing of the host above it", async () => {
  const marker = freshDirectory();
  const text = `cd /; cd ../../../..; pwd; ls ${climb(marker.slice(1))}; readlink /proc/1/root`;
  const stdout = await inside(`(${text}) 2>/dev/null; true`);
  assert.is(stdout, "/\n/\n");
});

runTests();
