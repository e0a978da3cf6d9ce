// Machines that `doctor` is asked about and that are not there: what they would answer.

import { CAPABILITIES } from "../../runtime/host/capabilities.ts";
import type { Machine } from "../../runtime/host/machine.ts";
import type { CallName } from "../../runtime/sys/questions.ts";

const EINVAL = 22;
const KINDS = ["mnt", "pid", "net", "uts", "ipc", "cgroup", "user", "time"];
const V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
const V1 = ["cpu", "cpuset", "memory", "pids", "devices", "blkio", "hugetlb", "rdma"].concat(
  "net_cls",
  "net_prio",
);

/** What a made-up machine answers; what is left out is as on a server of today, as root. */
export interface Answers {
  uid?: number;
  architecture?: string;
  root?: () => string;
  /** Added to those of the server; undefined takes one away. */
  texts?: Readonly<Record<string, string | undefined>>;
  names?: Readonly<Record<string, readonly string[]>>;
  files?: Readonly<Record<string, { mode: number; uid: number }>>;
  unwritable?: readonly string[];
  calls?: Partial<Readonly<Record<CallName, number>>>;
  unknownActions?: readonly number[];
  unknownFlags?: readonly number[];
  unshare?: (flags: number) => number;
}

export function machineOf(answers: Answers = {}): Machine {
  const texts: Answers["texts"] = { ...serverTexts, ...answers.texts };
  const names: Answers["names"] = { ...serverNames, ...answers.names };
  const files: Answers["files"] = { ...serverFiles, ...answers.files };
  return {
    uid: answers.uid ?? 0,
    architecture: answers.architecture ?? "x86_64",
    root: answers.root ?? (() => "/run/runt"),
    text: (path) => texts[path],
    names: (path) => names[path],
    status: (path) => files[path],
    isWritable: (path) => answers.unwritable?.includes(path) !== true,
    answers: (call) => answers.calls?.[call] ?? EINVAL,
    hasAction: (action) => answers.unknownActions?.includes(action) !== true,
    hasFilterFlags: (flags) => answers.unknownFlags?.includes(flags) !== true,
    unshare: answers.unshare ?? (() => 0),
  };
}

/** The status of a process, as far as it is looked at. */
export function statusText(effective: string, more = ""): string {
  return `CapEff:\t${effective}\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n${more}`;
}

export const FULL = "000001ffffffffff";
export const NONE = "0000000000000000";

const serverTexts: Readonly<Record<string, string>> = {
  "/proc/sys/kernel/osrelease": "6.12.9-amd64\n",
  "/proc/sys/kernel/cap_last_cap": `${CAPABILITIES.length - 1}\n`,
  "/proc/self/status": statusText(FULL),
  "/proc/self/mountinfo": V1.map(
    (name, index) => `${40 + index} 30 0:${40 + index} / /cg/${name} rw - cgroup cgroup rw,${name}`,
  ).join("\n"),
  "/proc/self/cgroup": V1.map((name, index) => `${index + 1}:${name}:/`).join("\n"),
  "/proc/self/maps": "7f00 r-xp /usr/lib/libc.so.6\n7f01 r-xp /usr/lib/libstdc++.so.6\n",
  "/proc/filesystems": ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "overlay", "resctrl"]
    .map((name) => `nodev\t${name}\n`)
    .join(""),
  "/proc/sys/user/max_user_namespaces": "63000\n",
  "/sys/module/apparmor/parameters/enabled": "Y\n",
  "/sys/fs/selinux/enforce": "1\n",
  "/etc/passwd": "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n",
  "/etc/subuid": "me:100000:65536\n",
  "/etc/subgid": "1000:100000:65536\n",
};

const serverNames: Readonly<Record<string, readonly string[]>> = {
  "/proc/self/ns": KINDS,
  "/sys/devices/system/node": ["node0", "node1", "possible"],
};

const serverFiles: Readonly<Record<string, { mode: number; uid: number }>> = {
  "/run": { mode: 0o40755, uid: 0 },
  "/usr/bin/newuidmap": { mode: 0o104755, uid: 0 },
  "/usr/bin/newgidmap": { mode: 0o104755, uid: 0 },
  "/sys/fs/selinux/enforce": { mode: 0o100644, uid: 0 },
  "/sys/fs/resctrl/schemata": { mode: 0o100644, uid: 0 },
};

/** A desktop whose AppArmor keeps ordinary users from namespaces, seen by one of them. */
export const restrictedUser: Machine = machineOf({
  uid: 1000,
  texts: {
    "/proc/self/status": statusText(NONE),
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
    "/sys/fs/selinux/enforce": undefined,
    "/proc/self/mountinfo": V2_MOUNT,
    "/proc/self/cgroup": "0::/user.slice/shell.scope",
    "/sys/fs/cgroup/user.slice/shell.scope/cgroup.controllers": "memory pids\n",
    "/etc/subuid": "",
  },
  unwritable: ["/sys/fs/cgroup/user.slice/shell.scope"],
  unshare: () => 1,
});

/** A container of another engine: a filter that forbids clone3, parts of /proc covered. */
export const insideContainer: Machine = machineOf({
  texts: {
    "/proc/self/status": "CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2\n",
    "/proc/self/mountinfo":
      "50 49 0:50 / /proc rw - proc proc rw\n51 50 0:51 / /proc/kcore ro - tmpfs tmpfs ro\n",
    "/proc/self/cgroup": "0::/\n",
  },
  calls: { clone3: 38, fsopen: 1, keyctl: 38 },
  unshare: () => 1,
});

/** A server of long ago. */
export const oldServer: Machine = machineOf({
  texts: { "/proc/sys/kernel/osrelease": "4.18.0-305.el8\n" },
  names: { "/proc/self/ns": KINDS.filter((name) => name !== "time") },
  calls: { clone3: 38, openat2: 38, close_range: 38 },
  unknownFlags: [32 | 8],
});
