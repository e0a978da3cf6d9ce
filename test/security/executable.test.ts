// Our own program is out of a container's reach: CVE-2019-5736, CVE-2016-9962.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { type Json, type Patch, script } from "../support/bundle.ts";
import { run, withContainer, withScript } from "../support/container.ts";
import { ordinaryUser, rootless, rootlessMounts, userRootfs } from "../support/ordinary-user.ts";
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
function fingerprints(folder = join(dirname(runtime), "libexec")): string[] {
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
while [ $n -lt 100000 ]; do
  n=$((n+1))
  for p in /proc/[0-9]*; do
    e=$(readlink $p/exe 2>/dev/null) || continue
    case $e in */busybox|'') continue;; esac
    (: >> $p/exe) 2>/dev/null && echo OPENED directly
    if command exec 3< $p/exe; then
      echo caught $e
      (: >> /proc/self/fd/3) 2>/dev/null && echo OPENED at once
      sleep 0.3
      (: >> /proc/self/fd/3) 2>/dev/null && echo OPENED later
      exec 3<&-
    fi
  done
done 2>/dev/null`;

/** With the host's libraries our program runs in a container. */
function hostLibraries(): Json[] {
  const folders = ["/lib", "/lib64", "/usr/lib"].filter((path) => existsSync(path));
  return folders.map((path) => ({ destination: path, source: path, options: ["rbind", "ro"] }));
}

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
  const proc = { destination: "/proc", type: "proc", source: "proc" };
  await run({
    mounts: [proc, ...hostLibraries()],
    process: { ...powerful, args: ["/proc/self/exe", "--version"] },
  });
  assert.equal(fingerprints(), before);
});

test("a container of the program's own owner cannot change it, nor its mount", async () => {
  const as = ordinaryUser();
  const folder = join(dirname(as.runtime), "libexec");
  const before = fingerprints(folder);
  const capabilities = {
    bounding: [...everything, "CAP_SYS_RESOURCE"],
    effective: [...everything, "CAP_SYS_RESOURCE"],
    permitted: [...everything, "CAP_SYS_RESOURCE"],
  };
  const mine = (process: Patch, patch: Patch = {}): Patch =>
    rootless({ ...patch, process: { ...process, noNewPrivileges: false, capabilities } });
  // A mount could be made writable by who holds it: by its path, or as a copy.
  const more = `
for p in /proc/[0-9]*; do
  case $(readlink $p/exe) in */busybox|'') continue;; esac
  mount -o remount,bind,rw none $p/exe && echo OPENED by remount
  mount -o bind $p/exe /tmp/copy && (: >> /tmp/copy) && echo OPENED as a copy
done 2>/dev/null`;
  const text = `touch /tmp/copy\n${attack.replace("for p in", `${more}\n  for p in`)}`;
  const mounts = [...rootlessMounts, { destination: "/tmp", type: "tmpfs", source: "tmpfs" }];
  await withContainer(
    mine(script(text), { mounts }),
    async ({ create, state, does }) => {
      await does("start");
      await waitUntil("attack", () => create.stdout().includes("ready"));
      const { pid } = await state();
      const namespaces = [
        { type: "mount" },
        { type: "uts" },
        { type: "user", path: `/proc/${pid}/ns/user` },
        { type: "pid", path: `/proc/${pid}/ns/pid` },
      ];
      const linux = { namespaces, uidMappings: undefined, gidMappings: undefined };
      for (let round = 0; round < 5; round++) {
        const victim = rootless({ process: { args: ["/bin/true"] }, linux });
        await withContainer(
          victim,
          async ({ does: told }) => {
            await Bun.sleep(60);
            await told("start");
          },
          { as },
        );
      }
      const seen = create.stdout();
      assert.not.match(seen, /OPENED/);
      // Who joins hides before: the attack does not even find the program.
      if (!foreignRuntime) assert.not.match(seen, /caught/);
    },
    { as },
  );
  assert.equal(fingerprints(folder), before);
});

test("an image whose entry point is the program, with a library of its own, cannot change it", async () => {
  const as = ordinaryUser();
  const folder = join(dirname(as.runtime), "libexec");
  const before = fingerprints(folder);
  const rootfs = userRootfs();
  writeFileSync(join(rootfs, "script"), "#!/proc/self/exe\n", { mode: 0o755 });
  // Runs before the program does, keeps it open, and goes on as another one until nobody runs it.
  const library = `
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void attack(void) {
  dup2(open("/proc/self/exe", O_RDONLY), 9);
  execl("/bin/sh", "sh", "-c", "sleep 0.5; (: >> /proc/self/fd/9) && echo OPENED; echo done", (char *)0);
}`;
  const build = ["gcc", "-shared", "-fPIC", "-xc", "-", "-o", join(rootfs, "evil.so")];
  assert.ok(Bun.spawnSync(build, { stdin: Buffer.from(library) }).success, "gcc fails");
  const env = ["PATH=/bin", "LD_PRELOAD=/evil.so"];
  const mounts = [...rootlessMounts, ...hostLibraries()];
  const entry = (path: string): Patch =>
    rootless({ root: { path: rootfs }, mounts, process: { args: [path], env } });
  const direct = await run(entry("/proc/self/exe"), { as });
  assert.is(direct.code, 1, "no program is found by a magic link");
  await withContainer(
    entry("/script"),
    async ({ create, does }) => {
      await does("start");
      await waitUntil("end of the attack", () => create.stdout().includes("done"));
      assert.not.match(create.stdout(), /OPENED/);
    },
    { as },
  );
  assert.equal(fingerprints(folder), before);
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
while [ $n -lt 100000 ]; do
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
