// What the cgroups of a container say: numbers, for as long as it has them, and word of the OOM killer.

import * as assert from "uvu/assert";
import { decode } from "../../shim/proto/decode.ts";
import { MetricsV1 } from "../../shim/proto/metrics-v1.ts";
import { MetricsV2 } from "../../shim/proto/metrics-v2.ts";
import { script } from "../support/bundle.ts";
import { withShim } from "../support/shim-client.ts";
import { receiveEvents } from "../support/shim-events.ts";
import { clientStreams } from "../support/shim-streams.ts";
import { runTests, test } from "../support/suite.ts";
import type { TaskClient } from "../support/task-client.ts";
import { CallError } from "../support/ttrpc-client.ts";
import { waitUntil } from "../support/wait.ts";

const events = receiveEvents();

const MIB = 1_048_576;

interface Facts {
  pids: bigint | undefined;
  pidsLimit: bigint | undefined;
  memory: bigint | undefined;
  memoryLimit: bigint | undefined;
  cpuNs: bigint;
}

/** What both layouts have. */
async function factsOf(tasks: TaskClient, id: string): Promise<Facts> {
  const { stats } = await tasks.stats({ id });
  if (stats?.typeUrl === MetricsV2.name) {
    const { pids, memory, cpu } = decode(MetricsV2, stats.value);
    return {
      pids: pids?.current,
      pidsLimit: pids?.limit,
      memory: memory?.usage,
      memoryLimit: memory?.usageLimit,
      cpuNs: (cpu?.usageUsec ?? 0n) * 1000n,
    };
  }
  assert.is(stats?.typeUrl, MetricsV1.name);
  const { pids, memory, cpu } = decode(MetricsV1, stats?.value ?? new Uint8Array(0));
  return {
    pids: pids?.current,
    pidsLimit: pids?.limit,
    memory: memory?.usage?.usage,
    memoryLimit: memory?.usage?.limit,
    cpuNs: cpu?.usage?.total ?? 0n,
  };
}

test("statistics are there from create to delete, and grow with the use", async () => {
  const streams = clientStreams();
  const text = `dd if=/dev/zero of=/dev/shm/used bs=1024k count=8 2>/dev/null
    i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done; sleep 1000 & echo done; wait`;
  const resources = { memory: { limit: 64 * MIB }, pids: { limit: 20 } };
  const patch = { process: script(text), linux: { resources } };
  await withShim({ patch }, async ({ id, tasks, create }) => {
    await create(streams.names);
    const before = await factsOf(tasks, id);
    assert.is(before.pids, 1n);
    assert.is(before.pidsLimit, 20n);
    assert.is(before.memoryLimit, BigInt(64 * MIB));
    await tasks.start({ id });
    await waitUntil("use", () => streams.stdout.stdout() === "done\n");
    const after = await factsOf(tasks, id);
    assert.is(after.pids, 2n);
    assert.ok((after.memory ?? 0n) >= 8n * BigInt(MIB), `${after.memory} bytes`);
    assert.ok(after.cpuNs > before.cpuNs);
    await tasks.kill({ id, signal: 9 });
    await tasks.wait({ id });
    assert.is((await factsOf(tasks, id)).memoryLimit, BigInt(64 * MIB));
    await tasks.delete({ id });
    assert.is((await refusal(tasks, id)).code, 5);
  });
});

test("word of the OOM killer comes before the end of whom it killed", async () => {
  const linux = { resources: { memory: { limit: 33_554_432, swap: 33_554_432 } } };
  const greedy = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo $x";
  await withShim({ patch: { linux, process: script(greedy) } }, async ({ id, tasks, create }) => {
    await create();
    await tasks.start({ id });
    assert.is((await tasks.wait({ id })).exitStatus, 137);
    await events.events(id, "/tasks/exit");
    const topics = events.topics(id).filter((topic, index, all) => topic !== all[index - 1]);
    assert.equal(topics, ["create", "start", "oom", "exit"]);
  });
});

async function refusal(tasks: TaskClient, id: string): Promise<CallError> {
  try {
    await tasks.stats({ id });
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error("there are statistics");
}

runTests({ atEnd: async () => events.stop() });
