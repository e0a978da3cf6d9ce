// The socket of a shim: one a group of containers, at a place that everyone of the group can name.

import { ECONNREFUSED, ENOENT } from "../../runtime/errno.ts";
import { RuntimeError, SyscallError } from "../../runtime/errors.ts";
import { makeDirectories } from "../../runtime/sys/directory.ts";
import { changeModeAt, tryUnlinkAt } from "../../runtime/sys/entry.ts";
import {
  closeFd,
  lockExclusive,
  O_DIRECTORY,
  open,
  setNonBlocking,
} from "../../runtime/sys/file.ts";
import { listenAt, tryConnectWithin } from "../../runtime/sys/socket.ts";

const USUAL_DIRECTORY = "/run/containerd/s";
/** A path of 107 bytes with its end still fits; Go's helper refuses one byte earlier. */
const PATH_BYTES_MAX = 106;
const CONNECT_TIMEOUT_MS = 100;

export interface SocketName {
  /** Of containerd's socket, such as /run/containerd/containerd.sock; "" if there is none. */
  address: string;
  namespace: string;
  /** The container's id, or that of its pod. */
  group: string;
  /** "" for the usual place. */
  directory: string;
}

/** Path of a group's socket, as the reference shim names it. */
export function socketPath({ address, namespace, group, directory }: SocketName): string {
  const parts = [address, namespace, group].filter((part) => part !== "");
  const name = parts.join("/").replace(/\/+/g, "/");
  const hash = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  return `${directory || USUAL_DIRECTORY}/${hash}`;
}

/**
 * Listens at a path. Undefined when a shim already does; a socket that nobody answers on is
 * replaced.
 */
export function listenOrJoin(path: string): number | undefined {
  const length = Buffer.byteLength(path);
  if (length > PATH_BYTES_MAX) {
    throw new RuntimeError(
      `the shim's socket ${path} has ${length} bytes in its path, ${PATH_BYTES_MAX} fit (hint: a shorter socket_dir of containerd, or SHIM_SOCKET_DIR)`,
    );
  }
  makeDirectories(directoryOf(path), 0o700);
  return locked(path, (directory, name) => {
    const connection = tryConnectShim(path);
    if (connection !== undefined) {
      closeFd(connection);
      return undefined;
    }
    tryUnlinkAt(directory, name);
    const socket = listenAt(directory, name);
    changeModeAt(directory, name, 0o600);
    setNonBlocking(socket);
    return socket;
  });
}

/** Removes a socket, unless somebody answers on it. */
export function removeStale(path: string): void {
  locked(path, (directory, name) => {
    const connection = tryConnectShim(path);
    if (connection === undefined) tryUnlinkAt(directory, name);
    else closeFd(connection);
  });
}

/** A connection to the shim that listens at a path; undefined when there is none. */
export function tryConnectShim(path: string): number | undefined {
  const result = tryConnectWithin(path, CONNECT_TIMEOUT_MS);
  if (result >= 0) return result;
  if (result === -ENOENT || result === -ECONNREFUSED) return undefined;
  throw new SyscallError(`connect("${path}")`, -result);
}

/** One process at a time: another one's socket, bound and not yet listening, would pass for stale. */
function locked<T>(path: string, act: (directory: number, name: string) => T): T {
  const directory = open(directoryOf(path), O_DIRECTORY);
  try {
    lockExclusive(directory);
    return act(directory, path.slice(path.lastIndexOf("/") + 1));
  } finally {
    closeFd(directory);
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
