// Root filesystems that containerd leaves to the shim to mount.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { script } from "../support/bundle.ts";
import { type MountLine, mountAt } from "../support/mountinfo.ts";
import { freshDirectory } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shimProgram, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";

const events = receiveEvents();
const patch = { root: { path: "rootfs" } };

test("an image of 100 layers, whose paths take more than a page, is mounted and unmounted", async () => {
  const parent = freshDirectory();
  const layers = Array.from({ length: 100 }, (_, index) => {
    const layer = join(parent, `${index}-${"layer".repeat(15)}`);
    mkdirSync(layer);
    writeFileSync(join(layer, `file-${index}`), "");
    return layer;
  });
  const [upper, work] = [freshDirectory(), freshDirectory()];
  const lower = [...layers, newRootfs()].join(":");
  const shown = await runs("ls / | grep -c ^file-; echo new > /new", {
    type: "overlay",
    source: "overlay",
    options: [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`],
  });
  assert.is(shown, "100\n");
  assert.is(readFileSync(join(upper, "new"), "utf8"), "new\n");
});

test("a tree is bound, read-only if that is asked for", async () => {
  const source = newRootfs();
  const shown = await runs("touch /new 2> /dev/null || echo refused", {
    type: "bind",
    source,
    options: ["rbind", "ro"],
  });
  assert.is(shown, "refused\n");
});

test("a layer that is missing is named, and nothing stays mounted", async () => {
  await withShim({}, async ({ bundle, create }) => {
    const options = ["lowerdir=/nowhere/at/all:/nor/here"];
    const rootfs = [{ type: "overlay", source: "overlay", target: "", options }];
    const error = await create({ rootfs }).catch(String);
    assert.match(`${error}`, "/nowhere/at/all");
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
  });
});

test("a link of an image is followed within the image, never on the host", async () => {
  const [image, outside, source] = [newRootfs(), freshDirectory(), freshDirectory()];
  symlinkSync(outside, join(image, "out"));
  symlinkSync("/etc", join(image, "in"));
  writeFileSync(join(source, "mark"), "");
  const below = (target: string) => ({ type: "bind", source, target, options: ["bind"] });
  const bottom = { type: "bind", source: image, target: "", options: ["rbind"] };
  await withShim({ patch }, async ({ bundle, create }) => {
    for (const target of ["/out", "/out/new", "/../../out"]) {
      const error = await create({ rootfs: [bottom, below(target)] }).catch(String);
      assert.match(`${error}`, `on ${target}: `);
      assert.equal(readdirSync(outside), []);
      assert.not.match(
        readFileSync("/proc/self/mountinfo", "utf8"),
        RegExp(`${bundle}|${outside}`),
      );
    }
    await create({ rootfs: [bottom, below("/in")] });
    assert.equal(readdirSync(join(bundle, "rootfs/etc")), ["mark"]);
  });
});

test("a bind mount keeps what its source forbids, and has what is asked for besides", async () => {
  const source = mountPoint(newRootfs());
  run("mount", "-o", "remount,bind,nosuid,nodev,noatime", source);
  run("mount", "-t", "tmpfs", "tmpfs", join(source, "etc"));
  for (const [options, own, below] of [
    ["rbind,ro", "ro,nosuid,nodev,noatime", "rw,relatime"],
    ["rbind,rro,rnosuid", "ro,nosuid,nodev,noatime", "ro,nosuid,relatime"],
    ["rbind,suid,dev,relatime", "rw,relatime", "rw,relatime"],
  ] as const) {
    await withRootfs({ source, options: options.split(",") }, (rootfs) => {
      const found = [rootfs, `${rootfs}/etc`].map((path) => mountOn(path).options.join());
      assert.equal(found, [own, below], options);
    });
  }
  run("umount", "--recursive", source);
});

test("propagation is as asked for, also where the bundle's is shared", async () => {
  const source = mountPoint(newRootfs());
  run("mount", "--make-shared", source);
  for (const [option, expected] of [
    ["private", /^$/],
    ["rslave", /^master:\d+$/],
    ["rshared", /^shared:\d+$/],
  ] as const) {
    await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
      run("mount", "--make-shared", mountPoint(bundle));
      const rootfs = [{ type: "bind", source, target: "", options: ["bind", option] }];
      try {
        await create({ rootfs });
        assert.match(mountOn(join(bundle, "rootfs")).propagation.join(" "), expected, option);
        await tasks.delete({ id });
      } finally {
        run("umount", "--recursive", bundle);
      }
    });
  }
  run("umount", source);
});

test("what a user namespace has been forbidden it keeps, and cannot take off", async () => {
  const source = mountPoint(newRootfs());
  run("mount", "-o", "remount,bind,nodev", source);
  const program = join(freshDirectory(), "shim");
  const nested = `exec unshare --user --map-root-user --mount ${shimProgram} "$@"`;
  writeFileSync(program, `#!/bin/sh\n${nested}\n`, { mode: 0o755 });
  const nestable = { ...patch, mounts: [], linux: { resources: {} } };
  await withShim({ patch: nestable, program }, async ({ pid, bundle, create }) => {
    const bound = (option: string) =>
      create({ rootfs: [{ type: "bind", source, target: "", options: ["bind", option] }] });
    assert.match(
      `${await bound("dev").catch(String)}`,
      /EPERM.*hint: flags of a mount from outside/,
    );
    await bound("nosuid");
    const { options } = mountOn(join(bundle, "rootfs"), pid);
    assert.equal(options.slice(0, 3), ["rw", "nosuid", "nodev"]);
  });
  run("umount", source);
});

test("all of a root filesystem is unmounted: by a bundle's other name, below blanks, in use", async () => {
  const [source, link] = [newRootfs(), join(freshDirectory(), "link")];
  const name = "a\\040 b";
  mkdirSync(join(source, name));
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    symlinkSync(bundle, link);
    const below = [name, `${name}/${name}`, name];
    const rootfs = [
      { type: "bind", source, target: "", options: ["rbind"] },
      ...below.map((target) => ({ type: "bind", source, target, options: ["rbind"] })),
    ];
    await create({ bundle: link, rootfs });
    // In use for a moment, and for as long as the test lasts.
    const users = ["0.2", "100"].map((seconds) =>
      Bun.spawn(["sleep", seconds], { cwd: join(bundle, "rootfs", name) }),
    );
    await tasks.delete({ id });
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
    for (const user of users) user.kill("SIGKILL");
  });
});

test("a mount that fails is named, with what was meant, and takes back those before", async () => {
  const source = newRootfs();
  const bottom = { type: "bind", source, target: "", options: ["bind"] };
  await withShim({ patch }, async ({ bundle, create }) => {
    for (const [type, from, options, message] of [
      [
        "bind",
        "/not/there",
        ["bind", "ro"],
        /bind \/not\/there bind,ro \(mount 2 of 2\) on \/etc: .*ENOENT.*hint: the source/,
      ],
      ["nosuch", "x", [], /nosuch x \(mount 2 of 2\) on \/etc: .*ENODEV.*no filesystem of type/],
      ["ext4", "/bin/busybox", [], /ext4 .*ENOTBLK.*hint: a file is mounted by the option "loop"/],
      ["tmpfs", "", ["huge=perhaps"], /tmpfs huge=perhaps .*tmpfs: Bad value for 'huge'/],
      ["fuse3.x", "y", [], /mount.fuse3/],
    ] as const) {
      const above = { type, source: from, target: "/etc", options: [...options] };
      const error = await create({ rootfs: [bottom, above] }).catch(String);
      assert.match(`${error}`, message);
      assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), bundle);
      assert.not.ok(existsSync(join(bundle, "rootfs")));
    }
  });
});

