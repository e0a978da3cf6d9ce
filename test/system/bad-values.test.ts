// A wrong value for each field of config.json, through the real command line: each is told with its
// place, what was found and what is wanted. One bundle holds many, since all are told at once.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { fieldNamed } from "../../runtime/config/field.ts";
import { bundle } from "../support/bundle.ts";
import { freshDirectory } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test as runtTest, skip } from "../support/suite.ts";
import { replaced } from "../unit/schemas/changes.ts";
import { sampleConfig } from "../unit/schemas/sample-config.ts";

/** Other runtimes are less strict: their verdicts are of no use here. */
function test(name: string, body: () => Promise<void>): void {
  if (foreignRuntime) skip(name, "other runtimes are less strict");
  else runtTest(name, body);
}

interface Row {
  keys: readonly string[];
  pointer: string;
  /** The wrong value, as JSON. */
  json: string;
  /** The line that is expected. */
  told: string;
}

/** An error names no more than twenty problems. */
const TOLD_MAX = 20;

const rows: Row[] = readFileSync(join(import.meta.dirname, "bad-values.txt"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("/"))
  .map((line) => {
    const [pointer = "", json = "", ...rest] = line.split(" | ");
    const text = rest.join(" | ");
    const keys = pointer.split("/").slice(1).map(unescapeKey);
    return { keys, pointer, json, told: text.startsWith("/") ? text : `${pointer}: ${text}` };
  });

test("every wrong value is told with its place and what is wanted", async () => {
  const wrong: string[] = [];
  for (const batch of batchesOf(rows)) {
    const lines = await problemsOf(textWith(batch));
    for (const { told, json } of batch) {
      if (!lines.includes(told)) wrong.push(`${json}: ${told}`);
    }
    const expected = batch.map(({ told }) => told);
    wrong.push(
      ...lines.filter((line) => !expected.includes(line)).map((line) => `too much: ${line}`),
    );
  }
  assert.is(wrong.join("\n"), "");
});

test("every field has a wrong value in the table", async () => {
  const bad = new Set(rows.map(({ pointer }) => fieldNamed(pointer).pointer));
  const missing = pointersBelow("").filter((pointer) => !bad.has(pointer));
  assert.equal(missing, []);
});

const MISSPELT = { names: ["mkdr"], action: "SCMP_ACT_LOG" };
const ONE_ID = [{ containerID: 0, hostID: 0, size: 1 }];

/** Parts of a configuration that do not go together, and what is said of them. */
const CLASHES: readonly [parts: object, told: readonly string[]][] = [
  [
    {
      hostname: "h",
      domainname: "d",
      mounts: [
        { destination: "/a", uidMappings: ONE_ID },
        { destination: "/b", options: ["idmap"] },
      ],
      process: {
        cwd: "/",
        args: ["x"],
        user: { uid: 4_294_967_295, gid: 4_294_967_295, additionalGids: [7, 4_294_967_295] },
        rlimits: [
          { type: "RLIMIT_CORE", soft: 2, hard: 1 },
          { type: "RLIMIT_CORE", soft: 0, hard: 0 },
        ],
        scheduler: {
          policy: "SCHED_OTHER",
          nice: 20,
          priority: 1,
          runtime: 1,
          deadline: 1,
          period: 1,
        },
      },
    },
    [
      "/process/user/uid: found 4294967295, which means no id, wanted one up to 4294967294",
      "/process/user/gid: found 4294967295, which means no id, wanted one up to 4294967294",
      "/process/user/additionalGids/1: found 4294967295, which means no id, wanted one up to 4294967294",
      "/process/rlimits/1/type: found RLIMIT_CORE again, wanted each type once (first at /process/rlimits/0)",
      "/process/rlimits/0/soft: found 2, wanted at most the hard limit, 1",
      "/process/scheduler/nice: found 20, wanted a nice value from -20 to 19",
      "/process/scheduler/priority: found 1 with SCHED_OTHER, wanted it only with SCHED_FIFO or SCHED_RR",
      "/process/scheduler/runtime: found 1 with SCHED_OTHER, wanted it only with SCHED_DEADLINE",
      "/process/scheduler/deadline: found 1 with SCHED_OTHER, wanted it only with SCHED_DEADLINE",
      "/process/scheduler/period: found 1 with SCHED_OTHER, wanted it only with SCHED_DEADLINE",
      "/mounts/0: found uidMappings without gidMappings, wanted both or neither",
      "/mounts/1: found option idmap without mappings, wanted uidMappings and gidMappings or a user namespace",
      '/hostname: found it without a UTS namespace, where it would rename the host; wanted both (hint: add {"type": "uts"} to /linux/namespaces)',
      '/domainname: found it without a UTS namespace, where it would rename the host; wanted both (hint: add {"type": "uts"} to /linux/namespaces)',
    ],
  ],
  [
    {
      linux: {
        namespaces: [{ type: "pid" }, { type: "pid" }],
        uidMappings: ONE_ID,
        timeOffsets: { boottime: { secs: 1 } },
        devices: [{ type: "c", path: "/dev/x", major: 1 }],
        memoryPolicy: {
          mode: "MPOL_BIND",
          flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"],
        },
        resources: {
          blockIO: { weightDevice: [{ major: 1, minor: 1 }] },
          rdma: { a: {} },
        },
        seccomp: {
          defaultAction: "SCMP_ACT_ALLOW",
          defaultErrnoRet: 1,
          listenerMetadata: "x",
          syscalls: [
            { names: ["a"], action: "SCMP_ACT_NOTIFY" },
            { names: ["b"], action: "SCMP_ACT_KILL", errnoRet: 1 },
          ],
        },
      },
    },
    [
      "/linux/uidMappings: found mappings without a user namespace, wanted both",
      "/linux/namespaces/1/type: found pid again, wanted each type once (first at /linux/namespaces/0)",
      "/linux/timeOffsets: found offsets without a time namespace, wanted a new time namespace",
      "/linux/devices/0: found no minor number, wanted one for a device of type c",
      "/linux/resources/blockIO/weightDevice/0: found neither weight nor leafWeight, wanted at least one",
      "/linux/resources/rdma/a: found neither hcaHandles nor hcaObjects, wanted at least one",
      "/linux/memoryPolicy: found no nodes with MPOL_BIND, wanted at least one",
      "/linux/memoryPolicy/flags: found both MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES, wanted one at most",
      "/linux/seccomp/defaultErrnoRet: found 1 with SCMP_ACT_ALLOW, wanted it only with SCMP_ACT_ERRNO or SCMP_ACT_TRACE",
      "/linux/seccomp/syscalls/1/errnoRet: found 1 with SCMP_ACT_KILL, wanted it only with SCMP_ACT_ERRNO or SCMP_ACT_TRACE",
      "/linux/seccomp/syscalls/0/action: found SCMP_ACT_NOTIFY, wanted a listenerPath with it",
      "/linux/seccomp/listenerMetadata: found it without a listenerPath, wanted both",
    ],
  ],
  [
    {
      linux: {
        namespaces: [{ type: "user" }, { type: "time", path: "/proc/1/ns/time" }],
        timeOffsets: { monotonic: { secs: 1 } },
        memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" },
        seccomp: { defaultAction: "SCMP_ACT_NOTIFY" },
      },
    },
    [
      "/linux: found a new user namespace without uidMappings, wanted at least one mapping",
      "/linux: found a new user namespace without gidMappings, wanted at least one mapping",
      "/linux/timeOffsets: found offsets with a joined time namespace, wanted a new time namespace",
      "/linux/memoryPolicy/nodes: found nodes with MPOL_LOCAL, wanted none",
      "/linux/seccomp/defaultAction: found SCMP_ACT_NOTIFY, wanted a listenerPath with it",
    ],
  ],
];

test("values that do not go together are told at the place that is wrong", async () => {
  for (const [parts, told] of CLASHES) {
    const config = { ociVersion: "1.3.0", root: { path: "rootfs" }, ...parts };
    assert.equal((await problemsOf(JSON.stringify(config))).toSorted(), told.toSorted());
  }
});

test("--strict tells of misspelt fields and values, and plan without it does not", async () => {
  const directory = bundle({
    process: { oomScoreAdjust: 1, capabilities: { bounding: ["cap_chown"], permited: [] } },
    mounts: [{ destination: "/a", type: "tmpfs", source: "tmpfs", options: ["nosiud"] }],
    hooks: { createRuntme: [] },
    linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [MISSPELT] } },
  });
  const { code, stderr } = await runt(["plan", "--strict", "--bundle", directory]);
  assert.is(code, 1);
  const told = [
    '/process/oomScoreAdjust: found the unknown property "oomScoreAdjust" (hint: did you mean "oomScoreAdj"?)',
    '/process/capabilities/permited: found the unknown property "permited" (hint: did you mean "permitted"?)',
    '/process/capabilities/bounding/0: found the unknown capability "cap_chown" (hint: did you mean "CAP_CHOWN"?)',
    '/mounts/0/options/0: found the unknown mount option "nosiud" (hint: did you mean "nosuid"?)',
    '/hooks/createRuntme: found the unknown property "createRuntme" (hint: did you mean "createRuntime"?)',
    '/linux/seccomp/syscalls/0/names/0: found the unknown system call "mkdr" (hint: did you mean "mkdir"?)',
  ];
  const [, ...lines] = stderr.trimEnd().split("\n");
  assert.equal(lines.map((line) => line.trim()).toSorted(), told.toSorted());
  assert.is((await runt(["plan", "--bundle", directory])).code, 0);
});

