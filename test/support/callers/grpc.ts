// Calls of gRPC without a library: one frame each way on a connection of HTTP/2.

import { connect } from "node:http2";
import { createConnection } from "node:net";
import { decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";
import type { Fields, Given, Message, Value } from "../../../shim/proto/message.ts";

/** How a call ended: 0 is success. */
export interface Answer {
  status: number;
  message: string;
  body: Buffer;
}

/** A method, and the messages that go there and come back. */
export interface Method<Asked extends Fields, Answered extends Fields> {
  path: string;
  asks: Message<Asked>;
  answers: Message<Answered>;
}

/** Calls a method that has to succeed. */
export async function callMethod<Asked extends Fields, Answered extends Fields>(
  socket: string,
  method: Method<Asked, Answered>,
  given: Given<Asked>,
): Promise<Value<Answered>> {
  const { status, message, body } = await call(socket, method.path, encode(method.asks, given));
  if (status !== 0) throw new Error(`${method.path}: ${message}`);
  return decode(method.answers, body);
}

/** Calls a method in containerd's namespace "default". */
export function call(socket: string, path: string, body: Buffer): Promise<Answer> {
  const session = connect("http://localhost", { createConnection: () => createConnection(socket) });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return new Promise<Answer>((resolve, reject) => {
    session.on("error", reject);
    const request = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "containerd-namespace": "default",
    });
    const headers: Record<string, unknown> = {};
    const parts: Buffer[] = [];
    request.on("error", reject);
    // Without a body all headers come at once.
    request.on("response", (first) => Object.assign(headers, first));
    request.on("trailers", (last) => Object.assign(headers, last));
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () =>
      resolve({
        status: Number(headers["grpc-status"]),
        message: `${headers["grpc-message"]}`,
        body: Buffer.concat(parts).subarray(prefix.length),
      }),
    );
    request.end(Buffer.concat([prefix, body]));
  }).finally(() => session.close());
}
