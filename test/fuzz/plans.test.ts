// The same changes without the program around them, which makes them a hundred times as many: the
// parser and the compiler know what is wrong with a configuration, or make a plan that prints.
// FUZZ_PLANS_SECONDS is how long (15); FUZZ_SEED where it begins.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig } from "../../runtime/config/parse.ts";
import { ConfigError } from "../../runtime/errors.ts";
import { nearValues } from "../../runtime/lifecycle/near-values.ts";
import { defaultSpec } from "../../runtime/lifecycle/spec.ts";
import { createPlan } from "../../runtime/plan/create.ts";
import { planJson, printPlan } from "../../runtime/plan/print.ts";
import { hybridRoot } from "../hosts/hybrid-root.ts";
import { v2Root } from "../hosts/v2-root.ts";
import { v2Rootless } from "../hosts/v2-rootless.ts";
import { demo } from "../support/container-facts.ts";
import { randomFrom } from "../support/random.ts";
import { plannable } from "../unit/schemas/plannable.ts";
import { sampleConfig } from "../unit/schemas/sample-config.ts";
import { donorOf, mutated } from "./mutate.ts";

const seconds = Number(process.env["FUZZ_PLANS_SECONDS"] ?? 15);
const firstSeed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const donor = donorOf(sampleConfig);
const samples = [plannable, defaultSpec(), defaultSpec(), defaultSpec()];
const hosts = [hybridRoot, v2Root, v2Rootless];

test(`${seconds} seconds of changed configurations are planned or refused`, () => {
  console.log(`FUZZ_SEED=${firstSeed}`);
  const endMs = performance.now() + seconds * 1000;
  let seed = firstSeed;
  let planned = 0;
  for (; performance.now() < endMs; seed++) if (isPlanned(seed)) planned += 1;
  console.log(`${seed - firstSeed} configurations from seed ${firstSeed}, ${planned} plans`);
  assert.ok(planned > 0);
});

test.run();

function isPlanned(seed: number): boolean {
  const random = randomFrom(seed);
  const text = mutated(random.pick(samples), donor, random);
  try {
    const strict = random.below(4) === 0;
    const config = parseConfig(text, "config.json", { strict, misspelt: nearValues });
    const plan = createPlan(config, random.pick(hosts), demo);
    assert.type(printPlan(plan), "string");
    assert.type(JSON.stringify(planJson(plan)), "string");
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    console.log(`seed ${seed}: ${text.slice(0, 5000)}`);
    throw error;
  }
}
