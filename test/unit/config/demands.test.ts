// What the specification demands of single values: each that is missing or wrong is refused where it
// stands, in a configuration that is accepted otherwise.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig } from "../../../runtime/config/parse.ts";
import { shows } from "../../support/shows.ts";
import { sampleConfig } from "../schemas/sample-config.ts";
import { refusals, refused } from "./refused.ts";

/** Fields that have to be there. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  "config.ociVersion": ["/ociVersion"],
  "config.root": ["/root"],
  "config.root.path": ["/root/path"],
  "config.mounts.destination": ["/mounts/0/destination"],
  "config.process.consoleSize.height": ["/process/consoleSize/height"],
  "config.process.consoleSize.width": ["/process/consoleSize/width"],
  "config.process.cwd": ["/process/cwd"],
  "config.process.args": ["/process/args", "/process/args/*"],
  "config.process.rlimits.type": ["/process/rlimits/0/type"],
  "config.process.rlimits.soft": ["/process/rlimits/0/soft"],
  "config.process.rlimits.hard": ["/process/rlimits/0/hard"],
  "config.process.scheduler.policy": ["/process/scheduler/policy"],
  "config.process.ioPriority.class": ["/process/ioPriority/class"],
  "config.process.ioPriority.priority": ["/process/ioPriority/priority"],
  "config.process.user.uid": ["/process/user/uid"],
  "config.process.user.gid": ["/process/user/gid"],
  "config.hooks.prestart.path": ["/hooks/prestart/0/path"],
  "config.hooks.createRuntime.path": ["/hooks/createRuntime/0/path"],
  "linux.namespaces.type": ["/linux/namespaces/0/type"],
  "linux.mappings.containerID": ["/linux/uidMappings/0/containerID"],
  "linux.mappings.hostID": ["/linux/uidMappings/0/hostID", "/linux/gidMappings/0/hostID"],
  "linux.mappings.size": ["/linux/uidMappings/0/size", "/linux/gidMappings/0/size"],
  "linux.devices.type": ["/linux/devices/0/type"],
  "linux.devices.path": ["/linux/devices/0/path"],
  "linux.devices.numbers": ["/linux/devices/0/major", "/linux/devices/0/minor"],
  "linux.resources.devices.allow": ["/linux/resources/devices/0/allow"],
  "linux.resources.blockIO.weightDevice.numbers": [
    "/linux/resources/blockIO/weightDevice/0/major",
    "/linux/resources/blockIO/weightDevice/0/minor",
  ],
  "linux.resources.blockIO.bps": [
    "/linux/resources/blockIO/throttleReadBpsDevice/0/major",
    "/linux/resources/blockIO/throttleReadBpsDevice/0/rate",
    "/linux/resources/blockIO/throttleWriteBpsDevice/0/minor",
    "/linux/resources/blockIO/throttleWriteBpsDevice/0/rate",
  ],
  "linux.resources.blockIO.iops": [
    "/linux/resources/blockIO/throttleReadIOPSDevice/0/major",
    "/linux/resources/blockIO/throttleReadIOPSDevice/0/rate",
    "/linux/resources/blockIO/throttleWriteIOPSDevice/0/minor",
    "/linux/resources/blockIO/throttleWriteIOPSDevice/0/rate",
  ],
  "linux.resources.hugepageLimits.pageSize": ["/linux/resources/hugepageLimits/0/pageSize"],
  "linux.resources.hugepageLimits.limit": ["/linux/resources/hugepageLimits/0/limit"],
  "linux.resources.network.name": ["/linux/resources/network/priorities/0/name"],
  "linux.resources.network.priority": ["/linux/resources/network/priorities/0/priority"],
  "linux.memoryPolicy.mode": ["/linux/memoryPolicy/mode"],
  "linux.seccomp.defaultAction": ["/linux/seccomp/defaultAction"],
  "linux.seccomp.names": ["/linux/seccomp/syscalls/0/names"],
  "linux.seccomp.action": ["/linux/seccomp/syscalls/0/action"],
  "linux.seccomp.args.index": ["/linux/seccomp/syscalls/1/args/0/index"],
  "linux.seccomp.args.value": ["/linux/seccomp/syscalls/1/args/0/value"],
  "linux.seccomp.args.op": ["/linux/seccomp/syscalls/1/args/0/op"],
  "linux.personality.domain": ["/linux/personality/domain"],
};

/** Values that are no values of their fields. */
const WRONG: readonly [id: string, pointer: string, value: unknown][] = [
  ["config.ociVersion.semver", "/ociVersion", "1"],
  ["config.process.cwd.absolute", "/process/cwd", "tmp"],
  ["config.process.rlimits.type.unknown", "/process/rlimits/0/type", "RLIMIT_WISHES"],
  ["config.process.rlimits.duplicate", "/process/rlimits/1/type", "RLIMIT_CORE"],
  ["config.hooks.prestart.path.absolute", "/hooks/prestart/0/path", "hook"],
  ["config.hooks.prestart.timeout", "/hooks/prestart/0/timeout", 0],
  ["config.hooks.createRuntime.path.absolute", "/hooks/createRuntime/0/path", "hook"],
  ["config.hooks.createRuntime.timeout", "/hooks/createRuntime/0/timeout", 0],
  ["config.mounts.uidMappings.both", "/mounts/1/gidMappings", undefined],
  ["config.mounts.gidMappings.both", "/mounts/1/uidMappings", undefined],
  ["config.annotations.map", "/annotations", ["a"]],
  ["config.annotations.keys.empty", "/annotations", { "": "a" }],
  ["config.annotations.values", "/annotations/org.example.key", 1],
  ["config.values", "/linux/rootfsPropagation", "sideways"],
  ["linux.namespaces.path.absolute", "/linux/namespaces/1/path", "netns"],
  ["linux.namespaces.duplicate", "/linux/namespaces/4/type", "ipc"],
  [
    "linux.resources.blockIO.weightDevice.weight",
    "/linux/resources/blockIO/weightDevice/1/weight",
    undefined,
  ],
  ["linux.resources.rdma", "/linux/resources/rdma/mlx4_0/hcaObjects", undefined],
  ["linux.intelRdt.memBwSchema", "/linux/intelRdt/memBwSchema", "0=20"],
  ["linux.intelRdt.memBwSchema", "/linux/intelRdt/memBwSchema", "MB:0=20\nMB:1=20"],
  ["linux.intelRdt.schemata.lines", "/linux/intelRdt/schemata/0", "L3:0=7f\nMB:0=20"],
  ["linux.seccomp.defaultErrnoRet", "/linux/seccomp/defaultAction", "SCMP_ACT_ALLOW"],
  ["linux.seccomp.errnoRet", "/linux/seccomp/syscalls/1/action", "SCMP_ACT_ALLOW"],
  ["linux.seccomp.listenerMetadata", "/linux/seccomp/listenerPath", undefined],
  ["linux.seccomp.names.empty", "/linux/seccomp/syscalls/0/names", []],
  ["linux.maskedPaths.absolute", "/linux/maskedPaths/0", "proc"],
  ["linux.readonlyPaths.absolute", "/linux/readonlyPaths/0", "proc"],
];

