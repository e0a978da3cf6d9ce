// A process that comes to a container by exec meets whoever is there: it shows nothing of the host's
// (CVE-2016-9962), our program is out of reach (CVE-2019-5736), its working directory is inside
// (CVE-2024-21626), and it brings no inheritable capabilities (CVE-2022-29162).

import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import {
  defaultMounts,
  inUserNamespace,
  type Json,
  type Patch,
  script,
} from "../support/bundle.ts";
import { compileC } from "../support/compile-c.ts";
import { withContainer } from "../support/container.ts";
import { statusFields } from "../support/process.ts";
import { room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt, runtime } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const ROUNDS = process.env["SOAK"] === "1" ? 500 : 25;
const tracer = compileC("tracer", room.directory, ["-static"]);
/** A file that only the host has. */
const secret = join(room.directory, "secret");
writeFileSync(secret, "the host's\n");
const up = `${"../".repeat(30)}${secret.slice(1)}`;

function capabilities(...names: string[]): Json {
  return { bounding: names, effective: names, permitted: names };
}

/** Executes a program again and again beside a tracer; what the tracer has met. */
async function traced(patch: Patch, program: string, mask: string[] = []): Promise<string> {
  if ("reason" in tracer) throw new Error(tracer.reason);
  const rootfs = newRootfs();
  copyFileSync(tracer.program, join(rootfs, "bin/tracer"));
  // Who may not read a program may not trace it either: whoever is traced is ours.
  copyFileSync("/bin/busybox", join(rootfs, "bin/busybox-unreadable"));
  chmodSync(join(rootfs, "bin/busybox-unreadable"), 0o111);

  const { process: more, ...rest } = patch;
  const args = ["/bin/tracer", secret, ...mask];
  let output = "";
  const whole = { ...rest, root: { path: rootfs }, process: { args, ...Object(more) } };
  await withContainer(whole, async ({ id, create, does }) => {
    await does("start");
    await waitUntil("the tracer", () => create.stdout().includes("ready"));
    for (let round = 0; round < ROUNDS; round++) {
      const { code, stderr } = await runt(["exec", id, program, "sleep", "0.01"]);
      assert.is(code, 0, stderr);
    }
    writeFileSync(join(rootfs, "stop"), "");
    await waitUntil("the end of the tracer", () => create.stdout().includes("seen"));
    output = create.stdout();
  });
  return output;
}

function met(output: string): number {
  return Number(/^seen (\d+)$/m.exec(output)?.[1] ?? 0);
}

function tests(): void {
  test("root of a user namespace traces nobody on the way to a program (CVE-2016-9962)", async () => {
    const process = { capabilities: capabilities("CAP_SYS_PTRACE") };
    const output = await traced({ linux: inUserNamespace, process }, "/bin/busybox-unreadable");
    assert.not.match(output, /READ|TRACED/);
    assert.ok(met(output) >= ROUNDS / 2, output);
  });

  test("nobody in a container ever has more rights than its programs, nor the host's files", async () => {
    const process = { capabilities: capabilities("CAP_SYS_PTRACE", "CAP_KILL") };
    // CAP_KILL is 5, CAP_SYS_PTRACE 19.
    const output = await traced({ process }, "/bin/busybox", ["80020"]);
    assert.not.match(output, /POWER|READ/);
    assert.ok(met(output) >= ROUNDS / 2, output);
  });
}

if ("reason" in tracer) skip("nobody traces a process that comes", tracer.reason);
else tests();

