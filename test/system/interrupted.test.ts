// Commands that are killed with SIGKILL at random moments: `delete --force` always works after
// that, and nothing is left. SOAK=1 tries many more moments.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import {
  bundle,
  defaultMounts,
  defaultNamespaces,
  inUserNamespace,
  type Patch,
} from "../support/bundle.ts";
import { stateOf } from "../support/container.ts";
import { hookFolder } from "../support/hook.ts";
import { cgroups, processes } from "../support/leaks.ts";
import { withNetwork } from "../support/network.ts";
import { freshName, room } from "../support/room.ts";
import { type RuntOptions, runt, startRunt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const isSoak = process.env["SOAK"] === "1";
const rounds = isSoak ? 2000 : 60;
const sleeper: Patch = { process: { args: ["/bin/sleep", "100"] } };

/** How long a command takes when nobody interrupts it, with some time to spare. */
async function durationMs(command: (id: string) => string[], id: string): Promise<number> {
  const startedMs = performance.now();
  const { code, stderr } = await runt(command(id));
  assert.is(code, 0, stderr);
  return 1.3 * (performance.now() - startedMs);
}

/** Tries so many moments; on a slow machine, as many as fit in a time. */
async function moments(
  { count, limitMs }: { count: number; limitMs: number },
  act: (round: number) => Promise<void>,
): Promise<void> {
  const endMs = performance.now() + (isSoak ? Number.POSITIVE_INFINITY : limitMs);
  for (let round = 0; round < count && (round < 6 || performance.now() < endMs); round++) {
    await act(round);
  }
}

async function interrupt(
  command: readonly string[],
  limitMs: number,
  options: RuntOptions = {},
): Promise<void> {
  const running = startRunt(command, options);
  await Bun.sleep(Math.random() * limitMs);
  running.kill("SIGKILL");
  await running.ended;
}

/** Deletes by force and looks that nothing of the container is left. */
async function deletes(id: string, round: number): Promise<void> {
  const { code, stderr } = await runt(["delete", "--force", id]);
  assert.is(code, 0, `round ${round}: ${stderr}`);
  assert.is(await stateOf(id), undefined);
  await waitUntil(`round ${round}: end of its processes`, () => processes(room).length === 0);
  const left = cgroups(room).filter((directory) => directory.includes(id));
  assert.equal(left, [], `round ${round}`);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  assert.equal(
    mounts.filter((line) => line.includes(id)),
    [],
    `round ${round}`,
  );
}

test("create killed at any moment leaves nothing that delete --force does not remove", async () => {
  const directory = bundle(sleeper);
  const create = (id: string): string[] => ["create", "--bundle", directory, id];
  const first = freshName();
  const limitMs = await durationMs(create, first);
  await deletes(first, -1);
  await moments({ count: rounds, limitMs: 5_000 }, async (round) => {
    const id = freshName();
    await interrupt(create(id), limitMs);
    await deletes(id, round);
  });
});

const USER = { type: "user" };
const maps = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const mappings = { uidMappings: maps, gidMappings: maps };

/** What else there is to be left: namespaces, mounts, parked and joining processes, sockets. */
const more: Record<string, { patch: Patch; options?: RuntOptions }> = {
  "user and time namespaces": {
    patch: {
      linux: { ...mappings, namespaces: [...defaultNamespaces, USER, { type: "time" }] },
    },
  },
  "idmapped mounts": {
    patch: {
      mounts: [
        ...defaultMounts,
        { destination: "/mnt", source: "/etc", type: "bind", options: ["bind"], ...mappings },
      ],
    },
  },
  "mounts in its caller's mount namespace": {
    patch: {
      hostname: undefined,
      mounts: [{ destination: "/tmp", type: "tmpfs", source: "tmpfs" }],
      linux: { namespaces: [{ type: "pid" }] },
    },
  },
  "a socket to be ready by": {
    patch: { linux: inUserNamespace },
    options: { env: { NOTIFY_SOCKET: "@nobody" } },
  },
};

for (const [what, { patch, options }] of Object.entries(more)) {
  test(`create with ${what} killed at any moment leaves nothing either`, async () => {
    const directory = bundle({ ...sleeper, ...patch });
    await moments({ count: rounds / 2, limitMs: 1_500 }, async (round) => {
      const id = freshName();
      await interrupt(["create", "--bundle", directory, id], 150, options);
      await deletes(id, round);
    });
  });
}

test("create killed at any moment gives a network device back, or it ends with its namespace", async () => {
  await withNetwork(async ({ through, does }) => {
    const patch = { linux: { ...inUserNamespace, netDevices: { lend0: { name: "eth0" } } } };
    const directory = bundle({ ...sleeper, ...patch });
    await moments({ count: rounds / 4, limitMs: 1_500 }, async (round) => {
      const links = (): string => does("ip", "-o", "link", "show");
      if (!/lend0/.test(links())) {
        does("ip", "link", "add", "lend0", "type", "veth", "peer", "name", "peer0");
      }
      const id = freshName();
      await interrupt(["create", "--bundle", directory, id], 150, { through });
      await deletes(id, round);
      await waitUntil(
        "the end of the device",
        () => /lend0/.test(links()) === /peer0/.test(links()),
      );
    });
  });
});

test("create killed while a hook runs takes the hook with it", async () => {
  const folder = hookFolder();
  const path = folder.add("slow", "sleep 0.05");
  const hooks = { createRuntime: [{ path }], createContainer: [{ path }] };
  const directory = bundle({ ...sleeper, hooks });
  const create = (id: string): string[] => ["create", "--bundle", directory, id];
  await moments({ count: rounds / 5, limitMs: 2_000 }, async (round) => {
    const id = freshName();
    await interrupt(create(id), 180);
    await deletes(id, round);
  });
});

test("start killed at any moment leaves a container in a known status", async () => {
  const directory = bundle(sleeper);
  await moments({ count: rounds / 4, limitMs: 2_000 }, async (round) => {
    const id = freshName();
    assert.is((await runt(["create", "--bundle", directory, id])).code, 0);
    await interrupt(["start", id], 25);
    assert.match((await stateOf(id))?.status ?? "", /^(created|running|stopped)$/);
    await deletes(id, round);
  });
});

test("run killed at any moment leaves nothing that delete --force does not remove", async () => {
  const directory = bundle(sleeper);
  await moments({ count: rounds / 4, limitMs: 2_000 }, async (round) => {
    const id = freshName();
    await interrupt(["run", "--bundle", directory, id], 60);
    await deletes(id, round);
  });
});

test("delete killed at any moment can be repeated", async () => {
  const directory = bundle(sleeper);
  await moments({ count: rounds / 4, limitMs: 2_000 }, async (round) => {
    const id = freshName();
    assert.is((await runt(["create", "--bundle", directory, id])).code, 0);
    await interrupt(["delete", "--force", id], 30);
    await deletes(id, round);
  });
});

runTests();
