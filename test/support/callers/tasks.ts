// What containerd's API can do with a container's task and its client `ctr` cannot.

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
import { type Answer, call } from "./grpc.ts";

const Options = message("containerd.runc.v1.Options", {
  binaryName: one(6, "string"),
  root: one(7, "string"),
});

const Create = message("containerd.services.tasks.v1.CreateTaskRequest", {
  containerId: one(1, "string"),
  options: one(9, Any),
});

const Delete = message("containerd.services.tasks.v1.DeleteTaskRequest", {
  containerId: one(1, "string"),
});

const Update = message("containerd.services.tasks.v1.UpdateTaskRequest", {
  containerId: one(1, "string"),
  resources: one(2, Any),
});

/** The tasks of a containerd, by the path of its socket. */
export function tasks(socket: string) {
  const task = <F extends Fields>(method: string, type: Message<F>, given: Given<F>) =>
    call(socket, `/containerd.services.tasks.v1.Tasks/${method}`, encode(type, given));
  return {
    /** Creates and does not start. */
    create: (containerId: string, options: GivenOf<typeof Options>): Promise<Answer> =>
      task("Create", Create, {
        containerId,
        options: { typeUrl: Options.name, value: encode(Options, options) },
      }),
    delete: (containerId: string): Promise<Answer> => task("Delete", Delete, { containerId }),
    /** @param resources as linux.resources */
    update: (containerId: string, resources: object): Promise<Answer> =>
      task("Update", Update, {
        containerId,
        resources: {
          typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
          value: Buffer.from(JSON.stringify(resources)),
        },
      }),
  };
}
