// An ordinary user to whom systemd has delegated a cgroup: what root has, the user has there.

import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle } from "../support/bundle.ts";
import { withScript } from "../support/container.ts";
import { giveToUser, rootless, userRootfs } from "../support/ordinary-user.ts";
import { freshName, room } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { inScope, managed, withUserManager } from "./user-manager.ts";

test("a container has its own cgroup in the delegated one, with limits that hold, and leaves nothing there", () =>
  withUserManager(async () => {
    const unit = freshName();
    const id = freshName();
    const cgroup = `${managed}/app.slice/${unit}.scope/${id}`;
    const resources = { memory: { limit: 16 << 20 }, pids: { limit: 5 } };
    const patch = rootless({
      root: { path: userRootfs() },
      linux: { cgroupsPath: cgroup, resources },
    });
    const text = `cat /proc/self/cgroup; cd /sys/fs/cgroup${cgroup} && cat memory.max pids.max
      for i in 1 2 3 4 5 6; do sleep 1 & done`;
    const directory = giveToUser(bundle(withScript(text, patch)));
    const command = ["run", "--bundle", directory, id];
    const { stdout, stderr } = await runt(command, { as: inScope(unit) });
    assert.is(stdout, `0::${cgroup}\n${16 << 20}\n5\n`, stderr);
    assert.match(stderr, "fork");
    assert.not(existsSync(join("/sys/fs/cgroup", cgroup)));
  }));

test("the user's own systemd makes the cgroup", () =>
  withUserManager(async () => {
    const id = freshName();
    const linux = { resources: { memory: { limit: 2 ** 26 }, pids: { limit: 9 } } };
    const patch = rootless({ root: { path: userRootfs() }, linux });
    const cgroup = `${managed}/user.slice/runt-${id}.scope`;
    const directory = giveToUser(
      bundle(withScript("cat /proc/self/cgroup; true & true & wait", patch)),
    );
    const user = inScope(freshName());
    const bus = { DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${room.uid}/bus` };
    const caller = { ...user, env: { ...user.env, ...bus } };
    const command = ["--systemd-cgroup", "run", "--bundle", directory, id];
    const { code, stdout, stderr } = await runt(command, { as: caller });
    assert.is(code, 0, stderr);
    assert.match(stdout, `0::${cgroup}\n`);
    assert.not(existsSync(join("/sys/fs/cgroup", cgroup)));
  }));

runTests();
