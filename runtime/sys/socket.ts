// Unix sockets: pairs, listening and connecting by descriptor, and one descriptor a message.

import { ECONNRESET, EINTR, ENAMETOOLONG, EPROTOTYPE } from "../errno.ts";
import { AT_FDCWD, closeFd, O_CLOEXEC, O_DIRECTORY, O_NONBLOCK, O_PATH } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** Who connects while this many wait is refused. */
const BACKLOG = 128;
/** sun_path holds 108 bytes; longer paths are reached through a descriptor. */
const PATH_BYTES_MAX = 107;

/** socketpair(2) that keeps message boundaries. */
export function socketPair(): [number, number] {
  const { address, bytes } = piece(8);
  check(
    syscall(NR.socketpair, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0, address),
    () => "socketpair(AF_UNIX, SOCK_SEQPACKET)",
  );
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
}

/** pipe2(2), close-on-exec: the reading end, the writing end. */
export function pipe(): [number, number] {
  const { address, bytes } = piece(8);
  check(syscall(NR.pipe2, address, O_CLOEXEC), () => "pipe2()");
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
}

/** Sends one byte, and a descriptor with it if given. A reader that has gone is EPIPE. */
export function sendByte(socket: number, byte: number, fd?: number): void {
  sendMessage(socket, Buffer.of(byte), fd);
}

/** sendmsg(2) of a short text with a descriptor (SCM_RIGHTS). */
export function sendMessage(socket: number, data: Buffer, fd?: number): void {
  sendPart(socket, data, fd);
}

/** As much of a text as it takes, with the descriptor on the first part of it (SCM_RIGHTS). */
export function sendAll(socket: number, data: Buffer, fd: number): void {
  const PART_BYTES_MAX = 16_384;
  for (let sent = 0; sent < data.length; ) {
    const part = data.subarray(sent, sent + PART_BYTES_MAX);
    sent += sendPart(socket, part, sent === 0 ? fd : undefined);
  }
}

function sendPart(socket: number, data: Buffer, fd?: number): number {
  const message = messageOf(data.length, fd === undefined ? 0 : 24);
  message.data.set(data);
  if (fd !== undefined) {
    message.control.writeUInt32LE(20, 0);
    message.control.writeInt32LE(1, 8);
    message.control.writeInt32LE(1, 12);
    message.control.writeInt32LE(fd, 16);
  }
  for (;;) {
    const result = syscall(NR.sendmsg, socket, message.address, MSG_NOSIGNAL);
    if (result === -EINTR) continue;
    return check(result, () => `sendmsg(${socket})`);
  }
}

/** What came with a byte: the byte, and a descriptor if one was sent. */
export interface Received {
  byte: number;
  fd?: number;
}

/** recvmsg(2) of one byte and perhaps a descriptor; undefined at end-of-file. Waits. */
export function receiveByte(socket: number): Received | undefined {
  const message = messageOf(1, 24);
  for (;;) {
    const result = syscall(NR.recvmsg, socket, message.address, MSG_CMSG_CLOEXEC);
    if (result === -EINTR) continue;
    if (result === 0 || result === -ECONNRESET) return undefined;
    check(result, () => `recvmsg(${socket})`);
    const byte = message.data[0] ?? 0;
    const hasControl = message.header.readUInt32LE(40) >= 20;
    return hasControl ? { byte, fd: message.control.readInt32LE(16) } : { byte };
  }
}

/** A message, with the descriptor that came with it. */
export interface ReceivedMessage {
  data: Buffer;
  fd?: number;
}

/**
 * recvmsg(2) of one message of at most `bytesMax`, without waiting; undefined when there is none, or
 * at end-of-file.
 */
