// maskedPaths and readonlyPaths.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts } from "../support/bundle.ts";
import { inside, run } from "../support/container.ts";
import { mountAt } from "../support/mountinfo.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

/** A root filesystem with something to hide and protect. */
function furnished(): { root: { path: string } } {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "data/sub"), { recursive: true });
  writeFileSync(join(rootfs, "data/file"), "text\n");
  writeFileSync(join(rootfs, "data/sub/other"), "text\n");
  return { root: { path: rootfs } };
}

test("a masked file is empty and cannot be written", async () => {
  const patch = { ...furnished(), linux: { maskedPaths: ["/data/file"] } };
  const text = "cat /data/file; echo x > /data/file; cat /data/file; stat -c %F /data/file";
  assert.is(await inside(text, patch), "character special file\n");
});

test("a masked directory is empty and read-only", async () => {
  const patch = { ...furnished(), linux: { maskedPaths: ["/data"] } };
  const text = "ls -A /data; touch /data/x 2> /dev/null || echo refused";
  assert.is(await inside(text, patch), "refused\n");
});

test("missing and repeated masked and read-only paths are no errors", async () => {
  const list = ["/no/such/path", "/data", "/data", "/data/file/below-a-file"];
  const patch = { ...furnished(), linux: { maskedPaths: list, readonlyPaths: list } };
  assert.is(await inside("ls -A /data; echo ran", patch), "ran\n");
});

test("a masked path inside of a read-only one is masked", async () => {
  const linux = { readonlyPaths: ["/data"], maskedPaths: ["/data/sub"] };
  const text = "cat /data/file; ls -A /data/sub; touch /data/x 2> /dev/null || echo refused";
  assert.is(await inside(text, { ...furnished(), linux }), "text\nrefused\n");
});

test("a read-only path can be read and not written, the rest can", async () => {
  const patch = { ...furnished(), linux: { readonlyPaths: ["/data/sub", "/data/file"] } };
  const text =
    "cat /data/sub/other /data/file; echo x > /data/file; touch /data/sub/x; touch /data/x && echo rest";
  assert.is(await inside(`(${text}) 2> /dev/null`, patch), "text\ntext\nrest\n");
});

test("a read-only path keeps the flags of the mount that it lies on", async () => {
  const patch = { linux: { readonlyPaths: ["/proc/sys", "/sys/kernel"] } };
  const text = await inside("cat /proc/self/mountinfo", patch);
  assert.ok(mountAt(text, "/proc/sys").options.includes("ro"));
  for (const flag of ["ro", "nosuid", "nodev", "noexec"]) {
    assert.ok(mountAt(text, "/sys/kernel").options.includes(flag), flag);
  }
});

test("a masked path behind a symlink masks what is inside of the image", async () => {
  const { root } = furnished();
  symlinkSync("/../../../data/file", join(root.path, "link"));
  const patch = { root, linux: { maskedPaths: ["/link"] } };
  assert.is(await inside("cat /data/file /link", patch), "");
});

test("what overlaps is masked, in any order, over files, mounts and links, and stays so", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "dir/sub"), { recursive: true });
  for (const name of ["dir/file", "dir/sub/file", "one", "two", "ro"]) {
    writeFileSync(join(rootfs, name), "secret\n");
  }
  symlinkSync("/one", join(rootfs, "link"));
  symlinkSync("/no/such", join(rootfs, "dangling"));
  const maskedPaths = [
    ...["/dir/sub/file", "/dir", "/dir/file", "/link", "/dangling", "/two/below", "/ro"],
    ...["/volume", "/dev/shm", "/two/"],
  ];
  const readonlyPaths = ["/ro", "/dangling", "/bin", "/dir/sub", "/none"];
  const volume = { destination: "/volume", type: "tmpfs", source: "tmpfs" };
  const text = `
ls /dir | wc -l; cat /one /link /two /ro; stat -c '%t:%T' /one /two /ro
for at in /dir/x /volume/x /dev/shm/x /bin/x; do touch $at 2>/dev/null && echo bad; done
echo x > /ro; [ -L /link ] && [ -L /dangling ] && ls / | tr '\\n' ' '`;
  const stdout = await inside(text, {
    root: { path: rootfs },
    mounts: [...defaultMounts, volume],
    linux: { maskedPaths, readonlyPaths },
  });
  const names = "bin dangling dev dir etc link one proc ro sys tmp two volume ";
  assert.is(stdout, `0\n1:3\n1:3\n1:3\n${names}`);
});

test("runc's default lists can be applied", async () => {
  const linux = {
    maskedPaths: [
      ...["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats"],
      ...[
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/sys/firmware",
        "/proc/scsi",
      ],
    ],
    readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
  };
  const text = "cat /proc/keys; echo 1 > /proc/sys/kernel/printk || echo refused";
  assert.is(await inside(text, { linux }), "refused\n");
});

test("relative masked and read-only paths are errors", async () => {
  for (const name of ["maskedPaths", "readonlyPaths"]) {
    const { code, stderr } = await run({ linux: { [name]: ["data"] } });
    if (foreignRuntime) continue;
    assert.is(code, 1);
    assert.match(stderr, new RegExp(`/linux/${name}/0`));
  }
  shows("linux.maskedPaths.absolute", "linux.readonlyPaths.absolute");
});

runTests();
