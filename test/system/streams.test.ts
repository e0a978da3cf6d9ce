// Standard streams without a terminal: the caller's own descriptors, whoever stays or goes.

import { existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { closeFd } from "../../runtime/sys/file.ts";
import { pipe, socketPair } from "../../runtime/sys/socket.ts";
import { bundle } from "../support/bundle.ts";
import { stateOf, withScript } from "../support/container.ts";
import { openWith } from "../support/open-with.ts";
import { freshName, room } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { runtOf } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";

/** A way in, a way out, and what holds the other ends, of each kind. */
const kinds: Record<string, () => { input: number; output: number; others: number[] }> = {
  pipes: () => {
    const [input, typed] = pipe();
    const [shown, output] = pipe();
    return { input, output, others: [typed, shown] };
  },
  sockets: () => {
    const [input, typed] = socketPair();
    const [shown, output] = socketPair();
    return { input, output, others: [typed, shown] };
  },
  files: () => {
    const input = openWith(join(room.directory, freshName()), "in\n");
    return { input, output: openSync(join(room.directory, freshName()), "w"), others: [] };
  },
};

/** What the script's shell has as standard streams, and what becomes of it when the ends close. */
const tells = [
  "(stat -L -c %i /proc/$$/fd/[012]) > /inodes; echo there > /there",
  "while read line; do :; done; echo shown; echo shown >&2; echo over > /over",
].join("\n");

for (const [kind, open] of Object.entries(kinds)) {
  test(`a container has the caller's own ${kind}, which may close early`, async () => {
    for (const flags of [["run"], ["run", "--detach"], ["create"]]) {
      const stays = flags.join() !== "run";
      const rootfs = newRootfs();
      const directory = bundle(withScript(tells, { root: { path: rootfs } }));
      const id = freshName();
      const { input, output, others } = open();
      const command = runtOf(...flags, "--bundle", directory, id);
      const child = Bun.spawn(command, {
        stdio: [input, output, output],
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", RUNT_TEST_ROOM: room.directory },
      });
      const inodes = [input, output, output].map((fd) => `${fstatSync(fd).ino}\n`).join("");
      if (stays) assert.is(await child.exited, 0);
      if (flags[0] === "create") assert.is((await runt(["start", id])).code, 0);
      await waitUntil("the streams", () => existsSync(join(rootfs, "there")));
      assert.is(readFileSync(join(rootfs, "inodes"), "utf8"), inodes);
      for (const fd of [input, output, ...others]) closeFd(fd);
      await waitUntil("the end of the input", () => existsSync(join(rootfs, "over")));
      if (stays) await runt(["delete", "--force", id]);
      else assert.is(await child.exited, 0);
      assert.is(await stateOf(id), undefined);
    }
  });
}

test("a caller without standard streams has a container on its own /dev/null", async () => {
  for (const flag of [[], ["--detach"]]) {
    const rootfs = newRootfs();
    const text = "(stat -L -c %d:%i /proc/$$/fd/* /dev/null) > /inodes; echo over > /over; sleep 9";
    const directory = bundle(withScript(text, { root: { path: rootfs } }));
    const id = freshName();
    const through = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"];
    const command = runt(["run", ...flag, "--bundle", directory, id], { through });
    await waitUntil("the end", () => existsSync(join(rootfs, "over")));
    const [first = "", ...others] = readFileSync(join(rootfs, "inodes"), "utf8").trim().split("\n");
    assert.equal(others, [first, first, first]);
    await runt(["delete", "--force", id]);
    assert.is((await command).code, flag.length === 0 ? 137 : 0);
  }
});

runTests();
