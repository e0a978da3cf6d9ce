// Fields that cannot be acted on are refused by their pointers, none is dropped, and `features` claims
// what there is.

import * as assert from "uvu/assert";
import { defaultMounts, type Patch } from "../support/bundle.ts";
import { run } from "../support/container.ts";
import { runt } from "../support/runt.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, skip, test } from "../support/suite.ts";

const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];

const fields: [pointer: string, patch: Patch][] = [
  ["/linux/timeOffsets", { linux: { timeOffsets: { boottime: { secs: 10 } } } }],
];

if (foreignRuntime) skip("fields are refused", "another runtime supports more");
for (const [pointer, patch] of foreignRuntime ? [] : fields) {
  test(`${pointer} is refused with its pointer: ${JSON.stringify(patch).slice(0, 60)}`, async () => {
    const { code, stderr } = await run(patch);
    assert.is(code, 1);
    assert.ok(stderr.includes(pointer), stderr);
    assert.match(stderr, /not supported|namespace/);
  });
}

test("all impossible fields of one configuration are named at once", async () => {
  if (foreignRuntime) return;
  const { stderr } = await run({
    process: { execCPUAffinity: { initial: "3-0" } },
    linux: { resources: { memory: { swap: 1 << 20 } } },
  });
  for (const name of ["execCPUAffinity", "memory/swap"]) {
    assert.match(stderr, new RegExp(name));
  }
});

test("features claims every kind of cgroup", async () => {
  const features = JSON.parse((await runt(["features"])).stdout);
  if (foreignRuntime) return;
  const { v2, systemd, systemdUser, rdma } = features.linux.cgroup;
  assert.equal([v2, systemd, systemdUser, rdma], [true, true, true, true]);
});

test("every namespace, hook and mount option that features lists is accepted", async () => {
  const features = JSON.parse((await runt(["features"])).stdout);
  const namespaces = features.linux.namespaces.map((type: string) => ({ type }));
  const linux = { namespaces, uidMappings: mappings, gidMappings: mappings };
  if (!foreignRuntime) assert.is((await run({ linux })).code, 0);
  for (const option of features.mountOptions) {
    if (["remount", "bind", "rbind", "idmap", "ridmap"].includes(option)) continue;
    const bind = /^r(?!(elatime|o|w)$)/.test(option) ? ["rbind"] : [];
    const source = bind.length > 0 ? "/mnt" : "tmpfs";
    const mount = { destination: "/tmp", type: "tmpfs", source, options: [...bind, option] };
    const { code, stderr } = await run({ mounts: [...defaultMounts, mount] });
    if (!foreignRuntime) assert.is(code, 0, `${option}: ${stderr}`);
  }
});

test("empty values ask for nothing and are accepted", async () => {
  const { code, stderr } = await run({
    process: { apparmorProfile: "", selinuxLabel: "" },
    linux: { mountLabel: "", uidMappings: [], gidMappings: [] },
  });
  assert.is(code, 0, stderr);
});

test("fields of other platforms and unknown fields are ignored", async () => {
  const { code, stderr } = await run({
    solaris: { milestone: "x" },
    windows: { layerFolders: ["x"] },
    "org.example.unknown": { any: [1, 2] },
    process: { unknownField: true },
  });
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
  shows("config.unknown");
});

runTests();
