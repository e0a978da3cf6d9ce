// What init still does after the change of the root, as strace sees it: it opens only what a step
// names, and between seccomp(2) and execve(2) there is nothing at all. And what that is good for:
// profiles that kill for everything but the program's own calls.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Patch } from "../support/bundle.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt, startRunt } from "../support/runt.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

/** The calls that a static busybox makes from its start to its end. */
const busyboxCalls =
  "arch_prctl brk execve exit exit_group getrandom getuid getgid geteuid getegid mprotect prctl" +
  " prlimit64 readlink readlinkat rseq set_robust_list set_tid_address uname rt_sigaction" +
  " rt_sigprocmask ioctl fstat newfstatat mmap munmap";

const seccomp: Patch = {
  defaultAction: "SCMP_ACT_KILL_PROCESS",
  syscalls: [{ names: busyboxCalls.split(" "), action: "SCMP_ACT_ALLOW" }],
};

const killAll: Patch = { linux: { seccomp } };

/** The system calls of init, one line each, from pivot_root(2) to the end of our program. */
async function tracedInit(patch: Patch): Promise<string[]> {
  const file = join(freshDirectory(), "trace");
  const through = ["strace", "-f", "-o", file, "-s", "300"];
  await startRunt(["run", "--bundle", bundle(patch), freshName()], { through }).ended;
  const lines = readFileSync(file, "utf8").split("\n").filter(isWholeOrBegun);
  const pid = lines.find((line) => line.includes(" pivot_root("))?.split(" ")[0] ?? "";
  const own = lines.filter((line) => line.startsWith(`${pid} `));
  const calls = own.map((line) => line.slice(pid.length).trim());
  const end = calls.findIndex((call) => call.startsWith("execve("));
  return calls.slice(
    calls.findIndex((call) => call.startsWith("pivot_root(")),
    end + 2,
  );
}

/** Not the second half of a call that another process's line has interrupted, nor a signal. */
function isWholeOrBegun(line: string): boolean {
  return !/<\.\.\. |^\d+ +(---|\+\+\+)/.test(line);
}

const isStraceHere = existsSync("/usr/bin/strace") && !foreignRuntime;

if (!isStraceHere) skip("the last calls of init", "needs strace, and this runtime");
else {
  test("after the change of the root, init opens only what a step names", async () => {
    const calls = await tracedInit({
      process: { user: { uid: 1000, gid: 1000 }, cwd: "/etc" },
      linux: {
        seccomp,
        sysctl: { "kernel.msgmax": "9000" },
        maskedPaths: ["/proc/keys"],
        readonlyPaths: ["/proc/sys"],
      },
    });
    const opened = calls
      .filter((call) => /^(open|openat|openat2|creat)\(/.test(call))
      .map((call) => /"([^"]*)"/.exec(call)?.[1] ?? call);
    // The engine's allocator looks at /proc/self/statm whenever it likes.
    const named = new Set(["/proc/self/statm", "/dev/null", "/etc", "/etc/passwd", "/bin/true"]);
    const odd = opened.filter(
      (path) => !named.has(path) && !/^(\.|sys\/kernel\/msgmax|kernel\/msgmax)?$/.test(path),
    );
    assert.equal(odd, []);
    assert.ok(opened.includes("/bin/true"), opened.join());
  });

  test("between seccomp and execve there is no call, for a program and for none", async () => {
    const rootfs = newRootfs();
    writeFileSync(join(rootfs, "orphan"), "#!/no/such/interpreter\n", { mode: 0o755 });
    for (const [args, noNewPrivileges] of [
      [["/bin/true"], true],
      [["/bin/true"], false],
      [["/orphan"], true],
      [["/orphan"], false],
    ] as const) {
      const process = { args: [...args], noNewPrivileges };
      const calls = await tracedInit({ root: { path: rootfs }, ...killAll, process });
      const filter = calls.findIndex((call) => call.startsWith("seccomp(SECCOMP_SET_MODE_FILTER"));
      assert.ok(filter > 0, calls.join("\n"));
      assert.match(calls[filter + 1] ?? "", /^execve\(/);
      if (args[0] === "/orphan") assert.match(calls[filter + 2] ?? "", /^exit_group\(/);
    }
  });
}

test("under a profile that kills for everything else, every start succeeds", async () => {
  const wanted = process.env["SOAK"] === "1" ? 20_000 : 100;
  const directory = bundle({ process: { args: ["/bin/true"] }, ...killAll });
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started < wanted) {
      started += 1;
      const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
      if (foreignRuntime) continue;
      assert.is(code, 0, `start ${started}: ${stderr}`);
    }
  };
  await Promise.all([worker(), worker()]);
});

test("under a profile that kills for everything, execve's own failure is told", async () => {
  if (foreignRuntime) return;
  const rootfs = newRootfs();
  writeFileSync(join(rootfs, "odd"), "garbage", { mode: 0o755 });
  const directory = bundle({
    root: { path: rootfs },
    process: { args: ["/odd"] },
    linux: {
      seccomp: {
        defaultAction: "SCMP_ACT_KILL_PROCESS",
        syscalls: [{ names: ["execve"], action: "SCMP_ACT_ALLOW" }],
      },
    },
  });
  for (let round = 0; round < 20; round++) {
    const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
    assert.is(code, 1);
    assert.match(stderr, /exec format error/i);
  }
});

test("under a profile that kills for execve too, start fails and says so", async () => {
  if (foreignRuntime) return;
  const directory = bundle({ linux: { seccomp: { defaultAction: "SCMP_ACT_KILL_PROCESS" } } });
  const { code, stderr } = await runt(["run", "--bundle", directory, freshName()]);
  assert.ok(code > 0, `${code} ${stderr}`);
});

runTests();
