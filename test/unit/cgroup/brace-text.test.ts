import { test } from "uvu";
import * as assert from "uvu/assert";
import { braceText } from "../../../runtime/cgroup/brace-text.ts";

test("paths that differ in the middle share their beginning and end", () => {
  assert.is(braceText(["/cg/cpu/demo", "/cg/memory/tenant/demo"]), "/cg/{cpu,memory/tenant}/demo");
});

test("a beginning that is also an end is counted once", () => {
  assert.is(braceText(["/cg/x", "/cg/x/x"]), "/cg/x/{,x}");
});

test("one path is itself, none is nothing", () => {
  assert.is(braceText(["/cg/demo"]), "/cg/demo");
  assert.is(braceText([]), "");
});

test.run();