export function tryReceive(socket: number, bytesMax: number): ReceivedMessage | undefined {
  const MSG_DONTWAIT = 0x40;
  const message = messageOf(bytesMax, 24);
  const result = syscall(NR.recvmsg, socket, message.address, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (result <= 0) return undefined;
  const data = Buffer.from(message.data.subarray(0, result));
  const hasControl = message.header.readUInt32LE(40) >= 20;
  return hasControl ? { data, fd: message.control.readInt32LE(16) } : { data };
}

function messageOf(dataBytes: number, controlBytes: number) {
  const header = piece(56);
  const data = piece(Math.max(dataBytes, 1));
  const vector = piece(16);
  const control = piece(24);
  vector.bytes.writeBigUInt64LE(BigInt(data.address), 0);
  vector.bytes.writeUInt32LE(dataBytes, 8);
  header.bytes.writeBigUInt64LE(BigInt(vector.address), 16);
  header.bytes.writeUInt32LE(1, 24);
  if (controlBytes > 0) {
    header.bytes.writeBigUInt64LE(BigInt(control.address), 32);
    header.bytes.writeUInt32LE(controlBytes, 40);
  }
  return {
    address: header.address,
    header: header.bytes,
    data: data.bytes,
    control: control.bytes,
  };
}

/** A listening stream socket at `name` in a directory, reached through its descriptor. */
export function listenAt(directory: number, name: string): number {
  const socket = unixSocket(SOCK_STREAM);
  const { address, length } = addressOf(`/proc/self/fd/${directory}/${name}`);
  const describe = (): string => `bind("${name}")`;
  check(syscall(NR.bind, socket, address, length), describe);
  check(syscall(NR.listen, socket, BACKLOG), () => `listen("${name}")`);
  return socket;
}

/** connect(2) to `name` in a directory; the descriptor, or the negative errno. */
export function tryConnectAt(directory: number, name: string): number {
  return tryConnect(`/proc/self/fd/${directory}/${name}`);
}

/** connect(2) to a path of the caller's; throws when it cannot. */
export function connect(path: string): number {
  return check(tryConnect(path), () => `connect("${path}")`);
}

/**
 * connect(2) to a path of any length, with a time limit on connecting and on each sending
 * (SO_SNDTIMEO, socket(7)); past it both answer EAGAIN. The descriptor, or the negative errno.
 */
export function tryConnectWithin(path: string, limitMs: number): number {
  const SOL_SOCKET = 1;
  const SO_SNDTIMEO = 21;
  const socket = unixSocket(SOCK_STREAM);
  const limit = piece(16);
  limit.bytes.writeUInt32LE(Math.floor(limitMs / 1000), 0);
  limit.bytes.writeUInt32LE((limitMs % 1000) * 1000, 8);
  check(
    syscall(NR.setsockopt, socket, SOL_SOCKET, SO_SNDTIMEO, limit.address, 16),
    () => "setsockopt(SO_SNDTIMEO)",
  );
  return tryConnectOrClose(socket, path);
}

/**
 * connect(2) without waiting: EAGAIN while too many others wait to be accepted. The descriptor, whose
 * calls do not wait either, or the negative errno.
 */
export function tryConnectAtOnce(path: string): number {
  return tryConnectOrClose(unixSocket(SOCK_STREAM | O_NONBLOCK), path);
}

/**
 * Whether a stream socket is bound to a path: 0, or the negative errno. Its owner notices nothing:
 * the kernel refuses to connect a datagram socket to it, with EPROTOTYPE.
 */
export function tryFindStream(path: string): number {
  const result = tryConnectOrClose(unixSocket(SOCK_DGRAM), path);
  if (result === -EPROTOTYPE) return 0;
  if (result < 0) return result;
  closeFd(result);
  return -EPROTOTYPE;
}

function tryConnect(path: string): number {
  return tryConnectOrClose(unixSocket(SOCK_STREAM), path);
}

/** The socket once it is connected, or the negative errno. */
function tryConnectOrClose(socket: number, path: string): number {
  const result = withShortPath(path, (short) => {
    const { address, length } = addressOf(short);
    return syscall(NR.connect, socket, address, length);
  });
  if (result === 0) return socket;
  closeFd(socket);
  return result;
}

/** A path too long for an address is gone through its directory. */
function withShortPath(path: string, use: (short: string) => number): number {
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return use(path);
  const slash = path.lastIndexOf("/");
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  const directory = syscall(NR.openat, AT_FDCWD, cstr(path.slice(0, slash + 1)), flags);
  if (directory < 0) return directory;
  const short = `/proc/self/fd/${directory}/${path.slice(slash + 1)}`;
  const result = Buffer.byteLength(short) <= PATH_BYTES_MAX ? use(short) : -ENAMETOOLONG;
  closeFd(directory);
  return result;
}

/** A datagram socket at `name` in a directory, reached through its descriptor. */
export function bindDatagramAt(directory: number, name: string): number {
  const socket = unixSocket(SOCK_DGRAM);
  const { address, length } = addressOf(`/proc/self/fd/${directory}/${name}`);
  check(syscall(NR.bind, socket, address, length), () => `bind("${name}")`);
  return socket;
}

/** connect(2) of a datagram socket to a path of any length, or to an abstract name after an "@". */
export function connectDatagram(to: string): number {
  const path = to.startsWith("@") ? `\0${to.slice(1)}` : to;
  return check(tryConnectOrClose(unixSocket(SOCK_DGRAM), path), () => `connect("${to}")`);
}

/** accept4(2), close-on-exec. Waits. */
export function accept(socket: number): number {
  for (;;) {
    const result = syscall(NR.accept4, socket, 0, 0, O_CLOEXEC);
    if (result !== -EINTR) return check(result, () => `accept4(${socket})`);
  }
}

/** accept4(2), close-on-exec; the connection does not wait. The descriptor, or the negative errno. */
export function tryAccept(socket: number): number {
  return syscall(NR.accept4, socket, 0, 0, O_CLOEXEC | O_NONBLOCK);
}

/** Who connected, as the kernel saw it then (SO_PEERCRED, unix(7)). */
export function peerOf(socket: number): { pid: number; uid: number; gid: number } {
  const SOL_SOCKET = 1;
  const SO_PEERCRED = 17;
  const { address, bytes } = piece(12);
  const length = piece(8);
  length.bytes.writeUInt32LE(12, 0);
  check(
    syscall(NR.getsockopt, socket, SOL_SOCKET, SO_PEERCRED, address, length.address),
    () => `getsockopt(${socket}, SO_PEERCRED)`,
  );
  return {
    pid: bytes.readInt32LE(0),
    uid: bytes.readUInt32LE(4),
    gid: bytes.readUInt32LE(8),
  };
}

function unixSocket(type: number): number {
  return check(
    syscall(NR.socket, AF_UNIX, type | O_CLOEXEC, 0),
    () => `socket(AF_UNIX, ${type === SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM"})`,
  );
}

function addressOf(path: string): { address: number; length: number } {
  const { address, bytes } = piece(110);
  bytes.writeUInt16LE(AF_UNIX, 0);
  const length = bytes.write(path, 2, PATH_BYTES_MAX);
  // An abstract name is all the bytes that there are, and has no end.
  return { address, length: 2 + length + (path.startsWith("\0") ? 0 : 1) };
}
