// Labels of security modules: applied where their module is on, refused or said to be idle where
// it is not.

import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { setApparmorProfile, setKeyLabel, setSelinuxLabel } from "../../runtime/ops/label.ts";
import type { Op } from "../../runtime/ops/op.ts";
import { defaultMounts } from "../support/bundle.ts";
import { inside, run, withScript } from "../support/container.ts";
import { opContext } from "../support/op-context.ts";
import { refusesPatch } from "../support/refusal.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, test as runTest, runTests, skip } from "../support/suite.ts";

const parameter = "/sys/module/apparmor/parameters/enabled";
const hasApparmor = existsSync(parameter) && readFileSync(parameter, "utf8").startsWith("Y");
const hasSelinux = existsSync("/sys/fs/selinux/enforce");

const label = "system_u:object_r:svirt_sandbox_file_t:s0:c715,c811";

/** Other runtimes drop what they cannot apply. */
function test(name: string, needs: boolean, body: () => Promise<unknown>): void {
  if (foreignRuntime) skip(name, "other runtimes drop labels");
  else if (!needs) skip(name, "the security modules of this machine are others");
  else runTest(name, async () => void (await body()));
}

test("a profile is refused where AppArmor is not on", !hasApparmor, () =>
  refusesPatch(
    { process: { apparmorProfile: "acme_secure_profile" } },
    /\/process\/apparmorProfile.*acme_secure_profile.*AppArmor is not on here.*hint/,
  ),
);

test("a label is refused where SELinux is not on", !hasSelinux, () =>
  refusesPatch(
    { process: { selinuxLabel: "system_u:system_r:svirt_lxc_net_t:s0:c124,c675" } },
    /\/process\/selinuxLabel.*svirt_lxc_net_t.*SELinux is not on here.*hint/,
  ),
);

test("both are refused at once, with everything else", !hasApparmor && !hasSelinux, async () => {
  const process = { apparmorProfile: "x", selinuxLabel: "y" };
  const linux = { personality: { domain: "LINUX", flags: ["z"] } };
  const stderr = await refusesPatch({ process, linux }, /apparmorProfile/);
  for (const name of ["selinuxLabel", "personality"]) assert.ok(stderr.includes(name), stderr);
});

test("a label of mounts is a warning where SELinux is not on", !hasSelinux, async () => {
  const mqueue = { destination: "/dev/mqueue", type: "mqueue", source: "mqueue" };
  const patch = { mounts: [...defaultMounts, mqueue], linux: { mountLabel: label } };
  const { code, stdout, stderr } = await run(withScript("cat /proc/self/mountinfo", patch));
  assert.is(code, 0, stderr);
  assert.not.match(stdout, /context=/);
  assert.is(stderr.split(label).length, 2, stderr);
  assert.match(stderr, /warn.*\/linux\/mountLabel.*no effect.*SELinux/);
});

test("empty labels ask for nothing", true, async () => {
  const patch = {
    process: { apparmorProfile: "", selinuxLabel: "" },
    linux: { mountLabel: "" },
  };
  const { code, stderr } = await run(patch);
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
});

test("a profile is the program's where AppArmor is on", hasApparmor, async () => {
  const text = "cat /proc/self/attr/apparmor/current";
  const patch = { process: { apparmorProfile: "unconfined" } };
  assert.is((await inside(text, patch)).trim(), "unconfined");
});

test("a profile that is not loaded is an error of create", hasApparmor, () =>
  refusesPatch(
    { process: { apparmorProfile: "no-such-profile" } },
    /\/process\/apparmorProfile.*attr\/apparmor\/exec.*no-such-profile.*not loaded/,
  ),
);

test("labels are written to the kernel's own files", !hasApparmor && !hasSelinux, async () => {
  const ops: [op: Op, pattern: RegExp][] = [
    [setApparmorProfile({ profile: "acme" }), /"\/proc\/self\/attr\/exec", "exec acme".*EINVAL/],
    [setSelinuxLabel({ label: "a:b:c:s0" }), /"\/proc\/self\/attr\/exec", "a:b:c:s0".*EINVAL/],
    [setKeyLabel({ label: "a:b:c:s0" }), /"\/proc\/self\/attr\/keycreate", "a:b:c:s0".*EINVAL/],
  ];
  // No module is there to take them, which the kernel says once they have reached it.
  for (const [op, pattern] of ops) assert.throws(() => op.run(opContext({})), pattern);
});

test("features names both modules, whatever the machine has", true, async () => {
  const { linux } = JSON.parse((await runt(["features"])).stdout);
  assert.equal([linux.apparmor.enabled, linux.selinux.enabled], [true, true]);
});

runTests();
