// The shim's loop, as far as it needs no shim.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeLoop } from "../../../shim/loop.ts";

test("there may be more timers than a function takes arguments", () => {
  const loop = makeLoop();
  for (let count = 0; count < 200_000; count++) loop.after(60_000, () => undefined);
  let isOver = false;
  loop.after(1, () => {
    isOver = true;
    loop.stop();
  });
  const errors: unknown[] = [];
  loop.run((error) => errors.push(error));
  assert.ok(isOver);
  assert.equal(errors, []);
});

test("of long work one piece is done a turn, and whoever else is ready comes in between", () => {
  const loop = makeLoop();
  const order: string[] = [];
  for (const name of ["one", "two", "three"]) {
    loop.inTurn(() => {
      order.push(name);
      loop.after(0, () => order.push(`after ${name}`));
    });
  }
  loop.after(20, () => loop.stop());
  loop.run((error) => {
    throw error;
  });
  assert.equal(order, ["one", "after one", "two", "after two", "three", "after three"]);
});

test.run();
