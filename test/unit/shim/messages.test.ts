// The tables of messages: against what Go has encoded, all fields with values of their own.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";
import type { Kind, Message } from "../../../shim/proto/message.ts";
import { MESSAGES } from "../../support/shim-messages.ts";
import record from "./recorded/record.json";

interface Recorded {
  bytes: string;
  holds: Holds;
}

/** Fields by their names: text, lists of it, and messages. Numbers and bytes are text. */
type Held = string | boolean | Holds | readonly Held[];
interface Holds {
  readonly [field: string]: Held;
}

const recorded: ReadonlyMap<string, Recorded> = new Map(Object.entries(record.messages));

/** Removed from containerd 2; older clients still send it. */
const REMOVED = ["containerd.runc.v1.Options.criuPath"];

for (const [name, type] of MESSAGES) {
  // Go has no type for an entry of a map: it is within its message.
  if (name.endsWith("Entry") && !recorded.has(name)) continue;
  test(`${name} has its fields' numbers and types`, () => {
    const theirs = recorded.get(name);
    if (theirs === undefined) throw new Error("it is not recorded");
    const bytes = Buffer.from(theirs.bytes, "hex");
    const ours = decode(type, bytes);
    const missing = differences(type, { ours, theirs: theirs.holds }, name);
    assert.equal(
      missing.filter((one) => !REMOVED.includes(one)),
      [],
    );
    const again = decode(type, encode(type, ours));
    assert.equal(again, ours);
    if (isComplete(type, theirs.holds)) assert.equal(encode(type, ours), bytes);
  });
}

/** Paths of what is not the same. */
function differences(
  type: Message,
  { ours, theirs }: { ours: Readonly<Record<string, unknown>>; theirs: Holds },
  path: string,
): string[] {
  return Object.entries(type.fields).flatMap(([field, { kind, many }]) => {
    const at = `${path}.${field}`;
    const [one, other] = [ours[field], theirs[field]];
    if (!many) return differencesOf(kind, { one, other }, at);
    if (!Array.isArray(one) || !isList(other) || one.length !== other.length) return [at];
    return one.flatMap((item, index) =>
      differencesOf(kind, { one: item, other: other[index] }, `${at}/${index}`),
    );
  });
}

function differencesOf(
  kind: Kind,
  { one, other }: { one: unknown; other: Held | undefined },
  at: string,
): string[] {
  if (typeof kind !== "string") {
    return isRecord(one) && isHolds(other)
      ? differences(kind, { ours: one, theirs: other }, at)
      : [at];
  }
  const told = one instanceof Uint8Array ? Buffer.from(one).toString("hex") : one;
  return `${told}` === `${other}` ? [] : [at];
}

/** Whether a table has all that Go knows. */
function isComplete(type: Message, holds: Holds): boolean {
  return Object.entries(holds).every(([name, held]) => {
    const kind = type.fields[name]?.kind;
    if (kind === undefined) return false;
    if (typeof kind === "string") return true;
    const items = isList(held) ? held : [held];
    return items.every((item) => isHolds(item) && isComplete(kind, item));
  });
}

function isList(held: Held | undefined): held is readonly Held[] {
  return Array.isArray(held);
}

function isHolds(held: Held | undefined): held is Holds {
  return typeof held === "object" && !isList(held);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

test.run();
