// Profiles of AppArmor, loaded into a kernel that has it on.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { inUserNamespace } from "../support/bundle.ts";
import { inside, withContainer, withScript } from "../support/container.ts";
import { readProc } from "../support/process.ts";
import { refusesPatch } from "../support/refusal.ts";
import { room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";

const profile = `${room.prefix}-profile`;
const rules = join(room.directory, "profile");

function parser(...flags: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["apparmor_parser", ...flags, rules]);
  assert.is(exitCode, 0, stderr.toString());
}

test.before(() => {
  writeFileSync(
    rules,
    `profile ${profile} flags=(attach_disconnected) {
      file, signal, capability,
      deny /etc/secret rw,
    }\n`,
  );
  parser("--replace", "--skip-cache");
});

test.after(() => parser("--remove"));

const rootfs = newRootfs();
writeFileSync(join(rootfs, "etc/secret"), "secret");
const root = { path: rootfs };

for (const [where, linux] of [
  ["", { resources: undefined }],
  [" in a user namespace", { ...inUserNamespace, resources: undefined }],
] as const) {
  for (const noNewPrivileges of [true, false]) {
    test(`a profile confines the program${where}, noNewPrivileges being ${noNewPrivileges}`, async () => {
      const process = { apparmorProfile: profile, noNewPrivileges };
      const text = "cat /proc/self/attr/current; cat /etc/passwd; cat /etc/secret 2>&1; true";
      const found = await inside(text, { root, process, linux });
      const [current, passwd, secret] = found.split("\n");
      assert.is(current, `${profile} (enforce)`);
      assert.match(passwd ?? "", /^root:/);
      assert.match(secret ?? "", "Permission denied");
    });
  }
}

test("the host sees the profile on the program, and none before the start", async () => {
  const process = { apparmorProfile: profile };
  const patch = withScript("exec sleep 100", { process, linux: { resources: undefined } });
  await withContainer(patch, async ({ id, does, becomes, state }) => {
    assert.is(readProc((await state()).pid, "attr/current"), "unconfined\n");
    await does("start");
    const { pid } = await becomes("running");
    assert.is(readProc(pid, "attr/current"), `${profile} (enforce)\n`);
    const command = ["exec", id, "cat", "/proc/self/attr/current"];
    assert.equal(await runt(command), { code: 0, stdout: `${profile} (enforce)\n`, stderr: "" });
    const other = await runt(["exec", "--apparmor", "no-such-profile", id, "true"]);
    assert.is(other.code, 255);
    assert.match(other.stderr, /hint: the profile is not loaded/);
  });
});

test("a profile that is not loaded is refused, with a hint", async () => {
  await refusesPatch(
    { process: { apparmorProfile: "no-such-profile" }, linux: { resources: undefined } },
    /\/process\/apparmorProfile.*no-such-profile.*hint: the profile is not loaded/,
  );
});

runTests();
