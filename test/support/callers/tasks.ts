// What containerd's API can do with a container's task and its client `ctr` cannot: gRPC without a
// library, which is one frame each way.

import { connect } from "node:http2";
import { createConnection } from "node:net";
import { Any } from "../../../shim/proto/common.ts";
import { encode } from "../../../shim/proto/encode.ts";
import {
  type Fields,
  type Given,
  type GivenOf,
  type Message,
  message,
  one,
} from "../../../shim/proto/message.ts";

/** What a call has come to: status 0 is success. */
export interface Answer {
  status: number;
  message: string;
}

const Options = message("containerd.runc.v1.Options", {
  binaryName: one(6, "string"),
  root: one(7, "string"),
});

const Create = message("containerd.services.tasks.v1.CreateTaskRequest", {
  containerId: one(1, "string"),
  options: one(9, Any),
});

const Named = message("containerd.services.tasks.v1.DeleteTaskRequest", {
  containerId: one(1, "string"),
});

const Update = message("containerd.services.tasks.v1.UpdateTaskRequest", {
  containerId: one(1, "string"),
  resources: one(2, Any),
});

/** The tasks of a containerd, by the path of its socket. */
export function tasks(socket: string) {
  const call = <F extends Fields>(method: string, type: Message<F>, given: Given<F>) =>
    unary(socket, `/containerd.services.tasks.v1.Tasks/${method}`, encode(type, given));
  return {
    /** Creates and does not start. */
    create: (containerId: string, options: GivenOf<typeof Options>): Promise<Answer> =>
      call("Create", Create, {
        containerId,
        options: { typeUrl: Options.name, value: encode(Options, options) },
      }),
    delete: (containerId: string): Promise<Answer> => call("Delete", Named, { containerId }),
    /** @param resources as linux.resources */
    update: (containerId: string, resources: object): Promise<Answer> =>
      call("Update", Update, {
        containerId,
        resources: {
          typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
          value: Buffer.from(JSON.stringify(resources)),
        },
      }),
  };
}

function unary(socket: string, path: string, body: Buffer): Promise<Answer> {
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
    const seen: Record<string, unknown> = {};
    request.on("error", reject);
    // Without an answer all headers come at once.
    request.on("response", (headers) => Object.assign(seen, headers));
    request.on("trailers", (headers) => Object.assign(seen, headers));
    request.on("end", () =>
      resolve({ status: Number(seen["grpc-status"]), message: `${seen["grpc-message"]}` }),
    );
    request.resume();
    request.end(Buffer.concat([prefix, body]));
  }).finally(() => session.close());
}
