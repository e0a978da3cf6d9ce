// rtnetlink(7), as much as it takes to move a network device: requests that wait for their answer,
// links and addresses. A socket speaks of the network namespace that it was made in.

import { ENODEV } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { closeFd, O_CLOEXEC, readSome, writeAll } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_NET_NS_PID = 19;
const IFF_UP = 1;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_ACK_TLVS = 0x200;
const NLM_F_DUMP = 0x300;
const NLM_F_EXCL_CREATE = 0x600;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const HEADER_BYTES = 16;
const LINK_BYTES = 16;
const ADDRESS_BYTES = 8;
/** The kernel makes no answer longer (netlink_recvmsg). */
const ANSWER_BYTES_MAX = 32_768;

/** A network device as its namespace has it. */
export interface Link {
  index: number;
  name: string;
  isUp: boolean;
  /** Hardware address, in hexadecimal. */
  address: string;
}

/** socket(2) of NETLINK_ROUTE that gives the kernel's own words with errors (4.12). */
export function openNetlink(): number {
  const AF_NETLINK = 16;
  const SOCK_RAW = 3;
  const SOL_NETLINK = 270;
  const NETLINK_CAP_ACK = 10;
  const NETLINK_EXT_ACK = 11;
  const socket = check(
    syscall(NR.socket, AF_NETLINK, SOCK_RAW | O_CLOEXEC, 0),
    () => "socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)",
  );
  const one = piece(4);
  one.bytes.writeUInt32LE(1);
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
    check(
      syscall(NR.setsockopt, socket, SOL_NETLINK, option, one.address, 4),
      () => `setsockopt(SOL_NETLINK, ${option})`,
    );
  }
  return socket;
}

/** Calls `use` with a socket of the caller's own network namespace. */
export function withNetlink<Result>(use: (socket: number) => Result): Result {
  const socket = openNetlink();
  try {
    return use(socket);
  } finally {
    closeFd(socket);
  }
}

/** The device of a name; undefined when there is none. */
export function linkNamed(socket: number, name: string): Link | undefined {
  const body = Buffer.concat([linkBody({ index: 0 }), attribute(IFLA_IFNAME, `${name}\0`)]);
  const call = `RTM_GETLINK("${name}")`;
  try {
    return ask(socket, { type: RTM_GETLINK, flags: 0, body, call }).map(linkFrom)[0];
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ENODEV) return undefined;
    throw error;
  }
}

/** All devices of the namespace. */
export function links(socket: number): Link[] {
  const body = linkBody({ index: 0 });
  const call = "RTM_GETLINK(NLM_F_DUMP)";
  return ask(socket, { type: RTM_GETLINK, flags: NLM_F_DUMP, body, call }).map(linkFrom);
}

/**
 * Moves a device into the network namespace of a process, and gives it a name there. It goes down
 * and loses its addresses. When the name is taken there, it may have been moved all the same.
 */
export function moveLink(socket: number, move: { link: Link; name: string; pid: number }): void {
  const { link, name, pid } = move;
  const number = Buffer.alloc(4);
  number.writeUInt32LE(pid);
  const body = Buffer.concat([
    linkBody({ index: link.index }),
    attribute(IFLA_IFNAME, `${name}\0`),
    attribute(IFLA_NET_NS_PID, number),
  ]);
  const call = `RTM_NEWLINK("${link.name}", IFLA_NET_NS_PID=${pid}, IFLA_IFNAME="${name}")`;
  ask(socket, { type: RTM_NEWLINK, flags: 0, body, call });
}

/** Sets a device up. */
export function setLinkUp(socket: number, link: Link): void {
  const body = linkBody({ index: link.index, flags: IFF_UP });
  const call = `RTM_NEWLINK("${link.name}", IFF_UP)`;
  ask(socket, { type: RTM_NEWLINK, flags: 0, body, call });
}

