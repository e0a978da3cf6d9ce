// `process` of config.json, as the program sees it: environment, identity, limits, privileges.

import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Patch } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { statusFields } from "../support/process.ts";
import { newRootfs } from "../support/rootfs.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

const user1000 = { user: { uid: 1000, gid: 1001 } };

async function status(patch: Patch): Promise<Record<string, string>> {
  return statusFields(await inside("cat /proc/self/status", patch));
}

function mask(...numbers: number[]): string {
  const bits = numbers.reduce((sum, number) => sum | (1n << BigInt(number)), 0n);
  return bits.toString(16).padStart(16, "0");
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

test("the environment is the configured one, and HOME from the image's passwd", async () => {
  const env = ["PATH=/bin", "A=1", "EMPTY=", "SPACE=a b=c"];
  const { stdout } = await run({ process: { args: ["/bin/env"], env } });
  assert.equal(stdout.trimEnd().split("\n").sort(), [...env, "HOME=/root"].sort());
});

test("a configured HOME is kept, and a user without one gets /", async () => {
  const home = { process: { env: ["PATH=/bin", "HOME=/tmp"] } };
  assert.is(await inside("echo $HOME", home), "/tmp\n");
  assert.is(await inside("echo $HOME", { process: user1000 }), "/\n");
});

test("args[0] is looked up in the configured PATH and stays as written in argv", async () => {
  const { stdout } = await run({ process: { args: ["cat", "/proc/self/cmdline"] } });
  assert.is(stdout, "cat\0/proc/self/cmdline\0");
});

test("arguments pass through unchanged, empty ones and odd characters too", async () => {
  const odd = ["", " ", "a\nb", "'\"$(x)`", "é€😀", "-n"];
  const args = ["/bin/sh", "-c", "cat /proc/1/cmdline; exit", "sh", ...odd];
  const { stdout } = await run({ process: { args } });
  assert.equal(stdout.split("\0"), [...args, ""]);
});

test("the program starts in cwd", async () => {
  assert.is(await inside("pwd", { process: { cwd: "/etc" } }), "/etc\n");
});

test("a missing cwd is made, with mode 0755", async () => {
  const rootfs = newRootfs();
  const patch = { root: { path: rootfs }, process: { cwd: "/deep/er" } };
  assert.is(await inside("pwd", patch), "/deep/er\n");
  assert.is(statSync(join(rootfs, "deep/er")).mode & 0o7777, 0o755);
});

test("a cwd that only root may enter serves a root program, and one of the user's serves the user", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "closed"), { mode: 0o700 });
  const closed = { root: { path: rootfs }, process: { cwd: "/closed" } };
  assert.is(await inside("pwd", closed), "/closed\n");
});

test("user, group and additional groups are the configured numbers", async () => {
  const user = { uid: 1000, gid: 1001, additionalGids: [5, 6, 70000] };
  const fields = await status({ process: { user } });
  assert.equal(words(fields["Uid"] ?? ""), ["1000", "1000", "1000", "1000"]);
  assert.equal(words(fields["Gid"] ?? ""), ["1001", "1001", "1001", "1001"]);
  assert.equal(
    words(fields["Groups"] ?? "")
      .map(Number)
      .sort((a, b) => a - b),
    [5, 6, 70000],
  );
});

test("without additionalGids the program has no supplementary groups", async () => {
  const { Groups: groups } = await status({ process: user1000 });
  assert.is(groups, "");
});

test("umask is 0022 unless configured", async () => {
  assert.is(await inside("umask"), "0022\n");
  const through = ["sh", "-c", 'umask 0077; exec "$@"', "sh"];
  assert.is(await inside("umask", {}, { through }), "0022\n");
  const patch = { process: { user: { uid: 0, gid: 0, umask: 0o27 } } };
  assert.is(await inside("umask", patch), "0027\n");
});

test("the five capability sets are the configured ones", async () => {
  const fields = await status({
    process: {
      capabilities: {
        bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_CHROOT"],
        permitted: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
        effective: ["CAP_CHOWN", "CAP_KILL"],
        inheritable: ["CAP_NET_RAW", "CAP_CHOWN"],
        ambient: ["CAP_CHOWN"],
      },
      user: { uid: 1000, gid: 1000 },
    },
  });
  assert.is(fields["CapBnd"], mask(0, 5, 13, 18));
  assert.is(fields["CapInh"], mask(0, 13));
  assert.is(fields["CapAmb"], mask(0));
  assert.is(fields["CapPrm"], mask(0));
  assert.is(fields["CapEff"], mask(0));
});

test("root gets its bounding set, or what it was permitted with noNewPrivileges", async () => {
  const capabilities = {
    bounding: ["CAP_KILL", "CAP_CHOWN", "CAP_SYS_ADMIN"],
    permitted: ["CAP_KILL"],
    effective: ["CAP_KILL"],
  };
  const open = await status({ process: { capabilities, noNewPrivileges: false } });
  assert.is(open["CapEff"], mask(0, 5, 21));
  const closed = await status({ process: { capabilities, noNewPrivileges: true } });
  assert.is(closed["CapPrm"], mask(5));
  assert.is(closed["CapEff"], mask(5));
});

