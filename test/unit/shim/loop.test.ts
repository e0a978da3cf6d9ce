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

test.run();
