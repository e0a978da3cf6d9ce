// An exec of the shim's: its child plays what has been recorded. What it comes to is what `runt exec`
// makes of the same steps by walking them, and where a tape will not do the shim walks them too.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { type Patch, script } from "../support/bundle.ts";
import { freshDirectory, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { type Shim, withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { processSpec } from "../support/shim-exec.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

const endless = script("while :; do sleep 1; done");

/** What the kernel says of a process, without what no two have in common. */
const facts = [
  "grep -vE '^(Name|State|Tgid|Pid|Ngid|PPid|NStgid|NSpid|NSpgid|NSsid|Vm|Rss|Hugetlb|voluntary|nonvoluntary|Threads|SigQ|TracerPid|FDSize|THP|x86|Speculation|Mems|Cpus)' /proc/self/status",
  "cat /proc/self/cgroup /proc/self/limits /proc/self/oom_score_adj /proc/self/timerslack_ns",
  "pwd; ls /proc/self/fd; readlink /proc/$$/exe; readlink /proc/self/ns/*; env | sort",
].join("; ");

let last = 0;

/** Output of an exec, and why it could not be played. */
async function played(
  { tasks, id, log }: Shim,
  args: readonly string[],
  more: Patch = {},
): Promise<{ text: string; refusal: string | undefined }> {
  const streams = clientStreams();
  const place = { id, execId: `e${++last}` };
  const before = log().length;
  await tasks.exec({ ...place, ...streams.names, spec: processSpec(args, more) });
  await tasks.start(place);
  await tasks.wait(place);
  await tasks.delete(place);
  await Promise.all([streams.stdout.ended, streams.stderr.ended]);
  const [, refusal] = /no tape: ([^"]*)/.exec(log().slice(before)) ?? [];
  return { refusal, text: streams.stdout.stdout() + streams.stderr.stdout() };
}

/** The same by `runt exec`, into pipes as well; with CPUs of its own it has to walk. */
async function walked({ id }: Shim, args: readonly string[], more: Patch = {}): Promise<string> {
  const file = join(freshDirectory(), "process.json");
  writeFileSync(file, processSpec(args, { execCPUAffinity: { final: "0" }, ...more }).value);
  const root = join(room.shimRoot, "default");
  const { stdout, stderr } = await runt(["--debug", "exec", "--process", file, id], { root });
  assert.match(stderr, /no tape: not every step can be recorded/);
  return stdout + stderr.replaceAll(/^(time=| ).*\n/gm, "");
}

async function running(shim: Shim): Promise<void> {
  await shim.create();
  await shim.tasks.start({ id: shim.id });
}

test("an exec that is played is one that was walked, in all that the kernel says of it", async () => {
  const processes: [string, Patch][] = [
    ["as root", { capabilities: { bounding: ["CAP_KILL"], permitted: ["CAP_KILL"] } }],
    ["as a user", { user: { uid: 1000, gid: 1001, umask: 0o27, additionalGids: [7, 8] } }],
    [
      "with rights",
      {
        user: { uid: 1000, gid: 1000 },
        capabilities: {
          bounding: ["CAP_CHOWN", "CAP_KILL"],
          permitted: ["CAP_CHOWN", "CAP_KILL"],
          inheritable: ["CAP_KILL"],
          effective: ["CAP_CHOWN"],
          ambient: ["CAP_KILL"],
        },
        noNewPrivileges: true,
      },
    ],
    ["with tasks", { rlimits: [{ type: "RLIMIT_NPROC", soft: 20_000, hard: 20_000 }] }],
    [
      "with limits",
      {
        cwd: "/tmp",
        env: ["PATH=/nowhere:/bin", "HOME=/tmp", "A=b"],
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
        oomScoreAdj: 500,
      },
    ],
  ];
  const seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 30 }],
  };
  const patch = { process: endless, linux: { seccomp } };
  await withShim({ patch, debug: true }, async (shim) => {
    await running(shim);
    const args = ["sh", "-c", `${facts}; mkdir /x`];
    // What it looks for is in the kernel's caches from here on.
    for (const [, more] of processes) await walked(shim, args, more);
    for (const [name, more] of processes) {
      const process = { oomScoreAdj: 300, capabilities: {}, ...more };
      const { text, refusal } = await played(shim, args, process);
      assert.is(refusal, undefined, name);
      assert.match(text, /Read-only file system/);
      assert.is(text, await walked(shim, args, process), name);
    }
  });
});

test("a program that cannot be executed is refused in the words of one who walked", async () => {
  await withShim({ patch: { process: endless } }, async (shim) => {
    await running(shim);
    const refusals: [string[], Patch, RegExp][] = [
      [["nothing"], {}, /executable file not found in \$PATH/],
      [["/etc/passwd"], {}, /permission denied/],
      [["/no/where"], {}, /no such file or directory/],
      [["true"], { cwd: "/no/where" }, /chdir.*no such file or directory/],
      [["true"], { rlimits: [{ type: "RLIMIT_NOFILE", soft: 9e9, hard: 9e9 }] }, /RLIMIT_NOFILE/],
    ];
    for (const [args, more, message] of refusals) {
      const answer = await played(shim, args, more).catch(String);
      assert.match(String(answer), message);
    }
    assert.is((await played(shim, ["echo", "on"])).text, "on\n");
  });
});

test("a program is the first of PATH that can be executed", async () => {
  await withShim({ patch: { process: endless } }, async (shim) => {
    await running(shim);
    const make =
      "mkdir -p /tmp/1 /tmp/2/say /tmp/3 /tmp/4; echo echo three >/tmp/3/say; touch /tmp/1/say;" +
      "sed -i '1i #!/bin/sh' /tmp/3/say; chmod +x /tmp/3/say; busybox cp /tmp/3/say /tmp/4";
    await played(shim, ["sh", "-c", make]);
    const env = ["PATH=/tmp/0:/tmp/1:/tmp/2:/etc/passwd:/tmp/3:/tmp/4:/bin"];
    for (let round = 0; round < 2; round++) {
      assert.is((await played(shim, ["say"], { env })).text, "three\n");
    }
  });
});

test("an init that has changed its root keeps that to itself", async () => {
  const jail =
    "mkdir -p /tmp/jail/bin; busybox cp /bin/busybox /tmp/jail/bin/; touch /tmp/jail/in;" +
    "exec busybox chroot /tmp/jail /bin/busybox sh -c 'while :; do busybox sleep 1; done'";
  const capabilities = ["CAP_SYS_CHROOT"];
  const rights = { bounding: capabilities, permitted: capabilities, effective: capabilities };
  const process = { ...script(jail), capabilities: rights };
  await withShim({ patch: { process }, debug: true }, async (shim) => {
    await running(shim);
    const list = ["sh", "-c", "pwd; ls -d /tmp/jail/in /in"];
    await waitUntil("the jail", async () => (await played(shim, list)).text.includes("jail/in"));
    await waitUntil(
      "chroot",
      async () => (await played(shim, ["true"])).refusal === "another root",
    );
    const { text } = await played(shim, list);
    assert.match(text, /^\/\n\/tmp\/jail\/in\n/);
    assert.match(text, /\/in: No such file/);
  });
});

runTests({ atEnd: async () => events.stop() });
