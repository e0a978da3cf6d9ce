import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Flow, flow, interestOf, move } from "../../../runtime/lifecycle/flow.ts";
import { closeFd, setNonBlocking, tryReadSome, tryWriteSome } from "../../../runtime/sys/file.ts";
import { POLLIN, POLLOUT, poll } from "../../../runtime/sys/signal.ts";
import { pipe } from "../../../runtime/sys/socket.ts";

/** A flow between two pipes, and the ends of the test. */
function between(): { source: number; middle: Flow; sink: number } {
  const [from, source] = pipe();
  const [sink, to] = pipe();
  setNonBlocking(source);
  setNonBlocking(sink);
  return { source, middle: flow(from, to), sink };
}

/** Moves as long as poll says that something can be moved. */
function moveAll(one: Flow): void {
  while (poll([interestOf(one)], 0)[0]) move(one);
}

/** Writes as often as a pipe takes it; the bytes. */
function fill(source: number): number {
  const taken = tryWriteSome(source, Buffer.alloc(4096));
  return taken < 0 ? 0 : taken + fill(source);
}

function empty(sink: number): number {
  const some = tryReadSome(sink, 16_384);
  return typeof some === "number" || some.length === 0 ? 0 : some.length + empty(sink);
}

test("what nobody takes stops the reading, and nothing is lost", () => {
  const { source, middle, sink } = between();
  let written = 0;
  for (let some = fill(source); some > 0; some = fill(source)) {
    written += some;
    moveAll(middle);
  }
  assert.equal(interestOf(middle), { fd: middle.to, events: POLLOUT });
  closeFd(source);
  let read = 0;
  for (let some = empty(sink); some > 0; some = empty(sink)) {
    read += some;
    moveAll(middle);
  }
  assert.is(read, written);
  assert.is(middle.state, "ended");
  assert.is(interestOf(middle).fd, -1);
});

test("what was read before the end is written after it", () => {
  const { source, middle, sink } = between();
  tryWriteSome(source, Buffer.from("last"));
  closeFd(source);
  assert.equal(interestOf(middle), { fd: middle.from, events: POLLIN });
  move(middle);
  assert.is(empty(sink), 0);
  moveAll(middle);
  assert.is(empty(sink), "last".length);
  assert.is(middle.state, "ended");
});

test("a flow is broken when nobody takes it any more", () => {
  const { source, middle, sink } = between();
  tryWriteSome(source, Buffer.from("lost"));
  closeFd(sink);
  moveAll(middle);
  assert.is(middle.state, "broken");
  assert.is(interestOf(middle).fd, -1);
});

test.run();
