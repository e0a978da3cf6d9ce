// What `doctor` makes of machines that are not there.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { doctorText } from "../../../runtime/cli/doctor.ts";
import type { Finding } from "../../../runtime/doctor/check.ts";
import { CHECKS } from "../../../runtime/doctor/checks.ts";
import { examine } from "../../../runtime/doctor/examine.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { Machine } from "../../../runtime/host/machine.ts";
import {
  type Answers,
  FULL,
  insideContainer,
  machineOf,
  NONE,
  oldServer,
  restrictedUser,
  statusText,
} from "../../hosts/machines.ts";

const EPERM = 1;
const ENOSPC = 28;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;

function findingOf(machine: Machine, topic: string): Finding {
  const finding = examine(machine, CHECKS).find((each) => each.topic === topic);
  if (finding === undefined) throw new Error(`no check is about ${topic}`);
  return finding;
}

function fatalOf(machine: Machine): string[] {
  const findings = examine(machine, CHECKS);
  return findings.filter(({ verdict }) => verdict === "fatal").map(({ topic }) => topic);
}

test("a server with everything has nothing to complain of", () => {
  const bad = examine(machineOf(), CHECKS).filter(({ verdict }) => verdict !== "good");
  assert.equal(bad, []);
});

test("an old kernel is fatal, by its version and by each call that it lacks", () => {
  assert.equal(fatalOf(oldServer), ["version", "system calls"]);
  assert.is(findingOf(oldServer, "system calls").found, "clone3 openat2 close_range: no answer");
  assert.match(findingOf(oldServer, "newer features").found, /cpu\.idle \(5\.15\)/);
  assert.match(findingOf(oldServer, "kinds").found, "no time namespace");
  assert.match(findingOf(oldServer, "seccomp flags").found, "WAIT_KILLABLE_RECV");
});

test("versions are compared as numbers", () => {
  const verdictAt = (release: string): string =>
    findingOf(machineOf({ texts: { "/proc/sys/kernel/osrelease": release } }), "version").verdict;
  assert.equal(
    ["5.4.0", "5.13.19", "5.14.0-70.el9", "5.100", "6.1", "10.0-rc1", ""].map(verdictAt),
    ["fatal", "fatal", "good", "good", "good", "good", "fatal"],
  );
});

test("a user who is kept from namespaces is told by what, and what to change", () => {
  assert.equal(fatalOf(restrictedUser), ["new ones"]);
  const making = findingOf(restrictedUser, "new ones");
  assert.match(making.found, "operation not permitted");
  assert.match(making.advice ?? "", "apparmor_restrict_unprivileged_userns=0");
  assert.is(findingOf(restrictedUser, "user").verdict, "limited");
  assert.is(
    findingOf(restrictedUser, "ranges").found,
    "/etc/subuid: 0 ids, /etc/subgid: 65536 ids for me",
  );
  assert.match(findingOf(restrictedUser, "ranges").advice ?? "", /^usermod .* me$/);
  assert.match(findingOf(restrictedUser, "delegation").advice ?? "", "Delegate=yes");
  assert.match(
    findingOf(restrictedUser, "controllers").found,
    "missing: cpu cpuset io hugetlb rdma",
  );
  assert.match(findingOf(restrictedUser, "controllers").advice ?? "", "Delegate=");
  assert.match(findingOf(restrictedUser, "layout").found, "version 2");
});

test("every setting that closes user namespaces is named with its opposite", () => {
  const settings: [file: string, value: string][] = [
    ["/proc/sys/user/max_user_namespaces", "0\n"],
    ["/proc/sys/kernel/unprivileged_userns_clone", "0\n"],
    ["/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"],
  ];
  for (const [file, value] of settings) {
    const { verdict, advice } = findingOf(
      machineOf({ texts: { [file]: value } }),
      "ordinary users",
    );
    assert.is(verdict, "limited", file);
    assert.match(advice ?? "", file.slice("/proc/sys/".length).replace("/", "."), file);
  }
});

test("inside of another container its filter and its masks are to blame", () => {
  assert.equal(fatalOf(insideContainer), ["system calls", "new ones"]);
  assert.is(findingOf(insideContainer, "system calls").found, "clone3: no answer");
  assert.match(findingOf(insideContainer, "system calls").advice ?? "", "seccomp profile");
  assert.match(findingOf(insideContainer, "procfs").found, "/proc/kcore");
  assert.is(findingOf(insideContainer, "keyrings").verdict, "limited");
  assert.is(findingOf(insideContainer, "layout").found, "none is mounted");
  assert.match(findingOf(insideContainer, "user").found, "root without CAP_SYS_ADMIN");
});

test("a kind of namespace that fails alone does not keep containers from running", () => {
  const answers: Answers = {
    texts: { "/proc/sys/user/max_net_namespaces": "0\n" },
    unshare: (flags) => ((flags & CLONE_NEWNET) === 0 ? 0 : ENOSPC),
  };
  assert.equal(fatalOf(machineOf(answers)), []);
  assert.is(findingOf(machineOf(answers), "new ones").verdict, "limited");
  assert.match(findingOf(machineOf(answers), "limits").advice ?? "", "user.max_net_namespaces=");
});

