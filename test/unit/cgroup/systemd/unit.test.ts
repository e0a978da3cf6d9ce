import { test } from "uvu";
import * as assert from "uvu/assert";
import { slicePath, unitOf } from "../../../../runtime/cgroup/systemd/unit.ts";

const SYSTEM = { user: false, controlGroup: "" };
const USER = { user: true, controlGroup: "/user.slice/user-1000.slice/user@1000.service" };

test("slice:prefix:name is a scope in a slice", () => {
  const table: [string | undefined, typeof SYSTEM, string, string, string][] = [
    [
      "system.slice:docker:x",
      SYSTEM,
      "docker-x.scope",
      "system.slice",
      "/system.slice/docker-x.scope",
    ],
    ["a-b.slice:p:x", SYSTEM, "p-x.scope", "a-b.slice", "/a.slice/a-b.slice/p-x.scope"],
    ["-.slice:p:x", SYSTEM, "p-x.scope", "-.slice", "/p-x.scope"],
    [":p:x", SYSTEM, "p-x.scope", "system.slice", "/system.slice/p-x.scope"],
    [undefined, SYSTEM, "runt-demo.scope", "system.slice", "/system.slice/runt-demo.scope"],
    ["", SYSTEM, "runt-demo.scope", "system.slice", "/system.slice/runt-demo.scope"],
    ["::x.slice", SYSTEM, "x.slice", "", "/x.slice"],
    ["other.slice:p:a-b.slice", SYSTEM, "a-b.slice", "a.slice", "/a.slice/a-b.slice"],
    [
      undefined,
      USER,
      "runt-demo.scope",
      "user.slice",
      `${USER.controlGroup}/user.slice/runt-demo.scope`,
    ],
    ["s.slice:p:x", USER, "p-x.scope", "s.slice", `${USER.controlGroup}/s.slice/p-x.scope`],
  ];
  for (const [path, manager, name, slice, place] of table) {
    assert.equal(unitOf(path, "demo", manager), { name, slice, path: place }, path);
  }
});

test("what names no unit is told with what is wanted", () => {
  const table: [string, RegExp][] = [
    ["/a/b", /found "\/a\/b", wanted slice:prefix:name, such as system.slice:runt:demo/],
    ["a.slice:p:x:y", /wanted slice:prefix:name/],
    ["a.slice:p:", /the name is empty/],
    ["a:p:x", /"a" is not the name of a slice/],
    ["-a.slice:p:x", /"-a.slice" is not the name of a slice/],
    ["a-.slice:p:x", /not the name of a slice/],
    ["a--b.slice:p:x", /not the name of a slice/],
    [".slice:p:x", /not the name of a slice/],
    ["a/b.slice:p:x", /"a\/b.slice" is not the name of a unit/],
    ["a.slice:p:x y", /"p-x y.scope" is not the name of a unit/],
    [`a.slice:p:${"x".repeat(250)}`, /up to 255/],
    ["::a--b.slice", /"a--b.slice" is not the name of a slice/],
  ];
  for (const [path, expected] of table) {
    const result = unitOf(path, "demo", SYSTEM);
    assert.match(typeof result === "string" ? result : JSON.stringify(result), expected);
  }
});

test("a slice stands in the slices that its name says", () => {
  assert.is(slicePath("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  assert.is(slicePath("-.slice"), "");
});

test.run();
