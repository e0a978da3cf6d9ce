import { test } from "uvu";
import * as assert from "uvu/assert";
import { capabilities } from "../../../runtime/clauses/capabilities.ts";
import type { Capabilities } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf, lines } from "../../support/clause.ts";

function compiled(sets: Capabilities) {
  const user = { uid: 0, gid: 0 };
  const process = { args: ["sh"], cwd: "/", user, capabilities: sets };
  return capabilities(configOf({ process }), hybridRoot);
}

test("names become the kernel's numbers, set by set", () => {
  const { sets, warnings } = compiled({
    bounding: ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"],
    effective: ["CAP_KILL"],
    ambient: ["CAP_SYS_ADMIN"],
  });
  assert.equal(sets, {
    bounding: [0, 40],
    effective: [5],
    permitted: [],
    inheritable: [],
    ambient: [21],
  });
  assert.equal(warnings, []);
});

test("without the field there are none", () => {
  const { sets } = capabilities(configOf({}), hybridRoot);
  assert.ok(Object.values(sets).every((set) => set.length === 0));
});

test("what is unknown or out of the caller's reach is left out with one warning", () => {
  const names = ["CAP_KILL", "CAP_UNHEARD_OF", "CAP_SYS_RESOURCE"];
  const { sets, warnings } = compiled({ bounding: names, permitted: names });
  assert.equal([sets.bounding, sets.permitted], [[5], [5]]);
  assert.is(warnings.length, 1);
  assert.match(lines(warnings)[0] ?? "", /CAP_UNHEARD_OF, CAP_SYS_RESOURCE$/);
});

test.run();
