// `process` of config.json, as the program sees it: environment, identity, limits, privileges.

import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { config, inUserNamespace, type Patch, rawBundle } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { readProc, statusFields } from "../support/process.ts";
import { refusesPatch } from "../support/refusal.ts";
import { freshName } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

/** Whether the caller has CAP_SYS_RESOURCE. */
const mayRaise =
  (BigInt(`0x${statusFields(readProc("self", "status"))["CapEff"]}`) >> 24n) % 2n === 1n;

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

test("a cwd that only root may enter serves root, and every other user too", async () => {
  const rootfs = newRootfs();
  mkdirSync(join(rootfs, "closed"), { mode: 0o700 });
  const closed = { root: { path: rootfs }, process: { cwd: "/closed" } };
  assert.is(await inside("pwd", closed), "/closed\n");
  const others = { ...closed, process: { cwd: "/closed", ...user1000 } };
  assert.is(await inside("readlink /proc/self/cwd; id -u", others), "/closed\n1000\n");
});

test("a cwd that is no directory is an error of create", async () => {
  await refusesPatch({ process: { cwd: "/bin/busybox" } }, /\/process\/cwd.*not a directory/i);
});

/** A container of a rootfs with programs that cannot be executed, and the given first argument. */
function executing(args: string[], patch: Patch = {}): Patch {
  const rootfs = newRootfs();
  const put = (name: string, text: string, mode: number) =>
    writeFileSync(join(rootfs, "bin", name), text, { mode });
  put("plain", "#!/bin/sh\n", 0o644);
  put("no-shebang", "echo alive\n", 0o755);
  put("no-interpreter", "#!/bin/missing\n", 0o755);
  put("secret", "#!/bin/sh\n", 0o700);
  put("script", '#!/bin/sh\necho "$0" "$@"\n', 0o755);
  mkdirSync(join(rootfs, "bin/directory"));
  mkdirSync(join(rootfs, "desk/sub"), { recursive: true });
  writeFileSync(join(rootfs, "desk/sub/tool"), "#!/bin/sh\necho tool\n", { mode: 0o755 });
  symlinkSync("loop", join(rootfs, "bin/loop"));
  const old = patch["process"];
  return { ...patch, root: { path: rootfs }, process: { ...Object(old), args } };
}

// Callers take the exit code of their own command from these words.
const inexecutable: [what: string, args: string[], pattern: RegExp][] = [
  ["missing in PATH", ["nope"], /exec: \\?"nope\\?": executable file not found in \$PATH/],
  ["empty", [""], /exec: \\?"\\?": executable file not found in \$PATH/],
  [
    "missing",
    ["/bin/nope"],
    /exec: \\?"\/bin\/nope\\?": stat \/bin\/nope: no such file or directory/,
  ],
  [
    "missing below a file",
    ["/bin/plain/x"],
    /exec: \\?"\/bin\/plain\/x\\?".*no such file or directory/,
  ],
  ["relative and missing", ["./nope"], /exec: \\?"\.\/nope\\?".*no such file or directory/],
  [
    "a directory",
    ["/bin/directory"],
    /exec: \\?"\/bin\/directory\\?": is a directory \(permission denied\)/,
  ],
  ["a directory in PATH", ["directory"], /exec: \\?"directory\\?": is a directory/],
  ["not executable", ["/bin/plain"], /exec: \\?"\/bin\/plain\\?": permission denied/],
  ["not executable in PATH", ["plain"], /exec: \\?"plain\\?": permission denied/],
  [
    "a loop of links",
    ["/bin/loop"],
    /exec: \\?"\/bin\/loop\\?": too many levels of symbolic links/,
  ],
];

for (const [what, args, pattern] of inexecutable) {
  test(`a program that is ${what} is an error of create`, async () => {
    await refusesPatch(executing(args), pattern);
  });
}

test("what only execve can tell is an error of start, in the same words", async () => {
  const failing: [name: string, pattern: RegExp, patch?: Patch][] = [
    ["no-shebang", /exec: \\?"no-shebang\\?": exec format error/],
    ["no-interpreter", /exec: \\?"no-interpreter\\?": no such file or directory.*interpreter/],
    ["secret", /exec: \\?"secret\\?": permission denied/, { process: user1000 }],
  ];
  for (const [name, pattern, patch] of failing) {
    const { code, stdout, stderr } = await run(executing([name], patch));
    assert.equal([code, stdout], [1, ""]);
    assert.match(stderr, pattern);
  }
});