test("root without user namespaces still runs containers, and a user does not", () => {
  const unshare = (flags: number): number => ((flags & CLONE_NEWUSER) === 0 ? 0 : EPERM);
  assert.equal(fatalOf(machineOf({ unshare })), []);
  assert.is(findingOf(machineOf({ unshare }), "new ones").verdict, "limited");
  const texts = { "/proc/self/status": statusText(NONE) };
  assert.equal(fatalOf(machineOf({ uid: 1000, texts, unshare })), ["new ones"]);
});

test("a user with all that there is needs no more", () => {
  const user = machineOf({ uid: 1000, texts: { "/proc/self/status": statusText(NONE) } });
  assert.equal(fatalOf(user), []);
  assert.equal(
    ["ranges", "programs", "capabilities", "delegation"].map(
      (topic) => findingOf(user, topic).verdict,
    ),
    ["good", "good", "good", "good"],
  );
});

test("programs that map ids have to be set-user-id, and allowed to be", () => {
  const user = { uid: 1000, texts: { "/proc/self/status": statusText(NONE) } };
  const plain = { "/usr/bin/newuidmap": { mode: 0o100755, uid: 0 } };
  assert.match(
    findingOf(machineOf({ ...user, files: plain }), "programs").found,
    "newuidmap is not",
  );
  const own = { "/usr/bin/newgidmap": { mode: 0o104755, uid: 1000 } };
  assert.match(findingOf(machineOf({ ...user, files: own }), "programs").found, "newgidmap is not");
  const bound = { "/proc/self/status": "CapEff:\t0\nNoNewPrivs:\t1\n" };
  assert.match(findingOf(machineOf({ ...user, texts: bound }), "programs").found, "no_new_privs");
});

test("missing capabilities are told with what follows from each", () => {
  const status = statusText(FULL).replace("CapBnd:\t000001ffff", "CapBnd:\t000001fffe");
  const texts = { "/proc/self/status": status };
  const { found, effect } = findingOf(machineOf({ texts }), "capabilities");
  assert.is(found, "not in the bounding set: CAP_SYS_RESOURCE");
  assert.match(effect ?? "", "oomScoreAdj");
});

test("a capability without which nothing starts is fatal", () => {
  for (const [number, name] of [
    [6, "CAP_SETGID"],
    [8, "CAP_SETPCAP"],
  ] as const) {
    const mask = (0x1ffffffffffn & ~(1n << BigInt(number))).toString(16).padStart(16, "0");
    const texts = { "/proc/self/status": `CapEff:\t${mask}\nCapBnd:\t${mask}\n` };
    assert.equal(fatalOf(machineOf({ texts })), ["capabilities"], name);
  }
});

test("modules, real-time groups, resctrl and memory nodes are seen by their files", () => {
  const machine = machineOf({
    texts: {
      "/sys/module/apparmor/parameters/enabled": "N\n",
      "/cg/cpu/cpu.rt_runtime_us": "0\n",
      "/proc/filesystems": "nodev\tproc\nnodev\ttmpfs\nnodev\tresctrl\n",
    },
    names: { "/sys/devices/system/node": [] },
  });
  assert.is(findingOf(machine, "AppArmor").found, "is not active");
  assert.is(findingOf(machine, "SELinux").found, "is active, enforcing");
  assert.is(findingOf(machine, "real-time tasks").verdict, "limited");
  assert.is(findingOf(machine, "memory nodes").verdict, "limited");
  assert.match(findingOf(machine, "filesystems").found, "sysfs devpts mqueue overlay");
});

test("actions that the kernel does not know are named", () => {
  const machine = machineOf({ unknownActions: [0x7fc00000] });
  assert.is(findingOf(machine, "seccomp actions").found, "the kernel does not know NOTIFY");
});

test("a state folder that is missing or closed is fatal", () => {
  const closed = machineOf({ unwritable: ["/run"] });
  assert.equal(fatalOf(closed), ["state folder"]);
  const root = (): string => {
    throw new RuntimeError("there is no folder");
  };
  assert.is(findingOf(machineOf({ root }), "state folder").found, "there is no folder");
});

test("what changes this process is asked last, and told in its place", () => {
  const asked: string[] = [];
  const check = (topic: string, last: boolean) => ({
    area: "a",
    topic,
    judge: () => {
      asked.push(topic);
      return { verdict: "good" as const, found: "" };
    },
    ...(last && { last: true as const }),
  });
  const checks = [check("one", false), check("two", true), check("three", false)];
  const told = examine(machineOf(), checks).map(({ topic }) => topic);
  assert.equal(asked, ["one", "three", "two"]);
  assert.equal(told, ["one", "two", "three"]);
});

test("every finding that limits says what becomes of it, and fits 80 columns", () => {
  for (const machine of [restrictedUser, insideContainer, oldServer]) {
    const findings = examine(machine, CHECKS);
    for (const { verdict, effect, topic } of findings) {
      if (verdict !== "good") assert.ok(effect !== undefined, topic);
    }
    for (const line of doctorText(findings).split("\n")) {
      assert.ok(line.length <= 80 || !line.trim().includes(" "), line);
    }
  }
});

test("the last line sums up", () => {
  const last = (machine: Machine): string | undefined =>
    doctorText(examine(machine, CHECKS)).split("\n").at(-1);
  assert.match(last(machineOf()) ?? "", /^Containers can run; 0 of \d+ findings/);
  assert.is(last(restrictedUser), "Containers cannot run (namespaces: new ones).");
});

test.run();
