import { test } from "uvu";
import * as assert from "uvu/assert";
import { ioPriority } from "../../../runtime/clauses/io-priority.ts";
import type { IOPriority } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines } from "../../support/clause.ts";

const idle: IOPriority = { class: "IOPRIO_CLASS_IDLE", priority: 7 };

function configWith(wanted: IOPriority, namespaces: { type: "user" }[] = []) {
  const process = { args: ["sh"], cwd: "/", ioPriority: wanted };
  return configOf({ process, linux: { namespaces } });
}

test("classes become the kernel's numbers", () => {
  for (const [name, number] of [
    ["IOPRIO_CLASS_RT", 1],
    ["IOPRIO_CLASS_BE", 2],
    ["IOPRIO_CLASS_IDLE", 3],
  ] as const) {
    const { byInit, byHost } = ioPriority(configWith({ class: name, priority: 4 }), hybridRoot);
    assert.equal(lines(byInit), [`init io_priority.set ${name} 4`]);
    assert.match(JSON.stringify(byInit), `"class":${number},`);
    assert.equal(byHost, []);
  }
});

test("in a user namespace the host sets it for init, if it is root", () => {
  const config = configWith(idle, [{ type: "user" }]);
  const byRoot = ioPriority(config, hybridRoot);
  assert.equal(lines(byRoot.byHost), ["host io_priority.set IOPRIO_CLASS_IDLE 7"]);
  assert.equal(byRoot.byInit, []);
  assert.equal(lines(ioPriority(config, v2Rootless).byInit), [
    "init io_priority.set IOPRIO_CLASS_IDLE 7",
  ]);
});

test("without the field nothing is set", () => {
  assert.equal(ioPriority(configOf({}), hybridRoot), { byInit: [], byHost: [] });
});

test.run();
