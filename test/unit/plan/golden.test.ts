// The printed plans of the sample bundles and of the default configuration, on every fixture host,
// held against test/plans. `make plans` writes those files anew; their diff is what to look at.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig } from "../../../runtime/config/parse.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";
import { ConfigError, problemText } from "../../../runtime/errors.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { defaultSpec } from "../../../runtime/lifecycle/spec.ts";
import { createPlan } from "../../../runtime/plan/create.ts";
import { printPlan } from "../../../runtime/plan/print.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { demo } from "../../support/container-facts.ts";

const BUNDLES = join(import.meta.dirname, "../../../bundles");
const PLANS = join(import.meta.dirname, "../../plans");
const WRITE = process.env["WRITE_PLANS"] === "1";

const configs: Record<string, Config> = { spec: defaultSpec() };
for (const name of readdirSync(BUNDLES)) {
  const file = join(BUNDLES, name, "config.json");
  if (existsSync(file)) configs[name] = parseConfig(readFileSync(file, "utf8"), file);
}
const hosts = { "hybrid-root": hybridRoot, "v2-root": v2Root, "v2-rootless": v2Rootless };

if (WRITE) rmSync(PLANS, { recursive: true, force: true });
mkdirSync(PLANS, { recursive: true });

const files: string[] = [];
for (const [name, config] of Object.entries(configs)) {
  for (const [host, facts] of Object.entries(hosts)) {
    const file = `${name}.${host}.txt`;
    files.push(file);
    if (WRITE) writeFileSync(join(PLANS, file), printed(config, facts));
    test(`the plan of ${name} on ${host} is the one in test/plans`, () => {
      assert.fixture(printed(config, facts), readFileSync(join(PLANS, file), "utf8"));
    });
  }
}

test("test/plans has no plan that is not compared", () => {
  assert.equal(readdirSync(PLANS).sort(), files.sort());
});

test.run();

/** The plan as `runt plan` prints it, or why there is none. */
function printed(config: Config, facts: HostFacts): string {
  try {
    return `${printPlan(createPlan(config, facts, demo))}\n`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => `refused: ${problemText(problem)}\n`).join("");
  }
}
