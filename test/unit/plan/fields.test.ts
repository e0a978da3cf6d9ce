// No field of config.json is dropped: each one changes the plan, is acted on by another command, or
// means nothing on Linux and is listed as such.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { IGNORED_FIELDS } from "../../../runtime/clauses/ignored.ts";
import type { SchemaNode } from "../../../runtime/config/schema-node.ts";
import { schemaTable } from "../../../runtime/config/schemas.gen.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";
import { walk } from "../../../runtime/config/walk.ts";
import { ConfigError } from "../../../runtime/errors.ts";
import { features } from "../../../runtime/lifecycle/features.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import { demo } from "../../support/container-facts.ts";
import { shows } from "../../support/shows.ts";
import { fullHost } from "../schemas/plannable.ts";
import { sampleConfig } from "../schemas/sample-config.ts";

/** Fields that create needs no step for, and who acts on them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "Config.ociVersion": "the parser, which refuses versions that it does not know",
  "Process.execCPUAffinity": "exec",
  "CPUAffinity.initial": "exec",
  "CPUAffinity.final": "exec",
  "Root.path": "the bundle, which knows where the root filesystem is before there is a plan",
  "Hooks.poststart": "start",
  "Hooks.poststop": "delete",
  "Seccomp.listenerMetadata": "start",
  "Personality.flags": "nobody: the specification defines none, and any is refused",
  "Memory.useHierarchy": "the kernel: since Linux 5.11 memory is always accounted that way",
  "Resources.unified": "hosts with cgroup v2 alone, which this one is not",
  "Memory.checkBeforeUpdate": "update: the cgroup of a create is new and uses nothing",
};

/** Without them devices are made and not borrowed from the host. */
const USER_NAMESPACE = ["/linux/namespaces/5", "/linux/uidMappings", "/linux/gidMappings"];

/** Every field, with values that differ from what an absent one means. */
const full: Config = changed(sampleConfig, [
  ["/linux/resources/unified", {}],
  ["/mounts/2", { destination: "/dev", type: "tmpfs", source: "tmpfs" }],
  ["/process/scheduler/nice", 5],
  ["/process/scheduler/priority", 5],
  ["/linux/devices/0/fileMode", 0o600],
  ["/linux/devices/0/uid", 5],
  ["/linux/devices/0/gid", 6],
  ["/linux/resources/devices/1/minor", 229],
  ["/linux/resources/memory/disableOOMKiller", true],
  ["/linux/seccomp/syscalls/1/errnoRet", 40],
  ["/linux/seccomp/syscalls/1/args/0/valueTwo", 2114060288],
]);

test("every field changes the plan, or is listed as ignored or acted on elsewhere", () => {
  const acted = new Set(Object.keys(ELSEWHERE));
  const seen = new Set<string>();
  for (const base of [full, without(full, USER_NAMESPACE)]) {
    const config = without(base, IGNORED_FIELDS);
    const plan = planText(config);
    for (const { name, pointer } of fieldsOf(config)) {
      seen.add(name);
      if (!acted.has(name) && planText(without(config, [pointer])) !== plan) acted.add(name);
    }
  }
  assert.ok(seen.size > 100);
  assert.equal(
    [...seen].filter((name) => !acted.has(name)),
    [],
  );
  assert.equal(
    Object.keys(ELSEWHERE).filter((name) => !seen.has(name)),
    [],
  );
  shows("runtime.create.properties");
});

test("nothing is missing from the features", () => {
  const { linux } = features();
  const { apparmor, selinux, netDevices, intelRdt, cgroup } = linux;
  const claims = [apparmor, selinux, netDevices, intelRdt].map(({ enabled }) => enabled);
  assert.equal([...claims, "memoryPolicy" in linux, cgroup.rdma], Array(6).fill(true));
});

test.run();

function fieldName(table: ReturnType<typeof schemaTable>, field: SchemaNode | undefined) {
  if (field === undefined) return undefined;
  for (const [type, { properties }] of Object.entries(table)) {
    for (const [key, node] of Object.entries(properties ?? {})) {
      if (node === field) return `${type}.${key}`;
    }
  }
  return undefined;
}

function fieldsOf(config: Config): { name: string; pointer: string }[] {
  const table = schemaTable();
  const found: { name: string; pointer: string }[] = [];
  walk(config, { type: "Config", table }, ({ value, pointer, node }) => {
    for (const key of Object.keys(Object(value))) {
      const name = fieldName(table, node.properties?.[key]);
      if (name !== undefined) found.push({ name, pointer: `${pointer}/${key}` });
    }
  });
  return found;
}

/** The plan, or why there is none; a field that is missed is read as well. */
function planText(config: Config): string {
  try {
    return JSON.stringify(createPlan(config, fullHost, demo));
  } catch (error) {
    if (error instanceof ConfigError) return JSON.stringify(error.problems);
    if (error instanceof TypeError) return String(error);
    throw error;
  }
}

function without(config: Config, pointers: readonly string[]): Config {
  return changed(
    config,
    pointers.map((pointer) => [pointer, undefined]),
  );
}

/** A copy with other values at some places. */
function changed(config: Config, changes: readonly (readonly [string, unknown])[]): Config {
  const copy: Config = structuredClone(config);
  for (const [pointer, value] of changes) {
    const keys = pointer
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/"));
    const last = keys.pop() ?? "";
    let place: unknown = copy;
    for (const key of keys) place = Object(place)[key];
    if (Array.isArray(place) && value === undefined) place.splice(Number(last), 1);
    else if (value === undefined) delete Object(place)[last];
    else Object(place)[last] = value;
  }
  return copy;
}