test("another user than root gets no capability but ambient ones", async () => {
  const names = ["CAP_KILL", "CAP_SYS_ADMIN"];
  const capabilities = { bounding: names, permitted: names, effective: names };
  for (const noNewPrivileges of [true, false]) {
    const fields = await status({ process: { capabilities, noNewPrivileges, ...user1000 } });
    assert.is(fields["CapPrm"], mask());
    assert.is(fields["CapEff"], mask());
    assert.is(fields["CapBnd"], mask(5, 21));
  }
});

test("without capabilities the program has none, not even as root", async () => {
  if (foreignRuntime) return;
  const fields = await status({ process: { capabilities: undefined } });
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    assert.is(fields[set], mask(), set);
  }
});

test("capabilities that are unknown or cannot be given are one warning, and the rest is given", async () => {
  const names = ["CAP_KILL", "CAP_NO_SUCH_THING"];
  const capabilities = { bounding: names, permitted: names, effective: names };
  const patch = withScript("cat /proc/self/status", { process: { capabilities } });
  const { code, stdout, stderr } = await run(patch);
  assert.is(code, 0, stderr);
  assert.is(statusFields(stdout)["CapEff"], mask(5));
  assert.is(stderr.split("CAP_NO_SUCH_THING").length, 2, stderr);
  assert.match(stderr, /warn/);
  shows("config.process.capabilities.warning", "config.process.capabilities.no-failure");
  shows("runtime.warnings.go-on");
});

test("limits are the configured ones, soft and hard", async () => {
  const rlimits = [
    { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
    { type: "RLIMIT_CORE", soft: 0, hard: 4096 },
    { type: "RLIMIT_STACK", soft: 4194304, hard: 4194304 },
    { type: "RLIMIT_FSIZE", soft: 1048576, hard: 1048576 },
  ];
  const limits = await inside("cat /proc/self/limits", { process: { rlimits } });
  assert.match(limits, /Max open files +100 +200 /);
  assert.match(limits, /Max core file size +0 +4096 /);
  assert.match(limits, /Max stack size +4194304 +4194304 /);
  assert.match(limits, /Max file size +1048576 +1048576 /);
  shows("config.process.rlimits.getrlimit", "config.process.rlimits.soft.applied");
  shows("config.process.rlimits.hard.applied");
});

test("limits so low that only the program can live with them are set", async () => {
  const rlimits = [
    { type: "RLIMIT_NOFILE", soft: 3, hard: 3 },
    { type: "RLIMIT_AS", soft: 16777216, hard: 16777216 },
    { type: "RLIMIT_DATA", soft: 4194304, hard: 4194304 },
    { type: "RLIMIT_CPU", soft: 1, hard: 1 },
    { type: "RLIMIT_NPROC", soft: 1, hard: 1 },
    { type: "RLIMIT_MEMLOCK", soft: 0, hard: 0 },
  ];
  const { code, stdout, stderr } = await run(withScript("echo alive", { process: { rlimits } }));
  assert.equal({ code, stdout, stderr }, { code: 0, stdout: "alive\n", stderr: "" });
});

test("a limit given twice, or of an unknown type, is an error", async () => {
  if (foreignRuntime) return;
  const one = { type: "RLIMIT_CORE", soft: 0, hard: 0 };
  const twice = await run({ process: { rlimits: [one, one] } });
  assert.is(twice.code, 1);
  assert.match(twice.stderr, /RLIMIT_CORE/);
  const unknown = await run({ process: { rlimits: [{ ...one, type: "RLIMIT_X" }] } });
  assert.is(unknown.code, 1);
  assert.match(unknown.stderr, /\/process\/rlimits\/0\/type/);
  shows("config.process.rlimits.type.unknown", "config.process.rlimits.duplicate");
});

test("noNewPrivileges is as configured", async () => {
  for (const noNewPrivileges of [true, false]) {
    const fields = await status({ process: { noNewPrivileges } });
    assert.is(fields["NoNewPrivs"], noNewPrivileges ? "1" : "0");
  }
});

test("oomScoreAdj is set when given, zero too, and else the caller's", async () => {
  const through = ["sh", "-c", 'echo 300 > /proc/self/oom_score_adj; exec "$@"', "sh"];
  const text = "cat /proc/self/oom_score_adj";
  assert.is(await inside(text, {}, { through }), "300\n");
  for (const oomScoreAdj of [0, 500, 1000]) {
    assert.is(await inside(text, { process: { oomScoreAdj } }, { through }), `${oomScoreAdj}\n`);
  }
  shows("config.process.oomScoreAdj", "config.process.oomScoreAdj.absent");
});

test("a program of a user without rights to read it all the same runs", async () => {
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "etc/secret"), "x", { mode: 0o600 });
  const patch = { root: { path: rootfs }, process: user1000 };
  const outcome = await run(withScript("id -u; id -g; cat /etc/secret", patch));
  assert.is(outcome.stdout, "1000\n1001\n");
  assert.match(outcome.stderr, /Permission denied/);
});

test("the program is the leader of a new session and has pid 1", async () => {
  const stat = await inside("cat /proc/self/stat; echo $$");
  const [pid, , , , group, session] = stat.split(" ");
  assert.is(stat.split("\n")[1], "1");
  assert.ok(Number(pid) > 0);
  assert.is(group, "1");
  assert.is(session, "1");
});

test("standard streams that the container's user owns can be opened again through /proc", async () => {
  const { code, stdout, stderr } = await run(
    withScript("echo x > /proc/self/fd/1", { process: user1000 }),
  );
  assert.equal({ code, stdout }, { code: 0, stdout: "x\n" }, stderr);
});

runTests();
