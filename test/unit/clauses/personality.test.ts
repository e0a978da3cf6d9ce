import { test } from "uvu";
import * as assert from "uvu/assert";
import { personality } from "../../../runtime/clauses/personality.ts";
import type { Personality } from "../../../runtime/config/types.gen.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";

function compiled(wanted: Personality) {
  return personality(configOf({ linux: { personality: wanted } }));
}

test("both domains are set by init", () => {
  assert.equal(lines(compiled({ domain: "LINUX" }).steps), ["init personality.set LINUX"]);
  const { steps } = compiled({ domain: "LINUX32", flags: [] });
  assert.match(JSON.stringify(steps), '"persona":8');
});

test("a flag is refused, whatever it is: the specification has none", () => {
  const { steps, problems } = compiled({ domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"] });
  assert.equal(steps, []);
  assert.equal(pointers(problems), ["/linux/personality/flags"]);
  assert.match(problems[0]?.message ?? "", /ADDR_NO_RANDOMIZE/);
});

test("without the field nothing is set", () => {
  assert.equal(personality(configOf({})).steps, []);
});

test.run();
