import { test } from "uvu";
import * as assert from "uvu/assert";
import { containerId } from "../../../runtime/lifecycle/container-id.ts";

test("letters, digits and _ + . - make an id", () => {
  for (const id of ["a", "0", "A_b+c.d-e", "...", ".x", "-", "true", "a".repeat(1024)]) {
    assert.is(containerId(id), id);
  }
});

test("anything else is refused", () => {
  for (const id of [
    "",
    ".",
    "..",
    "a/b",
    "/",
    "../a",
    "a b",
    "a\n",
    "a\0",
    "ä",
    "a".repeat(1025),
  ]) {
    assert.throws(() => containerId(id), /^invalid container ID format: "/, id);
  }
});

test("a very long id is cut in the message", () => {
  assert.throws(
    () => containerId("x".repeat(5000)),
    (error: Error) => error.message.length < 200 && error.message.includes("5000 characters"),
  );
});

test.run();
