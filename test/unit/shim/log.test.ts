// The shim's log, into a fifo whose reader comes and goes.

import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeShimLog } from "../../../shim/log.ts";

const directory = mkdtempSync(join(tmpdir(), "runt-log-"));
const fifo = join(directory, "log");

test.before(() => {
  assert.is(Bun.spawnSync(["mkfifo", fifo]).exitCode, 0);
});

test.after(() => rmSync(directory, { recursive: true }));

/** What comes while a reader has the fifo open. */
function readWhile(write: () => void): string {
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    write();
    const buffer = Buffer.alloc(65_536);
    return buffer.toString("utf8", 0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

test("lines are dropped while nobody reads, and come when somebody does, again and again", () => {
  const log = makeShimLog(fifo, { debugs: false }).with({ id: "a b" });
  for (let round = 0; round < 2; round++) {
    log.warn("nobody hears");
    const text = readWhile(() => {
      log.debug("not asked for");
      log.error("heard", { step: 3 });
    });
    assert.match(text, /^time="[^"]+" level=error msg="heard" step=3 id="a b"\n$/);
  }
});

test("a line is not longer than what a pipe takes whole", () => {
  const log = makeShimLog(fifo, { debugs: true });
  const text = readWhile(() => {
    log.debug("x".repeat(10_000));
    log.info("next");
  });
  const [long = "", next = "", ...rest] = text.split("\n");
  assert.is(long.length, 4095);
  assert.match(next, /level=info msg="next"$/);
  assert.equal(rest, [""]);
});

test("without a log there are no lines", () => {
  assert.not.throws(() => makeShimLog("/nowhere/log", { debugs: true }).error("gone"));
});

test.run();