/** Addresses of a device, each as the kernel tells it: ifaddrmsg with attributes. */
export function addressesOf(socket: number, link: Link): Buffer[] {
  const body = Buffer.alloc(ADDRESS_BYTES);
  const call = "RTM_GETADDR(NLM_F_DUMP)";
  return ask(socket, { type: RTM_GETADDR, flags: NLM_F_DUMP, body, call }).filter(
    (address) => address.readUInt32LE(4) === link.index,
  );
}

/** Gives a device an address, in the form of {@link addressesOf}. */
export function addAddress(socket: number, link: Link, address: Buffer): void {
  const body = Buffer.from(address);
  body.writeUInt32LE(link.index, 4);
  const call = `RTM_NEWADDR("${link.name}")`;
  ask(socket, { type: RTM_NEWADDR, flags: NLM_F_EXCL_CREATE, body, call });
}

/** The attributes after a message's fixed part, by type. */
export function attributesOf(message: Buffer, start: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = start; at + 4 <= message.length; ) {
    const length = message.readUInt16LE(at);
    if (length < 4) break;
    // The two highest bits are flags (NLA_TYPE_MASK).
    found.set(message.readUInt16LE(at + 2) & 0x3fff, message.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** One attribute, padded. */
export function attribute(type: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const whole = Buffer.alloc((4 + bytes.length + 3) & ~3);
  whole.writeUInt16LE(4 + bytes.length, 0);
  whole.writeUInt16LE(type, 2);
  bytes.copy(whole, 4);
  return whole;
}

function linkBody({ index, flags = 0 }: { index: number; flags?: number }): Buffer {
  const body = Buffer.alloc(LINK_BYTES);
  body.writeInt32LE(index, 4);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(flags, 12);
  return body;
}

function linkFrom(message: Buffer): Link {
  const found = attributesOf(message, LINK_BYTES);
  return {
    index: message.readInt32LE(4),
    name: `${found.get(IFLA_IFNAME)?.subarray(0, -1) ?? ""}`,
    isUp: (message.readUInt32LE(8) & IFF_UP) !== 0,
    address: found.get(IFLA_ADDRESS)?.toString("hex") ?? "",
  };
}

interface Request {
  type: number;
  /** NLM_F_* besides NLM_F_REQUEST and NLM_F_ACK. */
  flags: number;
  body: Buffer;
  /** What is asked for, in strace's manner, for the error. */
  call: string;
}

/** Sends a request and waits for its end. Returns the messages that answer it, without headers. */
function ask(socket: number, request: Request): Buffer[] {
  const { type, flags, body } = request;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags | NLM_F_REQUEST | NLM_F_ACK, 6);
  writeAll(socket, Buffer.concat([header, body]));
  const answers: Buffer[] = [];
  let isTorn = false;
  for (;;) {
    for (const message of messagesIn(readSome(socket, ANSWER_BYTES_MAX))) {
      isTorn ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
      if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
        requireSuccess(message, request);
        // Something changed while it was told: once more.
        return isTorn ? ask(socket, request) : answers;
      }
      answers.push(message.payload);
    }
  }
}

interface Message {
  type: number;
  flags: number;
  payload: Buffer;
}

function messagesIn(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      payload: bytes.subarray(at + HEADER_BYTES, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** NLMSG_ERROR holds the errno, the request's header, and the kernel's words as an attribute. */
function requireSuccess({ type, flags, payload }: Message, { call }: Request): void {
  const NLMSGERR_ATTR_MSG = 1;
  const result = payload.readInt32LE(0);
  if (result >= 0) return;
  const start = type === NLMSG_ERROR ? 4 + HEADER_BYTES : 4;
  const attributes = (flags & NLM_F_ACK_TLVS) !== 0 ? attributesOf(payload, start) : new Map();
  const words = attributes.get(NLMSGERR_ATTR_MSG);
  const text = words === undefined ? "" : `: ${words.subarray(0, -1)}`;
  throw new SyscallError(`${call}${text}`, -result);
}
