// The server's side of ttrpc: against what a server in Go has answered to the same bytes, and to
// those that no client would send.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { RuntimeError } from "../../../runtime/errors.ts";
import { decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";
import type { GivenOf } from "../../../shim/proto/message.ts";
import { TASK } from "../../../shim/proto/task.ts";
import { Request, Response } from "../../../shim/proto/ttrpc.ts";
import {
  DATA,
  DATA_BYTES_MAX,
  encodeFrame,
  type Frame,
  frameDecoder,
  REQUEST,
  RESPONSE,
} from "../../../shim/ttrpc/frame.ts";
import { type Call, method, type Services, serve } from "../../../shim/ttrpc/server.ts";
import { StatusError } from "../../../shim/ttrpc/status.ts";
import { randomFrom } from "../../support/random.ts";
import record from "./recorded/record.json";

const SERVICE = "containerd.task.v3.Task";

/** A connection to a server that does what the recorded one did, without time of its own. */
function connected() {
  const sent: Uint8Array[] = [];
  const reports: unknown[] = [];
  const timers = new Map<() => void, number>();
  const waiting: Call<GivenOf<(typeof TASK)["Wait"]["response"]>>[] = [];
  const forgotten: number[] = [];
  const services: Services = {
    [SERVICE]: {
      State: method(TASK.State, ({ id }, call) =>
        call.answer({ id, pid: 4_294_967_295, exitedAt: { seconds: -62_135_596_800n } }),
      ),
      Kill: method(TASK.Kill, (_, call) => call.answer({})),
      Delete: method(TASK.Delete, ({ id }) => {
        throw new StatusError("not found", `container not created: ${id}: not found`);
      }),
      Pids: method(TASK.Pids, (_, call) =>
        call.refuse(new StatusError("unknown", "plainly wrong")),
      ),
      Wait: method(TASK.Wait, (_, call) => {
        const index = waiting.push(call) - 1;
        call.whenOver(() => forgotten.push(index));
      }),
      Stats: method(TASK.Stats, (_, call) =>
        call.answer({ stats: { value: new Uint8Array(DATA_BYTES_MAX) } }),
      ),
      Connect: () => {
        throw new TypeError("a bug");
      },
      Resume: () => {
        throw new RuntimeError("what a user has done");
      },
    },
  };
  const connection = serve({
    services,
    send: (bytes) => void sent.push(bytes),
    after: (milliseconds, run) => {
      timers.set(run, milliseconds);
      return () => timers.delete(run);
    },
    report: (error) => reports.push(error),
  });
  const frames = () => framesIn(Buffer.concat(sent));
  const answers = () =>
    frames().map(({ stream, data }) => {
      const { status } = decode(Response, data);
      return `${stream}: ${status?.code ?? 0} ${status?.message ?? ""}`.trimEnd();
    });
  return { ...connection, frames, reports, timers, waiting, forgotten, answers };
}

/** What names Go's parser is another matter than what came of it. */
const PARSER = /error(: | unmarshalling payload: ).*$/;

for (const { name, client, server, zeros = 0 } of record.conversations) {
  test(`as a server in Go: ${name}`, () => {
    const ours = connected();
    ours.receive(Buffer.from(client, "hex"));
    ours.receive(Buffer.alloc(zeros));
    if (name === "a deadline") for (const run of [...ours.timers.keys()]) run();
    const theirs = framesIn(Buffer.from(server, "hex"));
    const inOrder = (frames: readonly Frame[]) =>
      frames.toSorted((one, other) => one.stream - other.stream).map(withoutParser);
    assert.equal(inOrder(ours.frames()), inOrder(theirs));
    assert.equal(ours.reports, []);
  });
}

function withoutParser(frame: Frame) {
  const { status, payload } = decode(Response, frame.data);
  const text = status?.message.replace(PARSER, "error");
  if (text === status?.message) return { ...frame, data: Buffer.from(frame.data).toString("hex") };
  return { ...frame, data: { code: status?.code, text, payload } };
}

function framesIn(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  frameDecoder((frame) => {
    if ("oversizedBytes" in frame) throw new Error(`a frame of ${frame.oversizedBytes} bytes`);
    frames.push(frame);
  })(bytes);
  return frames;
}

/** A call, as frames have it. */
function call(stream: number, name: string, timeoutNano = 0n): Buffer {
  const payload = encode(TASK.State.request, { id: "one" });
  const data = encode(Request, { service: SERVICE, method: name, payload, timeoutNano });
  return encodeFrame({ stream, type: REQUEST, flags: 0, data });
}

test("it does not matter in which pieces bytes come", () => {
  const bytes = Buffer.from(record.conversations[0]?.client ?? "", "hex");
  const whole = connected();
  whole.receive(bytes);
  for (const length of [1, 7, 11]) {
    const pieces = connected();
    for (let at = 0; at < bytes.length; at += length) {
      pieces.receive(bytes.subarray(at, at + length));
    }
    assert.equal(pieces.frames(), whole.frames());
  }
});

test("calls are answered when they can be, in any order", () => {
  const { receive, waiting, answers } = connected();
  receive(Buffer.concat([call(1, "Wait"), call(3, "Wait"), call(5, "Kill")]));
  waiting[1]?.answer({});
  waiting[0]?.answer({});
  waiting[0]?.answer({});
  assert.equal(answers(), ["5: 0", "3: 0", "1: 0"]);
});

test("a call is over with its deadline, and with its connection", () => {
  const { receive, end, timers, waiting, forgotten, answers } = connected();
  receive(Buffer.concat([call(1, "Wait", 1_500_000_000n), call(3, "Wait"), call(5, "Wait", -1n)]));
  assert.equal([...timers.values()], [1500, 0]);
  for (const run of [...timers.keys()]) run();
  assert.equal(forgotten, [0, 2]);
  waiting[0]?.answer({});
  end();
  assert.equal(forgotten, [0, 2, 1]);
  waiting[1]?.answer({});
  assert.equal(answers(), ["1: 4 context deadline exceeded", "5: 4 context deadline exceeded"]);
  assert.is(timers.size, 0);
});

test("an answer in time stops the clock", () => {
  const { receive, timers } = connected();
  receive(call(1, "Kill", 1_000_000_000n));
  assert.is(timers.size, 0);
});

test("data is for no method; that which it was for has its one answer", () => {
  const { receive, waiting, answers, forgotten } = connected();
  const data = (stream: number) =>
    encodeFrame({ stream, type: DATA, flags: 5, data: new Uint8Array(0) });
  receive(Buffer.concat([data(1), call(1, "Wait"), data(1), data(1), call(3, "Kill")]));
  waiting[0]?.answer({});
  assert.equal(answers(), [
    "1: 3 StreamID is no longer active",
    "1: 3 StreamID is no longer active",
    "1: 3 StreamID is no longer active",
    "3: 0",
  ]);
  assert.equal(forgotten, [0]);
});

test("a frame that is too long is dropped byte by byte, and the next one is served", () => {
  const { receive, answers } = connected();
  const header = call(1, "Kill").subarray(0, 10);
  header.writeUInt32BE(DATA_BYTES_MAX + 100_000, 0);
  receive(header);
  for (let left = DATA_BYTES_MAX + 100_000; left > 0; left -= 100_000) {
    receive(new Uint8Array(Math.min(left, 100_000)));
  }
  receive(call(3, "Kill"));
  const text = "message length 4294304 exceed maximum message size of 4194304";
  assert.equal(answers(), [`1: 8 ${text}`, "3: 0"]);
});

test("the longest frame that is allowed is taken", () => {
  const { receive, answers } = connected();
  const data = Buffer.alloc(DATA_BYTES_MAX);
  receive(encodeFrame({ stream: 1, type: REQUEST, flags: 0, data }));
  assert.match(answers()[0] ?? "", /^1: 3 unmarshal request error/);
});

test("an answer that is too long is an error, and so is what a method throws", () => {
  const { receive, answers, reports } = connected();
  receive(Buffer.concat([call(1, "Stats"), call(3, "Connect"), call(5, "toString")]));
  receive(call(7, "Resume"));
  assert.match(answers()[0] ?? "", /^1: 8 message length \d+ exceed maximum/);
  assert.equal(answers().slice(1), [
    "3: 2 TypeError: a bug (hint: this is a bug)",
    "5: 12 method toString",
    "7: 2 what a user has done",
  ]);
  assert.is(reports.length, 1);
});

test("whatever comes, there are answers that can be read, and nothing breaks", () => {
  const seed = Number(process.env["FUZZ_SEED"] ?? 7);
  const random = randomFrom(seed);
  const good = record.conversations.map(({ client }) => Buffer.from(client, "hex"));
  for (let round = 0; round < 3000; round++) {
    const { receive, end, frames, reports } = connected();
    const bytes = Buffer.concat([random.pick(good), random.pick(good)]);
    for (let changes = random.below(6); changes > 0; changes--) {
      const at = random.below(bytes.length);
      if (random.below(3) > 0) bytes[at] = random.below(256);
      else bytes.copyWithin(at, random.below(bytes.length));
    }
    try {
      for (let at = 0, end = 0; at < bytes.length; at = end) {
        end = at + 1 + random.below(200);
        receive(bytes.subarray(at, end));
      }
      end();
      for (const { type, data } of frames()) {
        assert.is(type, RESPONSE);
        decode(Response, data);
      }
      assert.equal(reports, []);
    } catch (error) {
      console.log(`FUZZ_SEED=${seed}, round ${round}: ${bytes.toString("hex")}`);
      throw error;
    }
  }
});

test.run();
