// A program built and launched like the product, for the test of the same name: it does in forked
// children what the container's init does, and prints what came of it as JSON. The first argument
// says what.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { loadFilterAndExec } from "../../runtime/sys/exec.ts";
import { AT_FDCWD } from "../../runtime/sys/file.ts";
import { mapShared, syscall } from "../../runtime/sys/libc.ts";
import { cstr, piece } from "../../runtime/sys/memory.ts";
import { changeRoot, unshare } from "../../runtime/sys/namespace.ts";
import { NR } from "../../runtime/sys/nr.ts";
import {
  CLONE_NEWUSER,
  clone,
  exitCodeOf,
  exitNow,
  getParentPid,
  getPid,
  waitFor,
} from "../../runtime/sys/process.ts";

const RIGHT = 42;
const [, , what = "", argument = ""] = process.argv;
const actions: Record<string, () => unknown> = {
  threads,
  children,
  errno,
  memory,
  maps: () => ({ executable: writableAndExecutable() }),
  inherited,
};
const action = actions[what];
if (action === undefined) throw new Error(`cannot do "${what}"`);
console.log(JSON.stringify(action()));

/** Names of this process's threads, at rest and after work that makes engines start helpers. */
function threads(): unknown {
  const before = threadNames();
  work(200);
  Bun.gc(true);
  return { before, after: threadNames() };
}

function threadNames(): string[] {
  return readdirSync("/proc/self/task").map((task) =>
    readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim(),
  );
}

/** Forks children that run JS, collect garbage, call functions and unshare. */
function children(): unknown {
  const codes: Record<string, number> = {};
  for (let child = 0; child < Number(argument); child++) {
    work(child % 7);
    const code = forked(() => {
      const expected = work(20 + (child % 50));
      Bun.gc(true);
      for (let call = 0; call < 200; call++) getParentPid();
      if (threadNames().length !== 1) return 1;
      unshare(CLONE_NEWUSER);
      Bun.gc(true);
      return work(20 + (child % 50)) === expected && getPid() !== getParentPid() ? RIGHT : 2;
    });
    codes[code] = (codes[code] ?? 0) + 1;
  }
  return { codes, threads: threadNames().length };
}

/** Runs a function in a forked child; its exit code, or 128 and the signal that ended it. */
function forked(act: () => number): number {
  const { pid, pidfd } = clone(0);
  if (pid === 0) exitNow(act());
  const code = exitCodeOf(waitFor(pidfd));
  syscall(NR.close, pidfd);
  return code;
}

/** Some allocation, text and sorting; the same number for the same size. */
function work(size: number): number {
  const list = Array.from({ length: size * 10 }, (_, index) => ({
    key: `k${(index * 7919) % 1000}`,
    bytes: new Uint8Array(index % 100),
  }));
  const text = JSON.stringify(list.map(({ key, bytes }) => [key, bytes.length]).sort());
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
}

/** Counts wrong errnos, with /proc and, in an empty root, without. */
function errno(): unknown {
  const [folder = "", times = ""] = argument.split(",");
  const withProc = wrongErrnos(Number(times));
  changeRoot(folder);
  return { withProc, withoutProc: wrongErrnos(Number(times)) };
}

function wrongErrnos(times: number): number {
  const ENOENT = 2;
  const EFAULT = 14;
  const how = piece(24).address;
  const name = cstr("no such name");
  let wrong = 0;
  let garbage: unknown[] = [];
  for (let call = 0; call < times; call++) {
    const isNamed = call % 2 === 0;
    if (
      syscall(NR.openat2, AT_FDCWD, isNamed ? name : 0, how, 24) !== (isNamed ? -ENOENT : -EFAULT)
    ) {
      wrong += 1;
    }
    garbage.push({ call, bytes: new Uint8Array(call % 300) });
    if (garbage.length > 5000) garbage = [];
  }
  return wrong;
}

/** Kilobytes that a child has for itself after calls, and after a full collection. */
function memory(): unknown {
  const shared = mapShared(8);
  const afterCalls = forked(() => {
    for (let call = 0; call < 500; call++) syscall(NR.getppid);
    return Math.min(privateKilobytes() / 100, 250);
  });
  const afterCollection = forked(() => {
    Bun.gc(true);
    return Math.min(privateKilobytes() / 100, 250);
  });
  return {
    afterCalls: afterCalls * 100,
    afterCollection: afterCollection * 100,
    shared: shared > 0,
  };
}

function privateKilobytes(): number {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  return Number(/Private_Dirty:\s+(\d+)/.exec(text)?.[1]);
}

/** Mappings that a bug could write to and then run. */
function writableAndExecutable(): string[] {
  return readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => / rwx/.test(line));
}

/** What a program that a child executes would get from the engine if nobody undid it. */
function inherited(): unknown {
  const descriptors = Object.fromEntries(
    readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return [[fd, readlinkSync(`/proc/self/fd/${fd}`)]];
      } catch (error) {
        // The descriptor of the listing itself.
        if (!(error instanceof Error)) throw error;
        return [];
      }
    }),
  );
  console.log(JSON.stringify({ descriptors, environment: Object.keys(process.env) }));
  return loadFilterAndExec({
    image: {
      paths: ["/bin/cat"],
      argv: ["cat", "/proc/self/status", "/proc/self/limits"],
      env: [],
    },
    resultAddress: mapShared(8),
  });
}