test("a required field that is missing is refused", () => {
  for (const [id, places] of Object.entries(REQUIRED)) {
    for (const pointer of places) assert.ok(isRefusedWith(pointer, undefined), `${id} ${pointer}`);
  }
  shows(...Object.keys(REQUIRED));
});

test("a value that the specification excludes is refused", () => {
  for (const [id, pointer, value] of WRONG) assert.ok(isRefusedWith(pointer, value), id);
  shows(...new Set(WRONG.map(([id]) => id)));
});

test("idmap and ridmap need mappings, of the mount or of a user namespace", () => {
  for (const option of ["idmap", "ridmap"]) {
    const mounts = [{ destination: "/a", source: "/a", options: ["rbind", option] }];
    assert.equal(refused({ mounts }).length, 1, option);
    shows(`mount-option.${option}.no-mappings`);
  }
});

/** Whether one value at one place has the sample refused, there; `/*` empties a list. */
function isRefusedWith(pointer: string, value: unknown): boolean {
  const config: unknown = JSON.parse(JSON.stringify(sampleConfig));
  const keys = pointer.split("/").slice(1);
  const last = keys.pop() ?? "";
  let place: unknown = config;
  for (const key of keys) place = Object(place)[key];
  assert.ok(Array.isArray(place) || Object.hasOwn(Object(place), last), pointer);
  if (last === "*" && Array.isArray(place)) place.length = 0;
  else Object(place)[last] = value;
  const problems = refusals(() => parseConfig(JSON.stringify(config), "config.json"));
  const parent = keys.map((key) => `/${key}`).join("");
  return problems.some((problem) => problem.pointer.startsWith(parent));
}

test.run();
