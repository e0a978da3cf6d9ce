// Our own program is out of a container's reach: CVE-2019-5736, CVE-2016-9962.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import type { Json, Patch } from "../support/bundle.ts";
import { run, withContainer, withScript } from "../support/container.ts";
import { room } from "../support/room.ts";
import { runtime } from "../support/runt.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const everything = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER KILL SETUID SETGID SYS_PTRACE SYS_ADMIN SYS_CHROOT" +
  " SYS_RAWIO NET_ADMIN MKNOD"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

const powerful: Patch = {
  noNewPrivileges: false,
  capabilities: { bounding: everything, effective: everything, permitted: everything },
};

/** Our program's files, and what is in them. */
function fingerprints(): string[] {
  const folder = join(dirname(runtime), "libexec");
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return [runtime, ...files].map(
    (file) => `${file} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`,
  );
}

/**
 * Watches all processes of its pid namespace. Of each one that does not run busybox it keeps the
 * program open, and tries to open that for writing: at once, and when the process has gone on.
 */
const attack = `
echo ready
n=0
while [ $n -lt 4000 ]; do
  n=$((n+1))
  for p in /proc/[0-9]*; do
    e=$(readlink $p/exe 2>/dev/null) || continue
    case $e in */busybox|'') continue;; esac
    (: >> $p/exe) 2>/dev/null && echo OPENED directly
    if exec 3< $p/exe; then
      echo caught $e
      (: >> /proc/self/fd/3) 2>/dev/null && echo OPENED at once
      sleep 0.3
      (: >> /proc/self/fd/3) 2>/dev/null && echo OPENED later
      exec 3<&-
    fi
  done
done 2>/dev/null`;

function joining(pid: number): Json[] {
  return [{ type: "mount" }, { type: "uts" }, { type: "pid", path: `/proc/${pid}/ns/pid` }];
}

test("a process of the container cannot open our program for writing (CVE-2019-5736)", async () => {
  const before = fingerprints();
  const attacker = withScript(attack, { process: powerful });
  await withContainer(attacker, async ({ create, state, does }) => {
    await does("start");
    await waitUntil("attack", () => create.stdout().includes("ready"));
    const { pid } = await state();
    for (let round = 0; round < 12; round++) {
      const patch = { process: { args: ["/bin/true"] }, linux: { namespaces: joining(pid) } };
      await withContainer(patch, async (victim) => {
        await Bun.sleep(60);
        await victim.does("start");
      });
    }
    const seen = create.stdout();
    assert.not.match(seen, /OPENED/);
    // With every capability it sees init, so that the attack was really tried.
    if (!foreignRuntime) assert.match(seen, /caught/);
  });
  assert.equal(fingerprints(), before);
});

test("a container whose program is /proc/self/exe cannot change ours", async () => {
  const before = fingerprints();
  for (const path of ["/proc/self/exe", "/proc/1/exe"]) {
    const { code } = await run({ process: { args: [path, "--version"] } });
    assert.is.not(code, 0);
  }
  const withLibraries = ["/lib", "/lib64", "/usr/lib"].filter((path) => existsSync(path));
  const mounts: Json[] = withLibraries.map((path) => ({
    destination: path,
    source: path,
    options: ["rbind", "ro"],
  }));
  const proc = { destination: "/proc", type: "proc", source: "proc" };
  await run({
    mounts: [proc, ...mounts],
    process: { ...powerful, args: ["/proc/self/exe", "--version"] },
  });
  assert.equal(fingerprints(), before);
});

test("the program's files are not mounted in the container, nor open in it", async () => {
  const text = "cat /proc/self/mountinfo; ls -l /proc/1/fd /proc/self/fd; cat /proc/self/maps";
  const { stdout } = await run(withScript(text));
  assert.not.match(stdout, /libexec|koffi/);
});

test("descriptors of an init that waits are closed to processes of its pid namespace (CVE-2016-9962)", async () => {
  const marker = join(room.directory, "marker");
  const climb = "../".repeat(20);
  writeFileSync(marker, "");
  const text = `
echo ready
n=0
while [ $n -lt 4000 ]; do
  n=$((n+1))
  for p in /proc/[0-9]*; do
    grep -q busybox $p/maps && continue
    for f in $p/fd/[3-9] $p/fd/[1-9][0-9]; do
      t=$(readlink $f) && echo LEAK $f $t
    done
    cat $p/root${marker} && echo LEAK root $p
    cat $p/cwd/${climb}${marker} && echo LEAK cwd $p
  done
done 2>/dev/null`;
  await withContainer(withScript(text), async ({ create, state, does }) => {
    await does("start");
    await waitUntil("attack", () => create.stdout().includes("ready"));
    const { pid } = await state();
    for (let round = 0; round < 8; round++) {
      const patch = { process: { args: ["/bin/true"] }, linux: { namespaces: joining(pid) } };
      await withContainer(patch, async (victim) => {
        await Bun.sleep(60);
        await victim.does("start");
      });
    }
    const leaks = create
      .stdout()
      .split("\n")
      .filter((line) => line.startsWith("LEAK"));
    assert.equal(leaks.slice(0, 5), []);
  });
});

runTests();
