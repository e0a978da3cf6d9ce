import { test } from "uvu";
import * as assert from "uvu/assert";
import { capabilities } from "../../../runtime/clauses/capabilities.ts";
import type { Capabilities, Namespace } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf, lines } from "../../support/clause.ts";

function compiled(sets: Capabilities, namespaces: Namespace[] = [], facts = hybridRoot) {
  const user = { uid: 0, gid: 0 };
  const process = { args: ["sh"], cwd: "/", user, capabilities: sets };
  return capabilities(configOf({ process, linux: { namespaces } }), facts);
}

function warned(sets: Capabilities): string {
  return lines(compiled(sets).warnings).join("\n").split("left out: ")[1] ?? "";
}

test("names become the kernel's numbers, set by set", () => {
  const { sets, warnings } = compiled({
    bounding: ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"],
    effective: ["CAP_CHOWN"],
    permitted: ["CAP_CHOWN", "CAP_SYS_ADMIN"],
    inheritable: ["CAP_SYS_ADMIN"],
    ambient: ["CAP_SYS_ADMIN"],
  });
  assert.equal(sets, {
    bounding: [0, 40],
    effective: [0],
    permitted: [0, 21],
    inheritable: [21],
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

test("a name that is given twice is one", () => {
  const { sets } = compiled({ bounding: ["CAP_KILL", "CAP_KILL"] });
  assert.equal(sets.bounding, [5]);
});

test("what the kernel rules out between the sets is left out, and said with the set", () => {
  const kill = ["CAP_KILL"];
  assert.is(warned({ bounding: kill, effective: kill }), "CAP_KILL (effective)");
  assert.is(warned({ permitted: kill }), "CAP_KILL (permitted)");
  assert.is(
    warned({ bounding: kill, permitted: kill, effective: kill, ambient: kill }),
    "CAP_KILL (ambient)",
  );
  assert.is(warned({ inheritable: kill, ambient: kill }), "CAP_KILL (ambient)");
  assert.is(warned({ inheritable: kill, permitted: kill, ambient: kill }), "");
});

test("in a user namespace everything that the kernel knows can be granted", () => {
  const names = ["CAP_SYS_RESOURCE", "CAP_CHECKPOINT_RESTORE"];
  const user: Namespace[] = [{ type: "user" }];
  assert.equal(compiled({ bounding: names }, user).sets.bounding, [24, 40]);
  assert.equal(compiled({}, user).held.length, 41);
  const older = compiled({ bounding: names }, user, { ...hybridRoot, lastCapability: 39 });
  assert.equal(older.sets.bounding, [24]);
  assert.is(older.warnings.length, 1);
});

test.run();
