// Rules between fields: each refuses what it is for, and nothing beside it.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig } from "../../../runtime/config/parse.ts";
import { configText, refused, withProcess } from "./refused.ts";

const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
const user = { namespaces: [{ type: "user" }], uidMappings: mapping, gidMappings: mapping };
const rlimit = { type: "RLIMIT_AS", soft: 1, hard: 2 };
const rule = { names: ["mkdir"], action: "SCMP_ACT_ALLOW" };

function linux(changes: object): object {
  return { linux: changes };
}

function seccomp(changes: object): object {
  return linux({ seccomp: { defaultAction: "SCMP_ACT_ALLOW", ...changes } });
}

function scheduler(changes: object): object {
  return withProcess({ scheduler: changes });
}

const CASES: readonly { wrong: object; right: object; says: string }[] = [
  {
    wrong: withProcess({ rlimits: [rlimit, rlimit] }),
    right: withProcess({ rlimits: [rlimit, { ...rlimit, type: "RLIMIT_CPU" }] }),
    says: "/process/rlimits/1/type: found RLIMIT_AS again, wanted each type once (first at /process/rlimits/0)",
  },
  {
    wrong: withProcess({ rlimits: [{ ...rlimit, soft: 3 }] }),
    right: withProcess({ rlimits: [{ ...rlimit, soft: 2 }] }),
    says: "/process/rlimits/0/soft: found 3, wanted at most the hard limit, 2",
  },
  {
    wrong: scheduler({ policy: "SCHED_BATCH", nice: 20 }),
    right: scheduler({ policy: "SCHED_BATCH", nice: -20 }),
    says: "/process/scheduler/nice: found 20, wanted a nice value from -20 to 19",
  },
  {
    wrong: scheduler({ policy: "SCHED_OTHER", priority: 1 }),
    right: scheduler({ policy: "SCHED_RR", priority: 1 }),
    says: "/process/scheduler/priority: found 1 with SCHED_OTHER, wanted it only with SCHED_FIFO or SCHED_RR",
  },
  {
    wrong: scheduler({ policy: "SCHED_FIFO", deadline: 1 }),
    right: scheduler({ policy: "SCHED_FIFO", deadline: 0 }),
    says: "/process/scheduler/deadline: found 1 with SCHED_FIFO, wanted it only with SCHED_DEADLINE",
  },
  {
    wrong: linux({ namespaces: [{ type: "ipc" }, { type: "ipc", path: "/proc/1/ns/ipc" }] }),
    right: linux({ namespaces: [{ type: "ipc" }, { type: "pid" }] }),
    says: "/linux/namespaces/1/type: found ipc again, wanted each type once (first at /linux/namespaces/0)",
  },
  {
    wrong: linux({ ...user, namespaces: [], gidMappings: [] }),
    right: linux(user),
    says: "/linux/uidMappings: found mappings without a user namespace, wanted both",
  },
  {
    wrong: linux({ ...user, gidMappings: [] }),
    right: linux({ namespaces: [{ type: "user", path: "/proc/1/ns/user" }] }),
    says: "/linux: found a new user namespace without gidMappings, wanted at least one mapping",
  },
  {
    wrong: linux({ timeOffsets: {} }),
    right: linux({ timeOffsets: {}, namespaces: [{ type: "time" }] }),
    says: "/linux/timeOffsets: found offsets without a time namespace, wanted a new time namespace",
  },
  {
    wrong: linux({ timeOffsets: {}, namespaces: [{ type: "time", path: "/proc/1/ns/time" }] }),
    right: linux({ namespaces: [{ type: "time", path: "/proc/1/ns/time" }] }),
    says: "/linux/timeOffsets: found offsets with a joined time namespace, wanted a new time namespace",
  },
  {
    wrong: linux({ devices: [{ type: "b", path: "/dev/b", major: 8 }] }),
    right: linux({ devices: [{ type: "p", path: "/dev/p" }] }),
    says: "/linux/devices/0: found no minor number, wanted one for a device of type b",
  },
  {
    wrong: linux({ devices: [{ type: "p", path: "/dev/p", fileMode: 0o060640 }] }),
    right: linux({ devices: [{ type: "p", path: "/dev/p", fileMode: 0o010640 }] }),
    says: "/linux/devices/0/fileMode: found 24992, wanted an integer from 0 to 511 (permission bits), or with the bits of type p",
  },
  {
    wrong: { mounts: [{ destination: "/a", uidMappings: mapping }] },
    right: { mounts: [{ destination: "/a", uidMappings: mapping, gidMappings: mapping }] },
    says: "/mounts/0: found uidMappings without gidMappings, wanted both or neither",
  },
  {
    wrong: { mounts: [{ destination: "/a", options: ["bind", "idmap"] }] },
    right: { mounts: [{ destination: "/a", options: ["bind", "idmap"] }], linux: user },
    says: "/mounts/0: found option idmap without mappings, wanted uidMappings and gidMappings or a user namespace",
  },
  {
    wrong: { domainname: "x", linux: { namespaces: [] } },
    right: { domainname: "x", linux: { namespaces: [{ type: "uts" }] } },
    says: '/domainname: found it without a UTS namespace, where it would rename the host; wanted both (hint: add {"type": "uts"} to /linux/namespaces)',
  },
  {
    wrong: { hostname: "x" },
    right: { hostname: "x", freebsd: {} },
    says: '/hostname: found it without a UTS namespace, where it would rename the host; wanted both (hint: add {"type": "uts"} to /linux/namespaces)',
  },
  {
    wrong: linux({ resources: { blockIO: { weightDevice: [{ major: 8, minor: 0 }] } } }),
    right: linux({
      resources: { blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] } },
    }),
    says: "/linux/resources/blockIO/weightDevice/0: found neither weight nor leafWeight, wanted at least one",
  },
  {
    wrong: linux({ resources: { rdma: { "a/b": {} } } }),
    right: linux({ resources: { rdma: { "a/b": { hcaObjects: 0 } } } }),
    says: "/linux/resources/rdma/a~1b: found neither hcaHandles nor hcaObjects, wanted at least one",
  },
  {
    wrong: linux({ memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" } }),
    right: linux({ memoryPolicy: { mode: "MPOL_PREFERRED", nodes: "0" } }),
    says: "/linux/memoryPolicy/nodes: found nodes with MPOL_LOCAL, wanted none",
  },
  {
    wrong: linux({ memoryPolicy: { mode: "MPOL_BIND" } }),
    right: linux({ memoryPolicy: { mode: "MPOL_PREFERRED" } }),
    says: "/linux/memoryPolicy: found no nodes with MPOL_BIND, wanted at least one",
  },
  {
    wrong: seccomp({ defaultErrnoRet: 1 }),
    right: seccomp({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1 }),
    says: "/linux/seccomp/defaultErrnoRet: found 1 with SCMP_ACT_ALLOW, wanted it only with SCMP_ACT_ERRNO or SCMP_ACT_TRACE",
  },
  {
    wrong: seccomp({ syscalls: [{ ...rule, errnoRet: 38 }] }),
    right: seccomp({ syscalls: [{ ...rule, action: "SCMP_ACT_TRACE", errnoRet: 38 }] }),
    says: "/linux/seccomp/syscalls/0/errnoRet: found 38 with SCMP_ACT_ALLOW, wanted it only with SCMP_ACT_ERRNO or SCMP_ACT_TRACE",
  },
  {
    wrong: seccomp({ syscalls: [rule, { ...rule, action: "SCMP_ACT_NOTIFY" }] }),
    right: seccomp({ syscalls: [{ ...rule, action: "SCMP_ACT_NOTIFY" }], listenerPath: "/s" }),
    says: "/linux/seccomp/syscalls/1/action: found SCMP_ACT_NOTIFY, wanted a listenerPath with it",
  },
  {
    wrong: seccomp({ listenerMetadata: "x" }),
    right: seccomp({ listenerMetadata: "x", listenerPath: "/s" }),
    says: "/linux/seccomp/listenerMetadata: found it without a listenerPath, wanted both",
  },
];

for (const { wrong, right, says } of CASES) {
  test(`a rule refuses ${says.split(" (")[0]}`, () => {
    assert.equal(refused(wrong), [says]);
    assert.ok(parseConfig(configText(right), "config.json"));
  });
}

test("unknown capabilities are not refused, for the specification wants a warning", () => {
  const process = withProcess({ capabilities: { bounding: ["CAP_WISHES"] } });
  assert.ok(parseConfig(configText(process), "config.json"));
});

test.run();
