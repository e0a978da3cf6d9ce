// What has to hold of every plan, tried on configurations at random.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Container } from "../../../runtime/clauses/container.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";
import { ConfigError } from "../../../runtime/errors.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import { planJson } from "../../../runtime/plan/print.ts";
import type { Plan, Step, Who } from "../../../runtime/plan/step.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { demo } from "../../support/container-facts.ts";
import { type Random, randomFrom } from "../../support/random.ts";
import { randomConfig } from "./configs.ts";

const SEEDS = 600;
const HOSTS: readonly HostFacts[] = [hybridRoot, hybridRoot, v2Root, v2Rootless];
const CONSOLES: readonly Container["console"][] = [
  { kind: "foreground" },
  { kind: "socket", path: "/run/console.sock" },
];

interface Case {
  seed: number;
  config: Config;
  plan: Plan;
}

const cases = Array.from({ length: SEEDS }, (_, seed) => caseOf(seed)).filter(
  (one) => one !== undefined,
);

test("most of the configurations can be compiled, some with a joiner", () => {
  assert.ok(cases.length > SEEDS / 3, `${cases.length} of ${SEEDS}`);
  assert.ok(cases.some(({ plan }) => plan.some(({ who }) => who === "joiner")));
});

each("a step waits only for an earlier step of the other side", ({ plan }) => {
  for (const [index, { who, after }] of plan.entries()) {
    if (after === undefined) continue;
    assert.ok(after < index, `step ${index} waits for ${after}`);
    assert.is.not(sideOf(plan[after]?.who), sideOf(who), `step ${index} waits for its own side`);
  }
});

each(
  "whoever is quicker, the walkers come to the end and take each baton as it is meant",
  (one) => {
    for (const prefers of ["host", "child", "chance"] as const) {
      assert.is(walk(one.plan, chooser(prefers, one.seed)), "done");
    }
  },
);

each("a descriptor that goes to the other side has someone who waits for it", ({ plan }) => {
  for (const [index, { op }] of plan.entries()) {
    if (op.gives === undefined) continue;
    assert.ok(
      plan.some(({ after }) => after === index),
      `nobody waits for step ${index} ${op.name}`,
    );
  }
});

each("no slot is filled twice, and none is used before it is filled", ({ plan }) => {
  const filled = new Set<string>();
  for (const [index, { op }] of plan.entries()) {
    // What is used is printed before the arrow, and what is filled after it.
    const [used = "", ...filledHere] = op.print().split("→");
    const uses = slotsIn(used);
    const fills = slotsIn(filledHere.join(" "));
    for (const slot of uses) assert.ok(filled.has(slot), `step ${index} uses ${slot}`);
    for (const slot of fills) {
      assert.not(filled.has(slot), `step ${index} fills ${slot} again`);
      filled.add(slot);
    }
  }
});

each("what asks for a step stands in the configuration", ({ plan, config }) => {
  for (const { op, because } of plan) {
    assert.ok(exists(config, because), `${op.name} because of ${because}`);
  }
});

each("a plan is frozen, and JSON keeps all of it", ({ plan }) => {
  assert.ok(Object.isFrozen(plan) && plan.every((step) => Object.isFrozen(step)));
  assert.equal(JSON.parse(JSON.stringify(planJson(plan))), planJson(plan));
});

each("the same input gives the same plan", ({ plan, seed }) => {
  assert.equal(planJson(caseOf(seed)?.plan ?? []), planJson(plan));
});

test.run();

/** One test that tries every case, and names the seed of the first that fails. */
function each(name: string, check: (one: Case) => void): void {
  test(name, () => {
    for (const one of cases) {
      try {
        check(one);
      } catch (error) {
        if (error instanceof Error) error.message = `seed ${one.seed}: ${error.message}`;
        throw error;
      }
    }
  });
}

function caseOf(seed: number): Case | undefined {
  const random = randomFrom(seed);
  const config = randomConfig(random);
  const facts = random.pick(HOSTS);
  const isTerminal = config.process?.terminal === true;
  const console = isTerminal ? random.pick(CONSOLES) : { kind: "none" as const };
  try {
    return { seed, config, plan: createPlan(config, facts, { ...demo, console }) };
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** The joiner and init share one end of the baton's socket pair. */
function sideOf(who: Who | undefined): "host" | "child" {
  return who === "host" ? "host" : "child";
}

function slotsIn(text: string): string[] {
  return [...text.matchAll(/\$[\w.-]+/g)].map(([slot]) => slot);
}

interface Walker {
  who: Who;
  /** Its steps, not performed yet. */
  steps: number[];
}

/** Walks a plan as the engine does, one step of a chosen process at a time. */
function walk(plan: Plan, choose: (ready: readonly Walker[]) => Walker | undefined): string {
  const awaited = new Set(plan.map(({ after }) => after));
  const batons: Record<"host" | "child", number[]> = { host: [], child: [] };
  const walkers: Walker[] = [walkerOf(plan, "host")];
  for (;;) {
    const ready = walkers.filter(({ steps: [next] }) => {
      const step = next === undefined ? undefined : plan[next];
      return step && (step.after === undefined || batons[sideOf(step.who)].length > 0);
    });
    const walker = choose(ready);
    const index = walker?.steps.shift();
    const step = index === undefined ? undefined : plan[index];
    if (walker === undefined || index === undefined || step === undefined) break;
    if (step.after !== undefined) {
      const taken = batons[sideOf(step.who)].shift();
      if (taken !== step.after) return `step ${index} takes the baton of ${taken}`;
    }
    walkers.push(...childrenOf(plan, step));
    if (awaited.has(index)) batons[sideOf(step.who) === "host" ? "child" : "host"].push(index);
  }
  const waiting = walkers.flatMap(({ steps }) => steps.slice(0, 1));
  if (waiting.length > 0) return `steps ${waiting.join(", ")} wait for ever`;
  if (walkers.every(({ who }) => who !== "init")) return "there is no init";
  const lost = [...batons.host, ...batons.child];
  return lost.length === 0 ? "done" : `nobody takes the batons of ${lost.join(", ")}`;
}

function walkerOf(plan: Plan, who: Who): Walker {
  return { who, steps: [...plan.keys()].filter((index) => plan[index]?.who === who) };
}

function childrenOf(plan: Plan, { op }: Step): Walker[] {
  if (op.name === "joiner.fork") return [walkerOf(plan, "joiner")];
  return op.name === "clone" ? [walkerOf(plan, "init")] : [];
}

function chooser(prefers: "host" | "child" | "chance", seed: number) {
  const random: Random = randomFrom(seed);
  return (ready: readonly Walker[]): Walker | undefined => {
    if (ready.length === 0) return undefined;
    if (prefers === "chance") return random.pick(ready);
    return ready.find(({ who }) => sideOf(who) === prefers) ?? ready[0];
  };
}

/** Whether a JSON pointer (RFC 6901) leads to a value. */
function exists(document: unknown, pointer: string): boolean {
  let value: unknown = document;
  for (const key of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return false;
    const name = key.replaceAll("~1", "/").replaceAll("~0", "~");
    value = Object.entries(value).find(([one]) => one === name)?.[1];
  }
  return value !== undefined;
}
