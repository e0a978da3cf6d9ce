import { test } from "uvu";
import * as assert from "uvu/assert";
import { rlimits } from "../../../runtime/clauses/rlimits.ts";
import type { Rlimit } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Root } from "../../hosts/v2-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const core: Rlimit = { type: "RLIMIT_CORE", soft: 0, hard: 4096 };

function compiled(list: Rlimit[], container = demo) {
  const process = { args: ["sh"], cwd: "/", rlimits: list };
  return rlimits(configOf({ process }), hybridRoot, container);
}

test("limits are set in their order, and the caller's limit of open files is put back", () => {
  const { raise, set } = compiled([
    { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    { type: "RLIMIT_AS", soft: 1 << 20, hard: 18446744073709551615n },
  ]);
  assert.equal(lines(set), [
    "init limit.set RLIMIT_CORE 0 0",
    "init limit.set RLIMIT_AS 1048576 18446744073709551615",
    "init limit.set RLIMIT_NOFILE 1024 1048576",
  ]);
  assert.equal(reasons(set), ["/process/rlimits/0", "/process/rlimits/1", ""]);
  assert.equal(raise, []);
});

test("a limit of open files that is named is the only one", () => {
  const { set } = compiled([{ type: "RLIMIT_NOFILE", soft: 3, hard: 4 }]);
  assert.equal(lines(set), ["init limit.set RLIMIT_NOFILE 3 4"]);
  assert.equal(compiled([], { ...demo, openFiles: null }).set, []);
});

test("in a user namespace the host raises hard limits, if it may itself", () => {
  const config = configOf({
    process: { args: ["sh"], cwd: "/", rlimits: [core] },
    linux: { namespaces: [{ type: "user" }] },
  });
  const raised = (facts: HostFacts) => lines(rlimits(config, facts, demo).raise);
  assert.equal(raised(v2Root), ["host limit.raise RLIMIT_CORE to 4096"]);
  assert.equal(raised(hybridRoot), []);
  assert.equal(raised(v2Rootless), []);
  assert.equal(raised({ ...v2Root, userNamespace: true }), []);
});

test("a container without a process has no limits", () => {
  assert.equal(rlimits(configOf({}), hybridRoot, demo), { raise: [], set: [] });
});

test.run();
