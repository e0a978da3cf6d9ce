import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryPolicy } from "../../../runtime/clauses/memory-policy.ts";
import type { MemoryPolicy } from "../../../runtime/config/types.gen.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";

function compiled(wanted: MemoryPolicy) {
  return memoryPolicy(configOf({ linux: { memoryPolicy: wanted } }));
}

const modes: [MemoryPolicy, number][] = [
  [{ mode: "MPOL_DEFAULT" }, 0],
  [{ mode: "MPOL_PREFERRED", nodes: "1" }, 1],
  [{ mode: "MPOL_BIND", nodes: "0" }, 2],
  [{ mode: "MPOL_INTERLEAVE", nodes: "0" }, 3],
  [{ mode: "MPOL_LOCAL" }, 4],
  [{ mode: "MPOL_PREFERRED_MANY", nodes: "0" }, 5],
  [{ mode: "MPOL_WEIGHTED_INTERLEAVE", nodes: "0" }, 6],
  [{ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"] }, 2 | 0x2000],
  [{ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES"] }, 2 | 0x4000],
  [{ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }, 2 | 0x8000],
];

for (const [wanted, number] of modes) {
  test(`${JSON.stringify(wanted)} is mode ${number}`, () => {
    const { steps, problems } = compiled(wanted);
    assert.equal(problems, []);
    assert.match(JSON.stringify(steps), `"mode":${number},`);
  });
}

test("a list of nodes is single numbers and ranges", () => {
  const { steps } = compiled({ mode: "MPOL_INTERLEAVE", nodes: "0-2,7, 1023" });
  assert.match(JSON.stringify(steps), '"nodes":[0,1,2,7,1023]');
  assert.equal(lines(steps), ["init memory_policy.set MPOL_INTERLEAVE 0-2,7, 1023"]);
});

for (const nodes of ["a", "1-", "-1", "3-1", "0,,1", "1024", "0-99999", "1;2", "0x1"]) {
  test(`"${nodes}" is no list of nodes`, () => {
    const { steps, problems } = compiled({ mode: "MPOL_BIND", nodes });
    assert.equal(steps, []);
    assert.equal(pointers(problems), ["/linux/memoryPolicy/nodes"]);
  });
}

test("without the field nothing is set", () => {
  assert.equal(memoryPolicy(configOf({})).steps, []);
});

test.run();
