// An ordinary user to whom systemd has delegated a cgroup: what root has, the user has there.

import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle } from "../support/bundle.ts";
import { withScript } from "../support/container.ts";
import { giveToUser, rootless, userRootfs } from "../support/ordinary-user.ts";
import { freshName } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { inScope, managed, withUserManager } from "./user-manager.ts";

test("a container has its own cgroup in the delegated one, and leaves nothing there", () =>
  withUserManager(async () => {
    const unit = freshName();
    const id = freshName();
    const cgroup = `${managed}/app.slice/${unit}.scope/${id}`;
    const patch = rootless({ root: { path: userRootfs() }, linux: { cgroupsPath: cgroup } });
    const directory = giveToUser(bundle(withScript("cat /proc/self/cgroup", patch)));
    const command = ["run", "--bundle", directory, id];
    const outcome = await runt(command, { as: inScope(unit) });
    assert.equal(outcome, { code: 0, stdout: `0::${cgroup}\n`, stderr: "" });
    assert.not(existsSync(join("/sys/fs/cgroup", cgroup)));
  }));

runTests();
