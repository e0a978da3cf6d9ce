// The socket of a shim: one a group of containers, at a place that everyone of the group can name.

import { SyscallError } from "../../runtime/errors.ts";
import { makeDirectories } from "../../runtime/sys/directory.ts";
import { changeModeAt, tryUnlinkAt } from "../../runtime/sys/entry.ts";
import { AT_FDCWD, closeFd, O_DIRECTORY, open, setNonBlocking } from "../../runtime/sys/file.ts";
import { listenAt, tryConnectWithin } from "../../runtime/sys/socket.ts";

const USUAL_DIRECTORY = "/run/containerd/s";
/** A path of 107 bytes with its end still fits; Go's helper refuses one byte earlier. */
const PATH_BYTES_MAX = 106;

export interface SocketName {
  /** Of containerd's socket, such as /run/containerd/containerd.sock. */
  address: string;
  namespace: string;
  /** The container's id, or that of its pod. */
  group: string;
  /** "" for the usual place. */
  directory: string;
}

/** Path of a group's socket, as the reference shim names it. */
export function socketPath({ address, namespace, group, directory }: SocketName): string {
  const name = `${address}/${namespace}/${group}`.replace(/\/+/g, "/");
  const hash = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  return `${directory || USUAL_DIRECTORY}/${hash}`;
}

/**
 * Listens at a path. Undefined when a shim already does; a socket that nobody answers on is
 * replaced.
 */
export function listenOrJoin(path: string): number | undefined {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new SyscallError(`bind("${path}"), of more than ${PATH_BYTES_MAX} bytes`, 36);
  }
  const slash = path.lastIndexOf("/");
  makeDirectories(path.slice(0, slash), 0o700);
  const directory = open(path.slice(0, slash), O_DIRECTORY);
  try {
    return listenIn(directory, path);
  } catch (error) {
    const EADDRINUSE = 98;
    if (!(error instanceof SyscallError) || error.errno !== EADDRINUSE) throw error;
    if (isAnswered(path)) return undefined;
    tryUnlinkAt(AT_FDCWD, path);
    return listenIn(directory, path);
  } finally {
    closeFd(directory);
  }
}

function listenIn(directory: number, path: string): number {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const socket = listenAt(directory, name);
  changeModeAt(directory, name, 0o600);
  setNonBlocking(socket);
  return socket;
}

function isAnswered(path: string): boolean {
  const LIMIT_MS = 100;
  const connection = tryConnectWithin(path, LIMIT_MS);
  if (connection < 0) return false;
  closeFd(connection);
  return true;
}
