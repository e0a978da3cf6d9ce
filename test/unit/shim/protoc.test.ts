// The codec against protoc: random values of every table, encoded by us and decoded by it, and the
// other way round, by way of its text format. What it knows of the tables is made of them.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";
import {
  type Field,
  type Fields,
  type Kind,
  type Message,
  many,
  message,
} from "../../../shim/proto/message.ts";
import { type Random, randomFrom } from "../../support/random.ts";
import { MESSAGES } from "../../support/shim-messages.ts";

const protoc = "/usr/bin/protoc";
const ROUNDS = 20;

type Drawn = Readonly<Record<string, unknown>>;

/** One message with many of each, so that protoc runs twice and not once for each. */
const types = [...MESSAGES.values()];
const Everything = message(
  "Everything",
  Object.fromEntries(types.map((type, index) => [`m${index}`, many(index + 1, type)])),
);

if (!existsSync(protoc)) {
  console.log(`SKIP the codec against protoc: there is no ${protoc}`);
  test.skip("the codec against protoc");
} else {
  const folder = mkdtempSync(join(tmpdir(), "runt-protoc-"));
  test.after(() => rmSync(folder, { recursive: true }));

  const run = (action: string, input: Uint8Array | string): Buffer => {
    writeFileSync(join(folder, "input"), input);
    const stdin = Bun.file(join(folder, "input"));
    const command = [protoc, `--proto_path=${folder}`, `--${action}=Everything`, "tables.proto"];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdin });
    if (exitCode !== 0 || stderr.length > 0) throw new Error(`${command.join(" ")}: ${stderr}`);
    return stdout;
  };

  test("what we encode protoc decodes, and what it encodes we decode", () => {
    const declared = [...types, Everything].map(declaration);
    writeFileSync(join(folder, "tables.proto"), `syntax = "proto3";\n${declared.join("\n")}`);
    const seed = Number(process.env["FUZZ_SEED"] ?? 11);
    console.log(`FUZZ_SEED=${seed}`);
    const random = randomFrom(seed);
    const given = Object.fromEntries(
      types.map((type, index) => [
        `m${index}`,
        Array.from({ length: ROUNDS }, () => draw(type, random)),
      ]),
    );
    const ours = encodeDrawn(given);
    const text = run("decode", ours);
    // Field by field in our order, so that theirs are the same bytes.
    assert.ok(run("encode", text).equals(ours), "protoc encodes otherwise what it has decoded");
    assert.ok(run("encode", textOf(Everything, given)).equals(ours), "ours are other bytes");
    assert.equal(decode(Everything, Uint8Array.from(ours)), withDefaults(Everything, given));
  });
}

test.run();

/** The types of what is drawn are those of the tables, but no compiler knows. */
function encodeDrawn(given: object): Buffer {
  return encode<Fields>(Everything, given);
}

function nameOf(kind: Kind): string {
  if (typeof kind !== "string") return kind.name.replaceAll(".", "_");
  // An open enum is a number.
  return kind === "enum" ? "int32" : kind;
}

function declaration(type: Message): string {
  const fields = Object.entries(type.fields).map(
    ([name, { number, kind, many }]) =>
      `  ${many ? "repeated " : ""}${nameOf(kind)} ${name} = ${number};`,
  );
  return `message ${nameOf(type)} {\n${fields.join("\n")}\n}`;
}

/** Some fields of a message, with values at the ends of their ranges and within. */
function draw(type: Message, random: Random): Drawn {
  const entries = Object.entries(type.fields).filter(() => random.below(3) > 0);
  return Object.fromEntries(entries.map(([name, field]) => [name, drawField(field, random)]));
}

function drawField({ kind, many: isMany }: Field, random: Random): unknown {
  const item = () =>
    typeof kind === "string" ? random.pick<unknown>(VALUES[kind]) : draw(kind, random);
  return isMany ? Array.from({ length: random.below(4) }, item) : item();
}

const VALUES = {
  string: ["", "a", "grüße 𝄞", '"\\\n\0', "x".repeat(200)],
  bytes: [new Uint8Array(0), Uint8Array.of(0, 10, 34, 92, 127, 128, 255), new Uint8Array(300)],
  bool: [false, true],
  int32: [0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)],
  enum: [0, 1, -8, 2 ** 31 - 1],
  uint32: [0, 1, 16_383, 16_384, 2 ** 32 - 1],
  int64: [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  uint64: [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n],
  double: [0, -0, 1, -1.5, 0.1, 1e300, 5e-324, Number.POSITIVE_INFINITY],
} as const;

/** protoc's text format. */
function textOf(type: Message, given: Drawn): string {
  return Object.entries(type.fields)
    .flatMap(([name, { kind, many }]) => {
      const value = given[name];
      const items: readonly unknown[] = many && Array.isArray(value) ? value : [value];
      return items
        .filter((item) => item !== undefined)
        .map((item) =>
          typeof kind !== "string" && isDrawn(item)
            ? `${name} {\n${textOf(kind, item)}\n}`
            : `${name}: ${literal(item)}`,
        );
    })
    .join("\n");
}

function literal(value: unknown): string {
  if (typeof value === "string") return literal(Buffer.from(value));
  if (value instanceof Uint8Array) {
    const octal = [...value].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`);
    return `"${octal.join("")}"`;
  }
  if (Object.is(value, -0)) return "-0.0";
  return value === Number.POSITIVE_INFINITY ? "inf" : `${value}`;
}

/** As a message is when it has been decoded. */
function withDefaults(type: Message, given: Drawn): Drawn {
  const nothing = decode(type, new Uint8Array(0));
  return Object.fromEntries(
    Object.entries(type.fields).map(([name, { kind, many }]) => {
      const value = given[name] ?? nothing[name];
      if (typeof kind === "string") return [name, value];
      if (many && Array.isArray(value)) return [name, value.map((one) => withDefaults(kind, one))];
      return [name, isDrawn(value) ? withDefaults(kind, value) : value];
    }),
  );
}

function isDrawn(value: unknown): value is Drawn {
  return typeof value === "object" && value !== null;
}
