import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  labelledKeyring,
  labelledOptions,
  mountLabelSteps,
  securityLabels,
} from "../../../runtime/clauses/security-labels.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { joinKeyring } from "../../../runtime/ops/process.ts";
import { step } from "../../../runtime/plan/step.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";

const nowhere: HostFacts = hybridRoot;
const apparmor: HostFacts = v2Root;
const selinux: HostFacts = v2Rootless;

const label = "system_u:system_r:container_t:s0:c1,c2";
const process = { args: ["sh"], cwd: "/", apparmorProfile: "acme", selinuxLabel: label };
const config = configOf({ process, linux: { mountLabel: label } });

test("a profile and a label are applied where their module is on, and else refused", () => {
  const byApparmor = securityLabels(config, apparmor);
  assert.equal(lines(byApparmor.steps), ["init apparmor.exec acme"]);
  assert.equal(pointers(byApparmor.problems), ["/process/selinuxLabel"]);
  const bySelinux = securityLabels(config, selinux);
  assert.equal(lines(bySelinux.steps), [`init selinux.exec ${label}`]);
  assert.equal(pointers(bySelinux.problems), ["/process/apparmorProfile"]);
});

test("where there is neither, each refusal names the value and the module", () => {
  const { steps, problems } = securityLabels(config, nowhere);
  assert.equal(steps, []);
  assert.equal(pointers(problems), ["/process/apparmorProfile", "/process/selinuxLabel"]);
  assert.match(problems[0]?.message ?? "", /"acme".*AppArmor is not on/);
  assert.match(problems[1]?.message ?? "", /container_t.*SELinux is not on/);
});

test("a label of mounts has no effect without SELinux, and that is said", () => {
  const onlyMounts = configOf({ linux: { mountLabel: label } });
  const { warnings, problems } = securityLabels(onlyMounts, nowhere);
  assert.equal(problems, []);
  assert.equal(warnings.length, 1);
  assert.match(lines(warnings)[0] ?? "", /\/linux\/mountLabel.*no effect/);
  assert.equal(labelledOptions(onlyMounts, nowhere, { type: "tmpfs", data: [] }), []);
  assert.equal(securityLabels(onlyMounts, selinux).warnings, []);
});

test("empty labels ask for nothing, and nobody looks for a module", () => {
  const blind: HostFacts = {
    ...nowhere,
    get apparmor(): boolean {
      throw new Error("asked for AppArmor");
    },
    get selinux(): boolean {
      throw new Error("asked for SELinux");
    },
  };
  const empty = configOf({
    process: { args: ["sh"], cwd: "/", apparmorProfile: "", selinuxLabel: "" },
    linux: { mountLabel: "" },
  });
  for (const one of [empty, configOf({})]) {
    assert.equal(securityLabels(one, blind), { warnings: [], steps: [], problems: [] });
    assert.equal(labelledOptions(one, blind, { type: "tmpfs", data: ["a"] }), ["a"]);
    assert.equal(mountLabelSteps(one, blind, { type: "mqueue", target: "/x" }), []);
  }
});

test("filesystems are mounted with the label, but those that the kernel labels by itself", () => {
  for (const type of ["tmpfs", "devpts", "ext4", "overlay"]) {
    const data = labelledOptions(config, selinux, { type, data: ["mode=755"] });
    assert.equal(data, ["mode=755", `context="${label}"`], type);
  }
  for (const type of ["proc", "sysfs", "cgroup", "cgroup2", "mqueue"]) {
    assert.equal(labelledOptions(config, selinux, { type, data: [] }), [], type);
  }
});

test("a mount's own label is left to it", () => {
  const data = ['context="mine"'];
  assert.equal(labelledOptions(config, selinux, { type: "tmpfs", data }), data);
});

test("mqueue gets its label once it is mounted", () => {
  const mount = { type: "mqueue", target: "/dev/mqueue" };
  const steps = mountLabelSteps(config, selinux, mount);
  assert.equal(lines(steps), [`init selinux.mount /dev/mqueue ${label}`]);
  assert.equal(mountLabelSteps(config, selinux, { type: "tmpfs", target: "/x" }), []);
  assert.equal(mountLabelSteps(config, nowhere, mount), []);
});

test("the session keyring is made with the program's label", () => {
  const make = step("init", joinKeyring({ name: "_ses.demo" }), "");
  assert.equal(lines(labelledKeyring(config, selinux, make)), [
    `init selinux.keycreate ${label}`,
    "init keyring.join _ses.demo",
    "init selinux.keycreate reset",
  ]);
  assert.equal(labelledKeyring(config, nowhere, make), [make]);
  assert.equal(labelledKeyring(configOf({}), selinux, make), [make]);
});

test.run();
