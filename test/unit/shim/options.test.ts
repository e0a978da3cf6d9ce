// The runtime's options, of runc's type and as a TOML table.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { optionsFrom, type ShimOptions } from "../../../shim/options.ts";
import { encode } from "../../../shim/proto/encode.ts";
import type { GivenOf } from "../../../shim/proto/message.ts";
import { RuncOptions, RuntimeOptions } from "../../../shim/proto/options.ts";

const none: ShimOptions = {
  noPivotRoot: false,
  noNewKeyring: false,
  shimCgroup: "",
  ioUid: 0,
  ioGid: 0,
  binaryName: "",
  root: "",
  criuPath: "",
  systemdCgroup: false,
};

const all: ShimOptions = {
  noPivotRoot: true,
  noNewKeyring: true,
  shimCgroup: "/shim",
  ioUid: 1000,
  ioGid: 4_294_967_295,
  binaryName: "runc",
  root: "/run/there",
  criuPath: "criu",
  systemdCgroup: true,
};

const toml = `
NoPivotRoot = true
NoNewKeyring = true
ShimCgroup = "/shim"
IoUid = 1000
IoGid = 4294967295
Root = "/run/there"
SystemdCgroup = true
`;

function table(given: GivenOf<typeof RuntimeOptions>) {
  return { typeUrl: RuntimeOptions.name, value: encode(RuntimeOptions, given) };
}

function read(any: Parameters<typeof optionsFrom>[0]) {
  const warnings: string[] = [];
  const options = optionsFrom(any, (text) => warnings.push(text));
  return { options, warnings };
}

function readToml(text: string) {
  return read(table({ configBody: Buffer.from(text) }));
}

test("no message, and a message without content, are no options", () => {
  const empty = new Uint8Array(0);
  for (const typeUrl of [RuncOptions.name, RuntimeOptions.name]) {
    assert.equal(read({ typeUrl, value: empty }), { options: none, warnings: [] });
  }
  assert.equal(read(undefined), { options: none, warnings: [] });
});

test("runc's own message is read whole, with protobuf's domain before its name or without", () => {
  const value = encode(RuncOptions, all);
  for (const typeUrl of [RuncOptions.name, `type.googleapis.com/${RuncOptions.name}`]) {
    assert.equal(read({ typeUrl, value }), { options: all, warnings: [] });
  }
});

test("a TOML table is read whole, from the message or from the file it names", () => {
  const directory = mkdtempSync(join(tmpdir(), "runt-options-"));
  const configPath = join(directory, "options.toml");
  try {
    writeFileSync(configPath, toml);
    const options = { ...all, binaryName: "", criuPath: "" };
    assert.equal(readToml(toml), { options, warnings: [] });
    assert.equal(read(table({ configPath, typeUrl: "x" })), { options, warnings: [] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("keys of a table are taken in any case, as Go's readers of TOML take them", () => {
  assert.equal(readToml("systemdcgroup = true").options, { ...none, systemdCgroup: true });
});

test("a type or a key that is not known has no effect, and is told", () => {
  assert.equal(read({ typeUrl: "other.Options", value: Uint8Array.of(255) }), {
    options: none,
    warnings: [`options of the type "other.Options" are not known, and have no effect`],
  });
  assert.equal(readToml('BinaryName = "runc"\n[Nested]\nRoot = "/x"'), {
    options: none,
    warnings: [
      "options: BinaryName is not known, and has no effect",
      "options: Nested is not known, and has no effect",
    ],
  });
});

const wrong: readonly [string, RegExp][] = [
  ['SystemdCgroup = "yes"', /^options: SystemdCgroup is "yes", wanted true or false$/],
  ["Root = 7", /^options: Root is 7, wanted a text$/],
  ["IoUid = -1", /^options: IoUid is -1, wanted a number from 0 to 4294967295$/],
  ["IoGid = 4294967296", /^options: IoGid is 4294967296, wanted a number/],
  ["IoUid = 1.5", /^options: IoUid is 1.5, wanted a number/],
  ["Root = [", /^options: not a TOML table: /],
];

for (const [text, error] of wrong) {
  test(`the table ${text} is refused in words`, () => {
    assert.throws(() => readToml(text), error);
  });
}

test("a file that is not there, and bytes that are no message, are refused in words", () => {
  assert.throws(
    () => read(table({ configPath: "/nowhere/x.toml" })),
    /\/nowhere\/x\.toml.*no such/,
  );
  for (const typeUrl of [RuncOptions.name, RuntimeOptions.name]) {
    assert.throws(
      () => read({ typeUrl, value: Uint8Array.of(255) }),
      new RegExp(`^options of the type ${typeUrl} cannot be read: `),
    );
  }
});

test.run();
