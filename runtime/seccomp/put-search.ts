// The body of a filter: the search for the system call number.

import { type Bpf, type Place, putJump, putLoad, putReturn } from "./bpf.ts";
import { putRules } from "./put-rules.ts";
import type { Range } from "./ranges.ts";
import type { Outcome } from "./rules.ts";

/** Offset in struct seccomp_data, linux/seccomp.h. */
const NR = 0;

/**
 * How many numbers of their own a leaf of the tree has at most. One costs an instruction in a leaf,
 * and two among the branches: the more there are in a leaf, the shorter the filter and the longer
 * the way. Of a long profile's numbers most stand in ranges, so that its leaves stay small.
 */
const POINTS_MAX = 16;

/** Numbers of one outcome, and some among them that have another. */
interface Leaf {
  first: number;
  outcome: Outcome;
  points: Range[];
}

/**
 * A binary search for the system call number, and what follows from it.
 *
 * @param ranges Ascending; the first also holds all numbers below it.
 * @param fallback The action if no rule on a system call's arguments matches.
 * @returns Where it begins.
 */
export function putSearch(bpf: Bpf, ranges: readonly Range[], fallback: number): Place {
  const leaves = leavesFrom(ranges);
  const place = search(0, leaves.length);
  return ranges.length > 1 ? putLoad(bpf, NR) : place;

  function search(from: number, to: number): Place {
    const middle = (from + to) >> 1;
    const leaf = leaves[middle];
    if (leaf === undefined) return putReturn(bpf, fallback);
    if (middle === from) return putLeaf(leaf);
    const yes = search(middle, to);
    const no = search(from, middle);
    return putJump(bpf, { code: "ge", k: leaf.first, yes, no });
  }

  function putLeaf({ outcome, points }: Leaf): Place {
    let no = putOutcome(outcome);
    for (let at = points.length - 1; at >= 0; at -= 1) {
      const point = points[at];
      if (point === undefined) continue;
      const yes = putOutcome(point.outcome);
      no = putJump(bpf, { code: "eq", k: point.first, yes, no });
    }
    return no;
  }

  function putOutcome(outcome: Outcome): Place {
    if (typeof outcome === "number") return putReturn(bpf, outcome);
    const place = bpf.tests.get(outcome) ?? putRules(bpf, outcome, fallback);
    bpf.tests.set(outcome, place);
    return place;
  }
}

/** From left to right, each as far as it goes. */
function leavesFrom(ranges: readonly Range[]): Leaf[] {
  const leaves: Leaf[] = [];
  let leaf: Leaf | undefined;
  for (let at = 0; at < ranges.length; at += 1) {
    const range = ranges[at];
    if (range === undefined) break;
    const next = ranges[at + 1];
    const isPoint = next !== undefined && next.first - range.first === 1;
    if (leaf !== undefined) {
      if (range.outcome === leaf.outcome) continue;
      if (isPoint && leaf.points.length < POINTS_MAX) {
        leaf.points.push(range);
        continue;
      }
    }
    leaf = isPoint
      ? { first: range.first, outcome: next.outcome, points: [range] }
      : { first: range.first, outcome: range.outcome, points: [] };
    leaves.push(leaf);
  }
  return leaves;
}
