import { test } from "uvu";
import * as assert from "uvu/assert";
import { cpuAffinity } from "../../../runtime/clauses/cpu-affinity.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";

function clauseOf(execCPUAffinity: { initial?: string; final?: string }) {
  const config: Config = {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { cwd: "/", args: ["true"], execCPUAffinity },
  };
  return cpuAffinity(config);
}

test("lists of CPUs are taken apart as the kernel writes them", () => {
  const lists: [text: string, cpus: number[]][] = [
    ["0", [0]],
    ["0-3,7", [0, 1, 2, 3, 7]],
    ["0-1, 8191", [0, 1, 8191]],
  ];
  for (const [text, cpus] of lists) {
    const { initial, problems } = clauseOf({ initial: text });
    assert.equal(problems, []);
    assert.equal(
      initial.map(({ who, op }) => [who, op.args]),
      [["host", { text, cpus }]],
    );
  }
});

test("what is no list is named, and nothing asks for nothing", () => {
  for (const text of ["3-0", "1,,2", "-", "1-", "8192", "1 2"]) {
    const { final, problems } = clauseOf({ final: text });
    assert.equal(final, []);
    assert.equal(
      problems.map(({ pointer }) => pointer),
      ["/process/execCPUAffinity/final"],
      text,
    );
  }
  assert.equal(clauseOf({ final: "", initial: " " }), { initial: [], final: [], problems: [] });
});

test.run();
