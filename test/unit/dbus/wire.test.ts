// The bytes are GLib's (Gio.DBusMessage.to_blob) for the same values.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { marshal } from "../../../runtime/dbus/marshal.ts";
import { bodyOf, METHOD_CALL, messageBytes, messageFrom } from "../../../runtime/dbus/message.ts";
import { unmarshal } from "../../../runtime/dbus/unmarshal.ts";
import type { Value } from "../../../runtime/dbus/value.ts";

const SAMPLES: readonly [signature: string, values: Value[], hex: string][] = [
  [
    "ybnqiuxtd",
    [1, true, -2, 3, -4, 5, -6n, 18446744073709551615n, 1.5],
    "0100000001000000feff0300fcffffff0500000000000000faffffffffffffffffffffffffffffff000000000000f83f",
  ],
  ["sog", ["text", "/a/b", "a{sv}"], "040000007465787400000000040000002f612f620005617b73767d00"],
  [
    "asasa(st)",
    [
      ["a", "bcd"],
      [],
      [
        ["x", 1n],
        ["yz", 2n],
      ],
    ],
    "10000000010000006100000003000000626364000000000020000000000000000100000078000000010000000000000002000000797a00000200000000000000",
  ],
  [
    "ssa(sv)a(sa(sv))",
    [
      "demo.scope",
      "replace",
      [
        ["PIDs", { type: "au", value: [42] }],
        ["MemoryMax", { type: "t", value: 33554432n }],
        ["DeviceAllow", { type: "a(ss)", value: [["char-pts", "rwm"]] }],
        ["AllowedCPUs", { type: "ay", value: [3, 128] }],
      ],
      [],
    ],
    "0a00000064656d6f2e73636f70650000070000007265706c616365008a00000004000000504944730002617500000000040000002a000000090000004d656d6f72794d6178000174000000000000000000000002000000000b000000446576696365416c6c6f77000561287373290000180000000000000008000000636861722d707473000000000300000072776d000b000000416c6c6f776564435055730002617900020000000380000000000000",
  ],
  [
    "a{sv}",
    [
      [
        ["a", { type: "s", value: "b" }],
        ["c", { type: "v", value: { type: "b", value: true } }],
      ],
    ],
    "280000000000000001000000610001730000000001000000620000000000000001000000630001760001620001000000",
  ],
];

const CALL =
  "6c01000106000000070000004200000001016f00020000002f610000000000000201730003000000612e6200000000000601730003000000612e620000000000080167000173000003017300010000004300000000000000010000007800";
const SIGNAL =
  "6c04010141000000090000008b00000007017300040000003a312e310000000001016f00190000002f6f72672f667265656465736b746f702f73797374656d64310000000000000002017300200000006f72672e667265656465736b746f702e73797374656d64312e4d616e6167657200000000000000000801670004756f737300000000000000030173000a0000004a6f6252656d6f766564000000000000030000001f0000002f6f72672f667265656465736b746f702f73797374656d64312f6a6f622f33000a00000064656d6f2e73636f7065000004000000646f6e6500";
const ERROR =
  "6c03010117000000040000004000000004017300230000006f72672e667265656465736b746f702e73797374656d64312e4e6f53756368556e697400000000000801670001730000050175000300000012000000556e69742078206e6f74206c6f616465642e00";

test("values become the bytes that GLib makes of them, and values again", () => {
  for (const [signature, values, hex] of SAMPLES) {
    assert.is(marshal(signature, values).toString("hex"), hex, signature);
    assert.equal(unmarshal(signature, Buffer.from(hex, "hex")), values, signature);
  }
});

test("numbers of 64 bits may be text, which fits JSON", () => {
  assert.equal(marshal("tx", ["18446744073709551615", "-6"]), marshal("tx", [2n ** 64n - 1n, -6n]));
});

test("values that have been cut off are an error and no crash", () => {
  for (const [signature, , hex] of SAMPLES) {
    const bytes = Buffer.from(hex, "hex");
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => unmarshal(signature, bytes.subarray(0, length)), /malformed/);
    }
  }
});

test("lengths that lie are an error", () => {
  const hex = "ffffff7f0000000061";
  for (const signature of ["s", "as", "ay", "a(st)"]) {
    assert.throws(() => unmarshal(signature, Buffer.from(hex, "hex")), /malformed/, signature);
  }
});

test("variants in variants have an end", () => {
  const bytes = Buffer.from("017600".repeat(1000), "hex");
  assert.throws(() => unmarshal("v", bytes), /malformed: its values stand too deep/);
});

test("a message is read from the bytes of GLib, however they come", () => {
  const bytes = Buffer.from(CALL + SIGNAL, "hex");
  assert.is(messageFrom(bytes.subarray(0, 93)), undefined);
  const first = messageFrom(bytes);
  assert.is(first?.length, CALL.length / 2);
  assert.is(first?.message.member, "C");
  assert.is(first?.message.serial, 7);
  const second = messageFrom(bytes.subarray(first?.length));
  assert.is(second?.message.member, "JobRemoved");
  assert.is(second?.message.sender, ":1.1");
  assert.equal(second && bodyOf(second.message), [
    3,
    "/org/freedesktop/systemd1/job/3",
    "demo.scope",
    "done",
  ]);
});

test("an error has a name, a text, and the serial of the call", () => {
  const found = messageFrom(Buffer.from(ERROR, "hex"));
  assert.is(found?.message.errorName, "org.freedesktop.systemd1.NoSuchUnit");
  assert.is(found?.message.replySerial, 3);
  assert.equal(found && bodyOf(found.message), ["Unit x not loaded."]);
});

test("a message that we write is one that we read", () => {
  const message = {
    kind: METHOD_CALL,
    serial: 1,
    path: "/org",
    member: "Get",
    signature: "s",
    body: marshal("s", ["x"]),
  };
  assert.equal(messageFrom(messageBytes(message))?.message, message);
});

test("what is no message is an error", () => {
  for (const hex of ["42".repeat(16), `6c010002${"00".repeat(12)}`]) {
    assert.throws(() => messageFrom(Buffer.from(hex, "hex")), /no little-endian D-Bus message/);
  }
  const huge = `6c010001${"ffffff7f"}${"00".repeat(8)}`;
  assert.throws(() => messageFrom(Buffer.from(huge, "hex")), /a D-Bus message of 2147483663 bytes/);
});

test.run();
