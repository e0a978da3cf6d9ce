// A shim that is still there when its container is to be deleted, asked to do that itself: it knows
// how the container ended, and whether it has others.

import { setNonBlocking, tryReadSome, tryWriteSome } from "../../runtime/sys/file.ts";
import { SIGKILL } from "../../runtime/sys/process.ts";
import { POLLIN, poll } from "../../runtime/sys/signal.ts";
import type { ShimLog } from "../log.ts";
import { decode } from "../proto/decode.ts";
import { encode } from "../proto/encode.ts";
import type { Fields, Given, Message, Value } from "../proto/message.ts";
import { TASK } from "../proto/task.ts";
import { Request, Response } from "../proto/ttrpc.ts";
import { encodeFrame, frameDecoder, REQUEST } from "../ttrpc/frame.ts";
import { CODES } from "../ttrpc/status.ts";
import type { Remains } from "./clean-up.ts";

/** Of all calls; containerd waits for five seconds. */
const LIMIT_MS = 3_000;
const PART_BYTES = 16_384;

/**
 * Has a shim kill and delete a container, and then end, unless it has others.
 * @param connection to its socket
 * @returns undefined when it has no such container, or did not delete it in time
 */
export function askToDelete(connection: number, id: string, log: ShimLog): Remains | undefined {
  const call = clientOn(connection, log);
  call("Kill", TASK.Kill, { id, signal: SIGKILL, all: true });
  call("Wait", TASK.Wait, { id });
  const deleted = call("Delete", TASK.Delete, { id });
  call("Shutdown", TASK.Shutdown, { id });
  if (deleted?.exitedAt === undefined) return undefined;
  const { pid, exitStatus, exitedAt } = deleted;
  return { pid, exit: { status: exitStatus, at: exitedAt } };
}

/** Undefined without an answer in time, or when it is an error. */
type Call = <Req extends Fields, Res extends Fields>(
  method: keyof typeof TASK,
  messages: { request: Message<Req>; response: Message<Res> },
  given: Given<Req>,
) => Value<Res> | undefined;

function clientOn(connection: number, log: ShimLog): Call {
  const endMs = performance.now() + LIMIT_MS;
  let stream = -1;
  setNonBlocking(connection);
  return (method, { request, response }, given) => {
    const payload = encode(request, given);
    const data = encode(Request, { service: "containerd.task.v2.Task", method, payload });
    stream += 2;
    tryWriteSome(connection, encodeFrame({ stream, type: REQUEST, flags: 0, data }));
    const answer = answerOn(connection, { stream, endMs });
    if (answer === undefined) {
      log.warn(`the shim did not answer ${method}`);
      return undefined;
    }
    const { status, payload: result } = decode(Response, answer);
    if (status === undefined || status.code === 0) return decode(response, result);
    if (status.code !== CODES["not found"]) log.warn(`the shim, to ${method}: ${status.message}`);
    return undefined;
  };
}

function answerOn(
  connection: number,
  { stream, endMs }: { stream: number; endMs: number },
): Uint8Array | undefined {
  let answer: Uint8Array | undefined;
  const take = frameDecoder((frame) => {
    if ("data" in frame && frame.stream === stream) answer = frame.data;
  });
  while (answer === undefined) {
    const leftMs = Math.max(0, endMs - performance.now());
    if (poll([{ fd: connection, events: POLLIN }], leftMs)[0] === 0) return undefined;
    const some = tryReadSome(connection, PART_BYTES);
    if (typeof some === "number" || some.length === 0) return undefined;
    take(some);
  }
  return answer;
}
