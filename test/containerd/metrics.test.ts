// `ctr task metrics` of a container of ours and of one of the reference shim, with the same use.
// Runs alone: its daemons have limits of time of their own.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import * as assert from "uvu/assert";
import { endOutlivedHierarchies } from "../conformance/hierarchies.ts";
import {
  containerdFolders,
  containerdMissing,
  SHIM,
  startContainerd,
} from "../support/callers/containerd.ts";
import { removeContainer } from "../support/callers/containerd-task.ts";
import { imageName } from "../support/callers/image.ts";
import { freshName } from "../support/room.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

const shim = resolve(import.meta.dirname, "../../build/containerd-shim-runt-v2");
const runc = "/usr/bin/runc";
const title = "metrics are those of the reference shim";
const missing = whyNot();

type Numbers = { [key: string]: number | number[] | Numbers };

/** What is set, and so the same in both. */
const SET = /^pids\.|^memory\..*limit$|failcnt$|^memory_oom_control\.|oom_kill$/;
/** What the script has written, up to some pages. */
const WRITTEN = /^memory\.(total_)?(cache|dirty|inactive_file|file|file_dirty)$/;
/** What each counts for itself. */
const USED = /^cpu\.usage\.total$|^cpu\.usage_usec$|^memory\.(usage|usage\.usage)$/;

if (missing !== undefined) {
  skip(title, missing);
  runTests();
} else {
  const containerd = await startContainerd({ folder: containerdFolders.debian, shim: SHIM.runt });

  test(title, async () => {
    const theirs = await metricsBy(["--runc-binary", runc]);
    const ours = await metricsBy(["--runtime", shim]);
    const of = (all: Map<string, number>, kind: RegExp) =>
      [...all].filter(([key]) => kind.test(key));
    assert.equal(of(ours, SET), of(theirs, SET));
    const written = of(theirs, WRITTEN);
    assert.ok(written.length > 0);
    for (const [key, bytes] of written) {
      assert.ok(Math.abs((ours.get(key) ?? 0) - bytes) < 1_048_576, `${key}: ${ours.get(key)}`);
    }
    // A wrong unit would be far off.
    const used = of(theirs, USED);
    assert.ok(used.length >= 2);
    for (const [key, other] of used) {
      const one = ours.get(key) ?? 0;
      assert.ok(one > other / 30 && one < other * 30, `${key}: ${one}, theirs ${other}`);
    }
    assert.is(ours.has("cpu.usage.per_cpu.0"), theirs.has("cpu.usage.per_cpu.0"));
  });

  async function metricsBy(runtime: readonly string[]): Promise<Map<string, number>> {
    const id = freshName();
    const limits = ["--memory-limit=67108864", "--cpu-quota=50000", "--cpu-period=100000"];
    const text =
      "dd if=/dev/zero of=/tmp/f bs=1024k count=8 2>/dev/null; touch /tmp/done; sleep 1000";
    try {
      const words = ["run", "-d", ...runtime, ...limits, imageName, id, "sh", "-c", text];
      await containerd.does(...words);
      await waitUntil("the script's use", async () => {
        const args = ["task", "exec", "--exec-id", freshName(), id, "test", "-e", "/tmp/done"];
        return (await containerd.ctr(args)).code === 0;
      });
      await waitUntil("the end of exec", async () => {
        return flat(await metricsOf(id)).get("pids.current") === 1;
      });
      return flat(await metricsOf(id));
    } finally {
      await removeContainer(containerd, id);
    }
  }

  async function metricsOf(id: string): Promise<Numbers> {
    return JSON.parse(await containerd.does("task", "metrics", "--format=json", id));
  }

  runTests({ atEnd: () => containerd.daemon.stop() });
}

function whyNot(): string | undefined {
  if (!existsSync(runc)) return "there is no runc";
  // With a hierarchy that is mounted for others alone, the reference sees no cgroup at all.
  const [stray] = endOutlivedHierarchies();
  if (stray !== undefined) return `the hierarchy of ${stray} is mounted elsewhere`;
  return containerdMissing(containerdFolders.debian);
}

/** Numbers by their paths, such as "memory.usage.limit". */
function flat(numbers: Numbers | number[], path = ""): Map<string, number> {
  return new Map(
    Object.entries(numbers).flatMap(([key, value]): [string, number][] =>
      typeof value === "number" ? [[`${path}${key}`, value]] : [...flat(value, `${path}${key}.`)],
    ),
  );
}
