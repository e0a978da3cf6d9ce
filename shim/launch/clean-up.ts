// What is left of a container whose shim was killed, or cannot be reached by containerd, undone.

import { ENOENT } from "../../runtime/errno.ts";
import { RuntimeError, SyscallError } from "../../runtime/errors.ts";
import { deleteContainer } from "../../runtime/lifecycle/delete.ts";
import { closeFd, readFile } from "../../runtime/sys/file.ts";
import { makeShimLog, type ShimLog } from "../log.ts";
import { DecodeError } from "../proto/decode.ts";
import { readExitRecord } from "../task/exit-record.ts";
import { runtimeEnvironment } from "../task/runtime-environment.ts";
import type { Moment } from "../timestamp.ts";
import { unmountRootfs } from "../unmount-rootfs.ts";
import type { ShimArguments } from "./arguments.ts";
import { askToDelete } from "./living-shim.ts";
import { removeStale, tryConnectShim } from "./socket.ts";
import type { Environment } from "./start.ts";

/** How a container ended, as far as that is known. */
export interface Remains {
  pid: number;
  exit?: { status: number; at: Moment };
}

/** Warnings go to the bundle's log: containerd takes any text on standard error for trouble. */
export function cleanUp(given: ShimArguments, environment: Environment): Remains {
  const { id, bundle, debug } = given;
  const log = makeShimLog(`${bundle}/log`, { debugs: debug }).with({ id, action: "delete" });
  const told = tryLivingShim(given, log);
  if (told !== undefined) return told;
  const record = readExitRecord(bundle);
  if (record === undefined) return { pid: 0 };
  const { root, pid, exit } = record;
  deleteContainer({ root, id, force: true, environment: runtimeEnvironment(environment), log });
  unmountRootfs(`${bundle}/rootfs`);
  if (exit === undefined) return { pid };
  const { status, seconds, nanos } = exit;
  return { pid, exit: { status, at: { seconds: BigInt(seconds), nanos } } };
}

/** Undefined when there is no shim, or it did not delete the container. */
function tryLivingShim({ id, bundle }: ShimArguments, log: ShimLog): Remains | undefined {
  const path = socketIn(bundle);
  if (path === undefined) return undefined;
  try {
    const connection = tryConnectShim(path);
    if (connection === undefined) {
      removeStale(path);
      return undefined;
    }
    try {
      return askToDelete(connection, id, log);
    } finally {
      closeFd(connection);
    }
  } catch (error) {
    if (!(error instanceof RuntimeError || error instanceof DecodeError)) throw error;
    log.warn(`no answer from the shim: ${error.message}`);
    return undefined;
  }
}

/** `start` has not been there for a container that containerd 2 has added to a pod by itself. */
function socketIn(bundle: string): string | undefined {
  const address = textOf(`${bundle}/address`) ?? addressIn(textOf(`${bundle}/bootstrap.json`));
  return address?.replace(/^unix:\/\//, "");
}

/** In what containerd has written down of the shim's answer; a full disk leaves a part of that. */
function addressIn(bootstrap = ""): string | undefined {
  return /"address":"([^"\\]+)"/.exec(bootstrap)?.[1];
}

function textOf(path: string): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENOENT) return undefined;
    throw error;
  }
}