test("a program is looked up relative to cwd, and in relative entries of PATH", async () => {
  const cwd = "/desk";
  const output = async (args: string[], env: string[]): Promise<string> => {
    const { stdout, stderr } = await run(executing(args, { process: { cwd, env } }));
    return stdout + stderr;
  };
  assert.is(await output(["sub/tool"], ["PATH=/bin"]), "tool\n");
  assert.is(await output(["tool"], ["PATH=/nowhere:sub:/bin"]), "tool\n");
  assert.is(await output(["../bin/script", "a"], []), "/desk/../bin/script a\n");
});

test("a program that may not be executed is passed over for a later one of PATH", async () => {
  const patch = executing(["tool"], { process: { cwd: "/desk", env: ["PATH=/bin:sub"] } });
  writeFileSync(join(String(Object(patch["root"]).path), "bin/tool"), "", { mode: 0o644 });
  assert.is((await run(patch)).stdout, "tool\n");
});

test("HOME is found in strange files of users, and / where there is none", async () => {
  const home = async (passwd: string | undefined, env: string[] = []): Promise<string> => {
    const rootfs = newRootfs();
    const file = join(rootfs, "etc/passwd");
    rmSync(file);
    if (passwd !== undefined) writeFileSync(file, passwd);
    const process = { ...user1000, env: ["PATH=/bin", ...env] };
    return (await inside("echo $HOME", { root: { path: rootfs }, process })).trimEnd();
  };
  const lines = ["", "::::::", "# x:1000", "1000:x:0:0::/wrong:", "u:x:1000:1:U:/home/u:/bin/sh"];
  assert.is(await home(lines.join("\n")), "/home/u");
  assert.is(await home("u:x:1000:1:U:/no/newline"), "/no/newline");
  assert.is(await home("u:x:1000:1:U::/bin/sh\n"), "/");
  assert.is(await home("u:x:1000\n"), "/");
  assert.is(await home("\0\xff\n".repeat(1000)), "/");
  assert.is(await home(undefined), "/");
  assert.is(await home("u:x:1000:1:U:/home/u:\n", ["HOME="]), "/home/u");
  assert.is(await home("u:x:1000:1:U:/home/u:\n", ["HOME=/mine"]), "/mine");
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

test("as many groups are set as the kernel takes, and more are an error that tells how many", async () => {
  const user = (count: number) => ({
    ...user1000.user,
    additionalGids: Array.from({ length: count }, (_, index) => index + 1),
  });
  const { Groups: groups = "" } = await status({ process: { user: user(65_536) } });
  assert.is(groups.trim().split(" ").length, 65_536);
  const { code, stderr } = await run({ process: { user: user(65_537) } });
  assert.is(code, 1);
  if (!foreignRuntime)
    assert.match(stderr, /setgroups\(65537 groups\): .*hint: 65536 are the most/);
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

test("inheritable capabilities may be beyond the bounding set, and ambient ones come with them", async () => {
  const names = ["CAP_CHOWN", "CAP_KILL"];
  const fields = await status({
    process: {
      capabilities: {
        bounding: ["CAP_NET_RAW"],
        permitted: names,
        effective: ["CAP_KILL"],
        inheritable: names,
        ambient: ["CAP_KILL"],
      },
      ...user1000,
    },
  });
  assert.is(fields["CapBnd"], mask(13));
  assert.is(fields["CapInh"], mask(0, 5));
  assert.is(fields["CapAmb"], mask(5));
  assert.is(fields["CapEff"], mask(5));
});

test("what the kernel rules out between the sets is left out with one warning", async () => {
  if (foreignRuntime) return;
  const capabilities = {
    bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"],
    permitted: ["CAP_CHOWN", "CAP_NET_RAW", "CAP_SYS_CHROOT"],
    effective: ["CAP_CHOWN", "CAP_KILL"],
    inheritable: ["CAP_CHOWN"],
    ambient: ["CAP_CHOWN", "CAP_NET_RAW", "CAP_NO_SUCH_THING"],
  };
  const patch = withScript("cat /proc/self/status", { process: { capabilities, ...user1000 } });
  const { code, stdout, stderr } = await run(patch);
  assert.is(code, 0, stderr);
  const fields = statusFields(stdout);
  assert.is(fields["CapAmb"], mask(0));
  assert.is(fields["CapEff"], mask(0));
  assert.is(stderr.trimEnd().split("\n").length, 1, stderr);
  const left =
    "CAP_SYS_CHROOT (permitted), CAP_KILL (effective), CAP_NET_RAW (ambient), CAP_NO_SUCH_THING";
  for (const one of left.split(", ")) assert.ok(stderr.includes(one), `${one} in ${stderr}`);
});

test("in a user namespace every capability of the kernel can be had, and no other is left", async () => {
  const names = ["CAP_SYS_RESOURCE", "CAP_AUDIT_READ"];
  const fields = await status({
    process: { capabilities: { bounding: names, permitted: names, effective: names } },
    linux: inUserNamespace,
  });
  for (const set of ["CapBnd", "CapPrm", "CapEff"]) assert.is(fields[set], mask(24, 37), set);
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

test("a limit of every type is set, and 2^64 - 1 is none", async () => {
  const unlimited = ["CORE", "CPU", "DATA", "FSIZE", "LOCKS", "RSS", "AS", "STACK", "RTTIME"];
  const types: [type: string, name: string, soft: number, hard: number][] = [
    ["NPROC", "Max processes", 500, 600],
    ["NOFILE", "Max open files", 64, 128],
    ["MEMLOCK", "Max locked memory", 4096, 8192],
    ["SIGPENDING", "Max pending signals", 10, 20],
    ["MSGQUEUE", "Max msgqueue size", 4096, 8192],
    ["NICE", "Max nice priority", 0, 0],
    ["RTPRIO", "Max realtime priority", 0, 0],
  ];
  const text = JSON.stringify(
    config(
      withScript("cat /proc/self/limits", {
        process: {
          rlimits: [
            ...unlimited.map((type) => ({ type: `RLIMIT_${type}`, soft: "MAX", hard: "MAX" })),
            ...types.map(([type, , soft, hard]) => ({ type: `RLIMIT_${type}`, soft, hard })),
          ],
        },
      }),
    ),
  ).replaceAll('"MAX"', "18446744073709551615");
  const { code, stdout, stderr } = await runt(["run", "--bundle", rawBundle(text), freshName()]);
  assert.is(code, 0, stderr);
  assert.is(stdout.match(/ unlimited +unlimited /g)?.length, unlimited.length, stdout);
  for (const [, name, soft, hard] of types) {
    assert.match(stdout, new RegExp(`${name} +${soft} +${hard} `));
  }
});

test("a hard limit is raised by who may, and else an error that says what it takes", async () => {
  const through = ["prlimit", "--memlock=4096:8192", "--"];
  const rlimits = [{ type: "RLIMIT_MEMLOCK", soft: 16384, hard: 16384 }];
  const { code, stdout, stderr } = await run(
    withScript("cat /proc/self/limits", { process: { rlimits } }),
    { through },
  );
  if (mayRaise) assert.match(stdout, /Max locked memory +16384 +16384 /, stderr);
  else {
    assert.is(code, 1);
    assert.match(stderr, /\/process\/rlimits\/0.*RLIMIT_MEMLOCK.*CAP_SYS_RESOURCE/);
  }
});

test("in a user namespace a hard limit is raised by a caller who may", async () => {
  const through = ["prlimit", "--memlock=4096:8192", "--"];
  const rlimits = [{ type: "RLIMIT_MEMLOCK", soft: 10_000, hard: 16_384 }];
  const patch = withScript("cat /proc/self/limits", {
    process: { rlimits },
    linux: inUserNamespace,
  });
  const { code, stdout, stderr } = await run(patch, { through });
  if (mayRaise) assert.match(stdout, /Max locked memory +10000 +16384 /, stderr);
  else {
    assert.is(code, 1);
    assert.match(stderr, /\/process\/rlimits\/0.*CAP_SYS_RESOURCE/);
  }
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

test("a score that the caller may not lower is an error of root", async () => {
  if (mayRaise || foreignRuntime) return;
  const through = ["sh", "-c", 'echo 300 > /proc/self/oom_score_adj; exec "$@"', "sh"];
  const { code, stderr } = await run({ process: { oomScoreAdj: -1 } }, { through });
  assert.is(code, 1);
  assert.match(stderr, /\/process\/oomScoreAdj.*permission denied.*CAP_SYS_RESOURCE/);
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
