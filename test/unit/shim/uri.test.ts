// The URIs of standard output.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { schemeOf, uriOf } from "../../../shim/io/uri.ts";

const read: [text: string, path: string, query: string[]][] = [
  ["file:///var/log/x", "/var/log/x", []],
  ["file:/x", "/x", []],
  ["file:////x", "//x", []],
  ["FILE:///a/../link/./b", "/a/../link/./b", []],
  ["binary:///a%20b/%C3%B6%3f?k=v", "/a b/ö?", ["k", "v"]],
  ["binary:///l?--driver=aws&--tls&k=a%26b=c&k=again&&=v#not", "/l", words()],
  ["binary:///l?a+b=c+d%2B", "/l", ["a b", "c d+"]],
];

function words(): string[] {
  return ["--driver", "aws", "--tls", "", "k", "a&b=c", "", "v"];
}

test("a URI's path is what was written, and of each key the first value counts", () => {
  for (const [text, path, query] of read) {
    const uri = uriOf(text);
    assert.is(uri.path, path, text);
    assert.equal([...uri.query].flat(), query, text);
    assert.is(schemeOf(text), text.slice(0, text.indexOf(":")).toLowerCase());
  }
});

test("a path without a scheme is a fifo's", () => {
  assert.is(schemeOf("/run/fifo:1/file://x"), "fifo");
  assert.is(schemeOf(""), "fifo");
});

const wrong: [text: string, why: RegExp][] = [
  ["file://var/log", /wanted file:\/\/\/PATH$/],
  ["file://", /wanted file:\/\/\/PATH$/],
  ["file:x", /wanted file:\/\/\/PATH$/],
  ["file:///a%", /"%" stands for no character$/],
  ["file:///a%2", /"%2" stands for no character$/],
  ["file:///a%zzz", /"%zz" stands for no character$/],
  ["file:///a%00", /"%00" stands for no character$/],
  ["file:///a/%ff", /"\/a\/%ff" is not UTF-8$/],
  ["binary:///a?k=%g0", /"%g0" stands for no character$/],
];

test("a URI that is wrong is refused with what is wrong", () => {
  for (const [text, why] of wrong) assert.throws(() => uriOf(text), why, text);
});

test.run();