test("our program cannot be written to by whoever catches it (CVE-2019-5736)", async () => {
  const folder = join(dirname(runtime), "libexec");
  const fingerprints = (): string[] =>
    [runtime, ...readdirSync(folder).map((name) => join(folder, name))].map(
      (file) => `${file} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`,
    );
  const before = fingerprints();
  // Whatever does not run busybox is ours: it is kept open, and opened for writing when it is gone.
  const attack = `
    echo ready
    while :; do
      for p in /proc/[0-9]*; do
        case $(readlink $p/exe) in */busybox|'') continue;; esac
        (echo >> $p/exe) && echo WRITTEN directly
        if command exec 3< $p/exe; then
          echo caught
          (echo >> /proc/self/fd/3) && echo WRITTEN at once
          sleep 0.1
          (echo >> /proc/self/fd/3) && echo WRITTEN later
          exec 3<&-
        fi
      done
    done 2> /dev/null`;
  const libraries = ["/lib", "/lib64", "/usr/lib"]
    .filter((path) => existsSync(path))
    .map((path): Json => ({ destination: path, source: path, options: ["rbind", "ro"] }));
  const rootfs = newRootfs();
  // With the host's libraries our own program runs in there: longer, and at an attacker's word.
  writeFileSync(join(rootfs, "bin/us"), "#!/proc/self/exe\n", { mode: 0o755 });
  symlinkSync("/proc/self/exe", join(rootfs, "bin/link"));
  const everything = ["CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_KILL"];
  const patch: Patch = {
    root: { path: rootfs },
    mounts: [...defaultMounts, ...libraries],
    process: { ...script(attack), capabilities: capabilities(...everything) },
  };
  await withContainer(patch, async ({ id, create, does }) => {
    await does("start");
    await waitUntil("the attack", () => create.stdout().includes("ready"));
    const caught = (): boolean => create.stdout().includes("caught");
    for (let round = 0; round < 10 || (round < 200 && !caught()); round++) {
      await runt(["exec", id, "true"]);
      assert.is.not((await runt(["exec", id, "/bin/us"])).code, 0);
    }
    for (const program of ["/proc/self/exe", "/proc/1/exe", "/bin/link"]) {
      const { code, stderr } = await runt(["exec", id, program, "--version"]);
      assert.is(code, 255, program);
      assert.match(stderr, /exec: /);
    }
    assert.ok(caught(), "the attack was really tried");
    assert.not.match(create.stdout(), /WRITTEN/);
  });
  assert.equal(fingerprints(), before);
});

test("a working directory behind a descriptor is refused or inside (CVE-2024-21626)", async () => {
  const rootfs = newRootfs();
  for (let fd = 3; fd < 24; fd++) symlinkSync(`/proc/self/fd/${fd}`, join(rootfs, `fd${fd}`));
  const patch = { root: { path: rootfs }, process: { args: ["/bin/sleep", "1000"] } };
  await withContainer(patch, async ({ id, does }) => {
    await does("start");
    const places = ["/proc/self/cwd", "/proc/self/root", "/proc/1/root/.."];
    for (let fd = 3; fd < 24; fd++) places.push(`/proc/self/fd/${fd}`, `/fd${fd}`);
    for (const cwd of places) {
      const { code, stdout } = await runt(["exec", "--cwd", cwd, id, "sh", "-c", `cat ${up}; pwd`]);
      assert.not.match(stdout, /the host's/, cwd);
      if (code !== 255) assert.match(stdout, /^\//, cwd);
    }
    const { stdout } = await runt(["exec", id, "sh", "-c", "ls /proc/self/fd"]);
    // 3 is the one that ls reads.
    assert.is(stdout, "0\n1\n2\n3\n");
  });
});

test("--cap makes nothing inheritable, nor ambient (CVE-2022-29162)", async () => {
  const sleeping = { args: ["/bin/sleep", "1000"] };
  const sets = async (id: string): Promise<(string | undefined)[]> => {
    const command = ["exec", "--cap", "CAP_NET_RAW", id, "cat", "/proc/self/status"];
    const fields = statusFields((await runt(command)).stdout);
    return ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => fields[name]);
  };
  await withContainer({ process: sleeping }, async ({ id, does }) => {
    await does("start");
    const more = "0000000020002420";
    const none = "0000000000000000";
    assert.equal(await sets(id), [none, more, more, more, none]);
  });
  // Where the container itself has said so, it is.
  const names = ["CAP_KILL", "CAP_NET_RAW"];
  const all = { ...Object(capabilities("CAP_KILL", "CAP_NET_RAW")), inheritable: names };
  await withContainer({ process: { ...sleeping, capabilities: all } }, async ({ id, does }) => {
    await does("start");
    const [inheritable, , , , ambient] = await sets(id);
    assert.equal([inheritable, ambient], ["0000000000002020", "0000000000002000"]);
  });
});

runTests();
