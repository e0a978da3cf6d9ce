// The printed plans of the sample bundles and of the default configuration, on every fixture host,
// held against test/plans. `make plans` writes those files anew; their diff is what to look at.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cgroupDirectories } from "../../../runtime/cgroup/paths.ts";
import { parseConfig } from "../../../runtime/config/parse.ts";
import type { Config, Linux, Process } from "../../../runtime/config/types.gen.ts";
import { ConfigError, problemText } from "../../../runtime/errors.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { defaultSpec, rootlessSpec } from "../../../runtime/lifecycle/spec.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import { execPlan } from "../../../runtime/plan/exec.ts";
import { printPlan } from "../../../runtime/plan/print.ts";
import type { Plan } from "../../../runtime/plan/step.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { demo } from "../../support/container-facts.ts";

const BUNDLES = join(import.meta.dirname, "../../../bundles");
const PLANS = join(import.meta.dirname, "../../plans");
const WRITE = process.env["WRITE_PLANS"] === "1";

const configs: Record<string, Config> = {
  spec: defaultSpec(),
  "spec-rootless": rootlessSpec({ uid: 1000, gid: 1000 }),
  apparmor: withProcess({ apparmorProfile: "acme_secure_profile" }),
  selinux: withProcess(
    { selinuxLabel: "system_u:system_r:container_t:s0:c1,c2" },
    { mountLabel: "system_u:object_r:container_file_t:s0:c1,c2" },
  ),
  scheduling: withProcess(
    {
      scheduler: { policy: "SCHED_RR", priority: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
      ioPriority: { class: "IOPRIO_CLASS_RT", priority: 2 },
      rlimits: [{ type: "RLIMIT_MEMLOCK", soft: 65536, hard: 18446744073709551615n }],
      oomScoreAdj: -500,
    },
    {
      memoryPolicy: { mode: "MPOL_BIND", nodes: "0-1", flags: ["MPOL_F_STATIC_NODES"] },
      personality: { domain: "LINUX32" },
    },
  ),
};
for (const name of readdirSync(BUNDLES)) {
  const file = join(BUNDLES, name, "config.json");
  if (existsSync(file)) configs[name] = parseConfig(readFileSync(file, "utf8"), file);
}
const hosts = { "hybrid-root": hybridRoot, "v2-root": v2Root, "v2-rootless": v2Rootless };

if (WRITE) rmSync(PLANS, { recursive: true, force: true });
mkdirSync(PLANS, { recursive: true });

const files: string[] = [];
for (const [name, config] of Object.entries(configs)) {
  for (const [host, facts] of Object.entries(hosts)) {
    const file = `${name}.${host}.txt`;
    files.push(file);
    compare(`the plan of ${name} on ${host} is the one in test/plans`, file, () =>
      createPlan(config, facts, demo),
    );
  }
}
for (const name of ["spec", "spec-rootless", "scheduling", "selinux", "terminal"]) {
  for (const [host, facts] of Object.entries(hosts)) {
    const file = `exec-${name}.${host}.txt`;
    files.push(file);
    compare(`the plan of exec into ${name} on ${host} is the one in test/plans`, file, () =>
      execInto(configs[name], facts),
    );
  }
}

test("test/plans has no plan that is not compared", () => {
  assert.equal(readdirSync(PLANS).sort(), files.sort());
});

test.run();

/** A small configuration in a user namespace, which every host can make a plan of. */
function withProcess(more: Partial<Process>, linux: Linux = {}): Config {
  const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
  const types = ["mount", "pid", "ipc", "user"] as const;
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { args: ["sh"], cwd: "/", ...more },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
      { destination: "/dev/mqueue", type: "mqueue", source: "mqueue" },
    ],
    linux: {
      namespaces: types.map((type) => ({ type })),
      uidMappings: ids,
      gidMappings: ids,
      ...linux,
    },
  };
}

/** The process of a container once more, in that container, for a caller who is root or its owner. */
function execInto(config: Config | undefined, facts: HostFacts): Plan {
  if (config?.process === undefined) throw new Error("there is no process to execute");
  const types = config.linux?.namespaces?.map(({ type }) => type) ?? [];
  const joined = {
    pid: 4711,
    startTime: "1234",
    namespaces: types,
    cgroups: cgroupDirectories(facts.cgroup, "/demo", "demo"),
    cgroupOptional: facts.uid !== 0,
    preserveFds: 0,
  };
  const execCPUAffinity = { initial: "0", final: "1-2" };
  const process = { ...config.process, execCPUAffinity };
  const container = { ...demo, joins: true } as const;
  return execPlan(config, { process, file: "process.json", joined }, { facts, container });
}

function compare(name: string, file: string, plan: () => Plan): void {
  if (WRITE) writeFileSync(join(PLANS, file), printed(plan));
  test(name, () => {
    assert.fixture(printed(plan), readFileSync(join(PLANS, file), "utf8"));
  });
}

/** The plan as `runt plan` prints it, or why there is none. */
function printed(plan: () => Plan): string {
  try {
    return `${printPlan(plan())}\n`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => `refused: ${problemText(problem)}\n`).join("");
  }
}
