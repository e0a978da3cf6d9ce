// Protobuf's wire format, by known bytes and by what anyone may send.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Any, Timestamp } from "../../../shim/proto/common.ts";
import { DecodeError, decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";
import { many, message, one } from "../../../shim/proto/message.ts";

const Everything = message("test.Everything", {
  text: one(1, "string"),
  flag: one(2, "bool"),
  small: one(3, "int32"),
  large: one(4, "uint64"),
  signed: one(5, "int64"),
  ratio: one(6, "double"),
  data: one(7, "bytes"),
  when: one(8, Timestamp),
  words: many(9, "string"),
  numbers: many(10, "uint64"),
  anys: many(20, Any),
});

const FULL = {
  text: "grüße",
  flag: true,
  small: -1,
  large: 2n ** 64n - 1n,
  signed: -62_135_596_800n,
  ratio: 0.5,
  data: Uint8Array.of(0, 255),
  when: { seconds: 1_700_000_000n, nanos: 999_999_999 },
  words: ["", "a"],
  numbers: [0n, 1n, 300n, 2n ** 53n],
  anys: [
    { typeUrl: "t", value: Uint8Array.of(1) },
    { typeUrl: "", value: new Uint8Array(0) },
  ],
};

test("what was encoded is decoded as it was", () => {
  assert.equal(decode(Everything, Uint8Array.from(encode(Everything, FULL))), FULL);
});

test("defaults take no bytes and are there when decoded", () => {
  assert.is(
    encode(Everything, { text: "", flag: false, small: 0, large: 0n, words: [] }).length,
    0,
  );
  const nothing = decode(Everything, new Uint8Array(0));
  assert.is(nothing.large, 0n);
  assert.is(nothing.when, undefined);
  assert.equal(nothing.numbers, []);
});

test("an empty sub-message is there, and is not the same as none", () => {
  const bytes = encode(Everything, { when: {} });
  assert.is(bytes.toString("hex"), "4200");
  assert.equal(decode(Everything, bytes).when, { seconds: 0n, nanos: 0 });
});

test("numbers are as protobuf's documentation has them", () => {
  const known: [Parameters<typeof encode<typeof Everything.fields>>[1], string][] = [
    [{ small: 150 }, "189601"],
    [{ text: "testing" }, "0a0774657374696e67"],
    [{ small: -2 }, "18feffffffffffffffff01"],
    [{ numbers: [3n, 270n, 86942n] }, "5206038e029ea705"],
  ];
  for (const [given, hex] of known) assert.is(encode(Everything, given).toString("hex"), hex);
});

test("fields that nobody knows are skipped, and packed numbers may come one by one", () => {
  const unknown = "f80101" + "f9010000000000000000" + "fa010161" + "fd0100000000";
  const bytes = Buffer.from(`${unknown}50015002`, "hex");
  assert.equal(decode(Everything, bytes).numbers, [1n, 2n]);
});

test("of a field that comes twice the last counts, and sub-messages are merged", () => {
  const twice = Buffer.concat([
    encode(Everything, { text: "a", when: { seconds: 1n } }),
    encode(Everything, { text: "b", when: { nanos: 2 } }),
  ]);
  const { text, when } = decode(Everything, twice);
  assert.equal({ text, when }, { text: "b", when: { seconds: 1n, nanos: 2 } });
});

test("bytes that are no message are refused, wherever they end", () => {
  const whole = encode(Everything, FULL);
  let refused = 0;
  for (let length = 0; length < whole.length; length++) {
    try {
      decode(Everything, whole.subarray(0, length));
    } catch (error) {
      assert.instance(error, DecodeError);
      refused++;
    }
  }
  assert.ok(refused > whole.length / 2);
  const bad = ["0a05", "0aff", "00", "0801", "0b", "18ffffffffffffffffffff01", "0a02c328"];
  for (const hex of bad) {
    assert.throws(
      () => decode(Everything, Buffer.from(hex, "hex")),
      (error: unknown) => error instanceof DecodeError,
      hex,
    );
  }
});

test.run();