test("a volatile overlay is mounted once, and what is wrong the second time is told", async () => {
  const [lower, upper, work] = [newRootfs(), freshDirectory(), freshDirectory()];
  const dirs = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
  const rootfs = [
    { type: "overlay", source: "", target: "", options: ["volatile", ...dirs] },
    { type: "tmpfs", source: "", target: "/tmp", options: ["nosuid", "rslave"] },
  ];
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    await create({ rootfs });
    const [bottom, above] = ["rootfs", "rootfs/tmp"].map((name) => mountOn(join(bundle, name)));
    assert.is(bottom?.source, "none");
    // Kernels have two names for it.
    assert.match(`${bottom?.superOptions.at(-1)}`, /^(fsync=)?volatile$/);
    assert.equal([above?.source, above?.options.slice(0, 2)], ["none", ["rw", "nosuid"]]);
    await tasks.delete({ id });
    const error = await create({ rootfs }).catch(String);
    assert.match(`${error}`, /overlay volatile,.*mount 1 of 2.*hint: with "volatile"/);
  });
});

/** Binds a directory to itself; to be unmounted by the test. */
function mountPoint(directory: string): string {
  run("mount", "--bind", directory, directory);
  return directory;
}

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  assert.is(exitCode, 0, `${command.join(" ")}: ${stderr}`);
}

/** The mount on a path, as a process sees it. */
function mountOn(path: string, pid: number | "self" = "self"): MountLine {
  return mountAt(readFileSync(`/proc/${pid}/mountinfo`, "utf8"), path);
}

/** Looks at a root filesystem of one bind mount. */
async function withRootfs(
  mount: { source: string; options: string[] },
  look: (path: string) => void,
): Promise<void> {
  await withShim({ patch }, async ({ bundle, create }) => {
    await create({ rootfs: [{ type: "bind", target: "", ...mount }] });
    look(join(bundle, "rootfs"));
  });
}

interface Mount {
  type: string;
  source: string;
  options: string[];
}

/** Runs a script on a root filesystem; its output. */
async function runs(text: string, mount: Mount): Promise<string> {
  const patch = { root: { path: "rootfs" }, process: script(text) };
  const streams = clientStreams();
  let shown = "";
  await withShim({ patch }, async ({ id, bundle, tasks, create }) => {
    await create({ ...streams.names, rootfs: [{ ...mount, target: "" }] });
    const ending = tasks.wait({ id });
    await tasks.start({ id });
    const { exitStatus } = await ending;
    shown = (await streams.stdout.ended).stdout;
    const { stdout: errors } = await streams.stderr.ended;
    assert.is(exitStatus, 0, errors);
    await tasks.delete({ id });
    assert.not.match(readFileSync("/proc/self/mountinfo", "utf8"), `${bundle}/rootfs`);
  });
  return shown;
}

runTests({ atEnd: async () => events.stop() });
