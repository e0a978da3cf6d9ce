// Types and values as GLib's own parser gives them (g_variant_parse).

import { test } from "uvu";
import * as assert from "uvu/assert";
import { annotationProperties } from "../../../../runtime/cgroup/systemd/annotations.ts";
import { parseVariant } from "../../../../runtime/cgroup/systemd/variant-text.ts";

test("the text form of GVariant is read with its types", () => {
  const table: [string, string, unknown][] = [
    ["true", "b", true],
    ["7", "i", 7],
    ["-0x10", "i", -16],
    ["uint64 18446744073709551615", "t", "18446744073709551615"],
    ["@t 5", "t", "5"],
    ["byte 0xff", "y", 255],
    ["1.5", "d", 1.5],
    ["1e3", "d", 1000],
    ["'it\\'s'", "s", "it's"],
    ['"a\\n\\u00e4"', "s", "a\nä"],
    ["objectpath '/a'", "o", "/a"],
    ["['a', 'b']", "as", ["a", "b"]],
    ["[uint64 1, 2]", "at", ["1", "2"]],
    ["@as []", "as", []],
    ["@a(ss) [('a','b')]", "a(ss)", [["a", "b"]]],
    ["('a', uint32 5)", "(su)", ["a", 5]],
    ["<'x'>", "v", { type: "s", value: "x" }],
    ["{'a': <1>}", "a{sv}", [["a", { type: "i", value: 1 }]]],
    ["@a{sv} {}", "a{sv}", []],
    ["b'ab'", "ay", [97, 98, 0]],
  ];
  for (const [text, type, value] of table) assert.equal(parseVariant(text), { type, value }, text);
});

test("what is no value is told with its place", () => {
  const table: [string, RegExp][] = [
    ["", /ends too early/],
    ["hello", /"hello" cannot stand there/],
    ["'open", /"'open" is no part of a value/],
    ["[1, 'a']", /type s stands where i is said/],
    ["[]", /type of an empty array is not known/],
    ["5 6", /"6" cannot stand there/],
    ["byte 256", /256 is no value of type y/],
    ["uint32 1.5", /1.5 is no value of type u/],
    ["@t 'x'", /type s stands where t is said/],
    ["(1, 2", /ends too early/],
    ["4294967296", /no value of type i/],
  ];
  for (const [text, expected] of table) {
    const result = parseVariant(text);
    assert.match(typeof result === "string" ? result : JSON.stringify(result), expected, text);
  }
});

test("annotations are properties, with seconds in the unit that systemd wants", () => {
  const { properties, problems } = annotationProperties({
    "org.systemd.property.TimeoutStopSec": "uint32 7",
    "org.systemd.property.RuntimeMaxSec": "1.5",
    "org.systemd.property.TimeoutStopUSec": "uint64 5",
    "org.systemd.property.CollectMode": "'inactive-or-failed'",
    "org.example": "x",
  });
  assert.equal(problems, []);
  assert.equal(
    properties.map(({ name, type, value }) => `${name} ${type} ${value}`),
    [
      "TimeoutStopUSec t 7000000",
      "RuntimeMaxUSec t 1500000",
      "TimeoutStopUSec t 5",
      "CollectMode s inactive-or-failed",
    ],
  );
});

test("an annotation that is no property is told by its key", () => {
  const { problems } = annotationProperties({
    "org.systemd.property.ab": "1",
    "org.systemd.property.Kill/Mode": "1",
    "org.systemd.property.KillMode": "control group",
    "org.systemd.property.TimeoutStopSec": "'7'",
  });
  assert.equal(
    problems.map(({ pointer, message }) => `${pointer}: ${message.slice(0, 30)}`),
    [
      '/annotations/org.systemd.property.ab: found the property "ab", wante',
      '/annotations/org.systemd.property.Kill~1Mode: found the property "Kill/Mode"',
      '/annotations/org.systemd.property.KillMode: found "control group": "contro',
      '/annotations/org.systemd.property.TimeoutStopSec: found "7", wanted seconds as a',
    ],
  );
});

test.run();
