import { test } from "uvu";
import * as assert from "uvu/assert";
import { IGNORED_FIELDS, REFUSED_FIELDS, refused } from "../../../runtime/clauses/refused.ts";
import type { Config } from "../../../runtime/config/types.gen.ts";
import { pointers } from "../../support/clause.ts";
import { sampleConfig } from "../schemas/sample-config.ts";

/** A configuration with one value at one place, as JSON has it. */
function configWith(pointer: string, value: unknown): Config {
  const keys = pointer.split("/").slice(1);
  const nested = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return JSON.parse(
    JSON.stringify({ ociVersion: "1.3.0", root: { path: "rootfs" }, ...Object(nested) }),
  );
}

test("each field that is not acted on is refused with its pointer", () => {
  for (const pointer of REFUSED_FIELDS) {
    for (const value of ["x", { a: 1 }, [1], 1]) {
      assert.equal(pointers(refused(configWith(pointer, value))), [pointer]);
    }
  }
});

test("what generators write for a field that is not set is accepted", () => {
  for (const pointer of REFUSED_FIELDS) {
    for (const value of ["", {}, [], null]) {
      assert.equal(refused(configWith(pointer, value)), [], `${pointer} ${JSON.stringify(value)}`);
    }
  }
});

test("all of them are reported at once", () => {
  const found = pointers(refused(sampleConfig));
  assert.equal(found.toSorted(), [...REFUSED_FIELDS].sort());
});

test("fields of other platforms are neither refused nor acted on", () => {
  for (const pointer of IGNORED_FIELDS) {
    assert.not(REFUSED_FIELDS.includes(pointer), pointer);
    assert.equal(refused(configWith(pointer, { a: 1 })), []);
  }
});

test.run();
