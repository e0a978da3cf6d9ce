// The body of a filter: the search for the system call number, and the tests of its arguments.

import { type Bpf, type Place, putAnd, putJump, putLoad, putReturn } from "./bpf.ts";
import { type Condition, inOrder, type Rule } from "./condition.ts";
import type { Range } from "./ranges.ts";
import type { Outcome } from "./rules.ts";

// Offsets in struct seccomp_data, linux/seccomp.h; 8 bytes an argument, the low half first.
const NR = 0;
const ARGS = 16;

/**
 * A binary search for the system call number, and what follows from it.
 *
 * @param ranges Ascending; the first also holds all numbers below it.
 * @param fallback The action if no rule on a system call's arguments matches.
 * @returns Where it begins.
 */
export function putSearch(bpf: Bpf, ranges: readonly Range[], fallback: number): Place {
  /** System calls of one entry of the profile share their tests. */
  const tests = new Map<readonly Rule[], Place>();
  const place = search(0, ranges.length);
  return ranges.length > 1 ? putLoad(bpf, NR) : place;

  function search(from: number, to: number): Place {
    const middle = (from + to) >> 1;
    const range = ranges[middle];
    if (range === undefined) return putReturn(bpf, fallback);
    if (middle === from) return putOutcome(range.outcome);
    const yes = search(middle, to);
    const no = search(from, middle);
    return putJump(bpf, { code: "ge", k: range.first, yes, no });
  }

  function putOutcome(outcome: Outcome): Place {
    if (typeof outcome === "number") return putReturn(bpf, outcome);
    const place = tests.get(outcome) ?? putRules(bpf, outcome, fallback);
    tests.set(outcome, place);
    return place;
  }
}

/** The rules of one system call: the first that matches decides. */
function putRules(bpf: Bpf, rules: readonly Rule[], fallback: number): Place {
  let next = putReturn(bpf, fallback);
  for (const { conditions, action } of [...inOrder(rules)].reverse()) {
    let place = putReturn(bpf, action);
    for (const condition of [...conditions].reverse()) {
      place = putCondition(bpf, condition, { yes: place, no: next });
    }
    next = place;
  }
  return next;
}

function putCondition(bpf: Bpf, condition: Condition, to: { yes: Place; no: Place }): Place {
  const { index, op, high, low, highMask, lowMask } = condition;
  const { yes, no } = condition.negated ? { yes: to.no, no: to.yes } : to;
  const offset = ARGS + 8 * index;
  let place = yes;
  if (lowMask !== 0) {
    place = putJump(bpf, { code: op, k: low, yes, no });
    place = putArgument(bpf, offset, lowMask);
  }
  if (highMask === 0) return place;
  place = putJump(bpf, { code: "eq", k: high, yes: place, no });
  if (op !== "eq") place = putJump(bpf, { code: "gt", k: high, yes, no: place });
  return putArgument(bpf, offset + 4, highMask);
}

function putArgument(bpf: Bpf, offsetBytes: number, mask: number): Place {
  if (mask !== 0xffffffff) putAnd(bpf, mask);
  return putLoad(bpf, offsetBytes);
}
