// A client of D-Bus that waits for its answers: the libraries there are give promises, and nothing in
// runtime/ is asynchronous. One conversation, with one limit on how long it may take, and no threads.

import { EAGAIN } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, tryReadSome, tryWriteSome } from "../sys/file.ts";
import { POLLIN, poll } from "../sys/signal.ts";
import { tryConnectWithin } from "../sys/socket.ts";
import { socketsIn } from "./address.ts";
import { marshal } from "./marshal.ts";
import {
  bodyOf,
  ERROR,
  METHOD_CALL,
  type Message,
  messageBytes,
  messageFrom,
  SIGNAL,
} from "./message.ts";
import type { Value } from "./value.ts";

const READ_BYTES = 16_384;

/** A conversation with a bus, or with one service directly. */
export interface Connection {
  readonly fd: number;
  /** What was connected to, for errors. */
  readonly socket: string;
  readonly deadlineMs: number;
  readonly limitMs: number;
  serial: number;
  /** What is waited for, for errors. */
  awaited: string;
  /** What has been read and not yet been understood. */
  unread: Buffer;
  /** Signals that came while an answer was waited for. */
  readonly signals: Message[];
}

/** What a method is called with. */
export interface Call {
  destination?: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  args?: readonly Value[];
}

/** An error that a method answered with. */
export class MethodError extends RuntimeError {
  override name = "MethodError";
  /** Such as `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly errorName: string;
  readonly member: string;
  readonly text: string;
  constructor(member: string, errorName: string, text: string) {
    super(`${member}: ${errorName}: ${text}`);
    this.member = member;
    this.errorName = errorName;
    this.text = text;
  }
}

/**
 * Connects to the first server of an address list that can be reached, and proves who the caller
 * is (SASL EXTERNAL: by the socket's credentials, which hold in user namespaces as well).
 * @param limitMs how long the whole conversation may take
 * @throws SyscallError if no server can be reached, RuntimeError if it refuses or does not answer
 */
export function connectTo(addresses: string, limitMs: number): Connection {
  const deadlineMs = performance.now() + limitMs;
  let failure: RuntimeError = new RuntimeError(
    `"${addresses}" names no unix socket (wanted such as unix:path=/run/user/1000/bus)`,
  );
  for (const socket of socketsIn(addresses)) {
    const fd = tryConnectWithin(socket, limitMs);
    if (fd < 0) {
      failure = new SyscallError(`connect("${socket.replace("\0", "@")}")`, -fd);
      continue;
    }
    const unread = Buffer.alloc(0);
    const connection = {
      fd,
      socket,
      deadlineMs,
      limitMs,
      serial: 0,
      awaited: "the greeting",
      unread,
      signals: [],
    };
    try {
      authenticate(connection);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    return connection;
  }
  throw failure;
}

export function disconnect({ fd }: Connection): void {
  closeFd(fd);
}

/**
 * Calls a method and waits for what it answers.
 * @throws MethodError with the error that it answers instead
 */
export function call(connection: Connection, request: Call): { values: Value[]; sender?: string } {
  const { signature = "", args = [], ...where } = request;
  const serial = ++connection.serial;
  connection.awaited = request.member;
  const body = marshal(signature, args);
  send(connection, messageBytes({ kind: METHOD_CALL, serial, ...where, signature, body }));
  for (;;) {
    const message = receive(connection);
    if (message.kind === SIGNAL) connection.signals.push(message);
    if (message.replySerial !== serial) continue;
    const values = bodyOf(message);
    if (message.kind !== ERROR) {
      return { values, ...(message.sender !== undefined && { sender: message.sender }) };
    }
    throw new MethodError(request.member, message.errorName ?? "an error", `${values[0] ?? ""}`);
  }
}

/** Waits for a signal, which may have come already. */
export function waitForSignal(
  connection: Connection,
  member: string,
  isWanted: (message: Message) => boolean,
): Message {
  connection.awaited = member;
  for (;;) {
    const message = connection.signals.shift() ?? receive(connection);
    if (message.kind === SIGNAL && message.member === member && isWanted(message)) return message;
  }
}

/**
 * D-Bus specification, "Authentication Protocol": the identity is left to the server to find. All
 * lines at once, as systemd's own client sends them: a server of systemd's that reads a first call
 * together with BEGIN answers only when something else comes (seen of version 252).
 */
function authenticate(connection: Connection): void {
  send(connection, Buffer.from("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"));
  const first = receiveLine(connection);
  if (first !== "DATA") throw rejected(connection, first);
  const second = receiveLine(connection);
  if (!second.startsWith("OK")) throw rejected(connection, second);
}

function rejected({ socket }: Connection, line: string): RuntimeError {
  return new RuntimeError(`${socket} does not take us for who we are: it says "${line}"`);
}

function receiveLine(connection: Connection): string {
  for (;;) {
    const end = connection.unread.indexOf("\r\n");
    if (end >= 0) {
      const line = connection.unread.toString("latin1", 0, end);
      connection.unread = connection.unread.subarray(end + 2);
      return line;
    }
    if (connection.unread.length > READ_BYTES) throw rejected(connection, "…");
    receiveMore(connection);
  }
}

function receive(connection: Connection): Message {
  for (;;) {
    const next = messageFrom(connection.unread);
    if (next !== undefined) {
      connection.unread = connection.unread.subarray(next.length);
      return next.message;
    }
    receiveMore(connection);
  }
}

function receiveMore(connection: Connection): void {
  const leftMs = connection.deadlineMs - performance.now();
  const [events] = leftMs <= 0 ? [0] : poll([{ fd: connection.fd, events: POLLIN }], leftMs);
  if (events === 0) throw noAnswer(connection);
  const some = tryReadSome(connection.fd, READ_BYTES);
  if (typeof some === "number") throw new SyscallError(`read(${connection.socket})`, -some);
  if (some.length === 0) throw new RuntimeError(`${connection.socket} has closed the connection`);
  connection.unread = Buffer.concat([connection.unread, some]);
}

function send(connection: Connection, data: Buffer): void {
  for (let sent = 0; sent < data.length; ) {
    const result = tryWriteSome(connection.fd, data.subarray(sent));
    if (result === -EAGAIN) throw noAnswer(connection);
    if (result < 0) throw new SyscallError(`write(${connection.socket})`, -result);
    sent += result;
  }
}

function noAnswer({ socket, limitMs, awaited }: Connection): RuntimeError {
  const limit = `${limitMs / 1000} s`;
  return new RuntimeError(`${socket} has not answered within ${limit} (${awaited})`);
}