runTests();

/** As many wrong values at a time as are told, and none inside of another. */
function batchesOf(all: readonly Row[]): Row[][] {
  const batches: Row[][] = [];
  for (const row of all) {
    const place = batches.find(
      (batch) => batch.length < TOLD_MAX && !batch.some((other) => areNested(row, other)),
    );
    if (place === undefined) batches.push([row]);
    else place.push(row);
  }
  return batches;
}

function areNested(one: Row, other: Row): boolean {
  const [a, b] = [`${one.pointer}/`, `${other.pointer}/`];
  return a.startsWith(b) || b.startsWith(a);
}

/** The sample as text with all values of a batch in it, written as they are in the table. */
function textWith(batch: readonly Row[]): string {
  let config: unknown = JSON.parse(JSON.stringify(sampleConfig));
  batch.forEach(({ keys }, index) => {
    config = replaced(config, keys, `@${index}@`);
  });
  return JSON.stringify(config).replace(
    /"@(\d+)@"/g,
    (_, index) => batch[Number(index)]?.json ?? "",
  );
}

/** The problems that `plan` tells, one a line. */
async function problemsOf(text: string): Promise<string[]> {
  const directory = freshDirectory();
  writeFileSync(join(directory, "config.json"), text);
  const { code, stdout, stderr } = await runt(["plan", "--bundle", directory]);
  assert.equal({ code, stdout }, { code: 1, stdout: "" });
  const [headline = "", ...lines] = stderr.trimEnd().split("\n");
  if (lines.length > 0) return lines.map((line) => line.trim());
  // A single problem stands in the headline, escaped for the log.
  const [, message = ""] = /config\.json: (.*)"$/.exec(headline) ?? [];
  return [message.replaceAll('\\"', '"').replaceAll("\\\\", "\\")];
}

function pointersBelow(name: string): string[] {
  return fieldNamed(name).fields.flatMap((field) => [field.pointer, ...pointersBelow(field.name)]);
}

function unescapeKey(key: string): string {
  return key.replaceAll("~1", "/").replaceAll("~0", "~");
}
