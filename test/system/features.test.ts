// `features` (features.md, features-linux.md): everything that it lists is really taken.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { schemaTable } from "../../runtime/config/schemas.gen.ts";
import type { Features } from "../../runtime/config/types.gen.ts";
import { validateFeatures } from "../../runtime/config/validate.gen.ts";
import { walk } from "../../runtime/config/walk.ts";
import { readDemands } from "../spec/demands.ts";
import { bundle, defaultMounts, type Patch } from "../support/bundle.ts";
import { inside, run } from "../support/container.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

async function features(): Promise<Features> {
  return JSON.parse((await runt(["features"])).stdout);
}

/** Asserts that a bundle of the patch has a plan, and none of its steps is a warning. */
async function plans(patch: Patch): Promise<void> {
  const { code, stdout, stderr } = await runt(["plan", "--bundle", bundle(patch)]);
  assert.is(code, 0, `${JSON.stringify(patch)}: ${stderr}`);
  assert.not.match(stdout, / warn +unknown/);
}

if (!foreignRuntime) {
  test("features fit their schema, which has every property of them", async () => {
    const list = await features();
    assert.ok(validateFeatures(list), JSON.stringify(validateFeatures.errors));
    const unknown: string[] = [];
    walk(list, { type: "Features", table: schemaTable() }, ({ value, node }) => {
      if (node.properties === undefined) return;
      unknown.push(...Object.keys(Object(value)).filter((key) => !node.properties?.[key]));
    });
    assert.equal(unknown, []);
    shows("features.ociVersionMin", "features.ociVersionMax", "features.properties");
  });

  test("features are the same for another user, in other namespaces", async () => {
    const { stdout } = await runt(["features"]);
    const through = ["unshare", "--user", "--net", "--pid", "--fork", "--mount", "--mount-proc"];
    assert.is((await runt(["features"], { through })).stdout, stdout);
    shows("features.compile-time");
  });

  test("the lowest and the highest version are accepted, in that order", async () => {
    const { ociVersionMin, ociVersionMax } = await features();
    for (const ociVersion of [ociVersionMin, ociVersionMax]) {
      const { code, stderr } = await run({ ociVersion });
      assert.is(code, 0, stderr);
    }
    assert.ok(Bun.semver.order(ociVersionMin, ociVersionMax) < 0);
    shows("features.ociVersionMin.accepted", "features.ociVersionMax.accepted");
    shows("features.ociVersionMax.order");
  });

  test("annotations are texts by names", async () => {
    const { annotations = {} } = await features();
    for (const [key, value] of Object.entries(annotations)) {
      assert.ok(key.length > 0 && typeof value === "string", key);
    }
    assert.ok(Object.keys(annotations).length > 0);
    shows("features.annotations");
  });

  test("every hook, namespace and option of mounts that is listed is taken", async () => {
    const { hooks = [], mountOptions = [], linux } = await features();
    const { namespaces = [] } = linux ?? {};
    await plans({
      hooks: Object.fromEntries(hooks.map((kind) => [kind, [{ path: "/bin/true" }]])),
    });
    const mapping = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const mapped = namespaces.includes("user")
      ? { uidMappings: mapping, gidMappings: mapping }
      : {};
    await plans({ linux: { namespaces: namespaces.map((type) => ({ type })), ...mapped } });
    const mounts = mountOptions.map((option) => ({
      destination: "/tmp",
      source: "/tmp",
      options: ["rbind", option],
      ...(/^r?idmap$/.test(option) ? { uidMappings: mapping, gidMappings: mapping } : {}),
      ...(option === "tmpcopyup" ? { type: "tmpfs", source: "tmpfs", options: [option] } : {}),
    }));
    await plans({ mounts: [...defaultMounts, ...mounts] });
    assert.is(namespaces.length, 8);
    const isMapping = mountOptions.includes("idmap") && mountOptions.includes("ridmap");
    assert.is(linux?.mountExtensions?.idmap?.enabled, isMapping);
    shows("features.hooks", "features.mountOptions", "features.namespaces", "features.idmap");
    shows("linux.namespaces.types");
  });

  test("options of the specification are listed, those of single filesystems are not", async () => {
    const { mountOptions = [] } = await features();
    const ids = readDemands().flatMap(({ demands }) => demands.map(({ id }) => id));
    const named = ids.flatMap((id) => /^mount-option\.(\w+)$/.exec(id)?.[1] ?? []);
    assert.ok(named.length > 50);
    assert.equal(named.filter((name) => !mountOptions.includes(name)).sort(), []);
    const more = mountOptions.filter((name) => !named.includes(name));
    // Three more that MAY be there, and one that the table forgets.
    assert.equal(
      more.filter((name) => !["mand", "nomand", "tmpcopyup", "rnodev"].includes(name)),
      [],
    );
    shows("features.mountOptions.filesystems", "mount-options");
    shows(...named.map((name) => `mount-option.${name}`));
  });

  test("every capability that is listed is known", async () => {
    const { linux } = await features();
    const { capabilities = [] } = linux ?? {};
    assert.ok(capabilities.length > 40);
    const [, own = ""] = /CapBnd:\s+(\w+)/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    const has = (number: number): boolean => (BigInt(`0x${own}`) & (1n << BigInt(number))) !== 0n;
    const { code, stderr } = await run({ process: { capabilities: { bounding: capabilities } } });
    assert.is(code, 0, stderr);
    const [, leftOut = ""] = /left out: ([\w, ]*)/.exec(stderr) ?? [];
    const missing = capabilities.filter((_, number) => !has(number));
    assert.equal(leftOut.split(", ").filter(Boolean).sort(), missing.sort());
    shows("features.capabilities");
  });

  test("every action, operator, architecture and flag of seccomp that is listed is taken", async () => {
    const { linux } = await features();
    const { actions = [], operators = [], archs = [], knownFlags = [] } = linux?.seccomp ?? {};
    const args = (op: string): Patch[] => [{ index: 0, value: 1, valueTwo: 1, op }];
    for (const flag of [[], ...knownFlags.map((one) => [one])]) {
      await plans({
        linux: {
          seccomp: {
            defaultAction: "SCMP_ACT_ALLOW",
            architectures: archs,
            flags: flag,
            ...(actions.includes("SCMP_ACT_NOTIFY") ? { listenerPath: "/run/listener" } : {}),
            syscalls: [
              ...actions.map((action) => ({ names: ["mkdir"], action })),
              ...operators.map((op) => ({
                names: ["mkdir"],
                action: "SCMP_ACT_LOG",
                args: args(op),
              })),
            ],
          },
        },
      });
    }
    shows("features.seccomp.actions", "features.seccomp.operators", "features.seccomp.archs");
    shows("features.seccomp.knownFlags");
  });

  test("every mode and flag of memory policies that is listed is taken", async () => {
    const { linux } = await features();
    const { modes = [], flags = [] } = linux?.memoryPolicy ?? {};
    assert.is(modes.length, 7);
    assert.is(flags.length, 3);
    for (const mode of modes) {
      const nodes = /DEFAULT|LOCAL/.test(mode) ? {} : { nodes: "0" };
      await plans({ linux: { memoryPolicy: { mode, ...nodes } } });
    }
    for (const flag of flags) {
      const memoryPolicy = { mode: "MPOL_BIND", nodes: "0", flags: [flag] };
      await plans({ linux: { memoryPolicy } });
    }
    shows("features.memoryPolicy.modes", "features.memoryPolicy.flags");
  });

  test("every flag of seccomp that is listed as supported works", async () => {
    const { linux } = await features();
    for (const flag of linux?.seccomp?.supportedFlags ?? []) {
      // Of no use without an agent, and tried with one in another file.
      if (flag === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") continue;
      const seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        flags: [flag],
        syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }],
      };
      assert.is(
        await inside("mkdir /tmp/x 2>/dev/null || echo denied", { linux: { seccomp } }),
        "denied\n",
      );
    }
    shows("features.seccomp.supportedFlags");
  });
}

runTests();
