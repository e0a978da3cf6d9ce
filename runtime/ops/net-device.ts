// Network devices of the host that move into the container's network namespace. The host does it
// all: it may move them, and reaches into the other namespace by a socket that it makes there.

import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_RDONLY, open } from "../sys/file.ts";
import { tryJoinNamespace } from "../sys/namespace.ts";
import {
  addAddress,
  addressesOf,
  attribute,
  attributesOf,
  type Link,
  linkNamed,
  links,
  moveLink,
  openNetlink,
  setLinkUp,
  withNetlink,
} from "../sys/netlink.ts";
import { CLONE_NEWNET, getPid } from "../sys/process.ts";
import { defineOp, type OpContext } from "./op.ts";

const NETLINK = "$netlink";
const ADDRESS_BYTES = 8;
const IFA_LABEL = 3;

/** A netlink socket of init's network namespace. setns(2) there and back; Linux 3.0. */
export const openContainerNetlink = defineOp<Record<string, never>>({
  name: "netlink.open",
  print: () => `of $init →${NETLINK}`,
  run: (_args, context) => {
    const ours = open("/proc/thread-self/ns/net", O_RDONLY);
    const theirs = open(`/proc/${context.initPid()}/ns/net`, O_RDONLY);
    join(theirs);
    try {
      context.slots.put(NETLINK, openNetlink());
    } finally {
      join(ours);
      closeFd(ours);
      closeFd(theirs);
    }
  },
});

function join(namespace: number): void {
  const result = tryJoinNamespace(namespace, CLONE_NEWNET);
  if (result < 0) throw new SyscallError(`setns(${namespace}, CLONE_NEWNET)`, -result);
}

interface NetDevice {
  /** Its name on the host. */
  device: string;
  /** Its name in the container; `%d` stands for the lowest number that is free. */
  name: string;
}

/** What is known of a device that has left, or was about to. */
interface Moved {
  link: Link;
  name: string;
  /** ifaddrmsg with attributes, in base64. */
  addresses: string[];
}

/**
 * Moves and renames a device in one request. When create fails it comes back as it was, but for
 * routes; later the network namespace has it (config-linux.md#network-devices).
 */
export const moveNetDevice = defineOp<NetDevice>({
  name: "net-device.move",
  print: ({ device, name }) => `${device} to $init as ${name}`,
  run: ({ device, name }, context) => {
    withNetlink((host) => {
      const link = linkNamed(host, device);
      if (link === undefined) throw new RuntimeError(`there is no network device ${device}`);
      const addresses = addressesOf(host, link).filter(isLasting);
      const newName = freeName(context.slots.get(NETLINK), name);
      const moved = {
        link,
        name: newName,
        addresses: addresses.map((one) => one.toString("base64")),
      };
      context.found.set(keyOf(device), JSON.stringify(moved));
      moveLink(host, { link, name: newName, pid: context.initPid() });
    });
  },
  takeBack: ({ device }, context) => {
    const moved = movedFrom(device, context);
    if (moved === undefined) return;
    const netlink = context.slots.get(NETLINK);
    // One that could not be renamed may have been moved all the same.
    const link = [moved.name, device]
      .map((name) => linkNamed(netlink, name))
      .find((found) => found?.address === moved.link.address);
    if (link === undefined) return;
    moveLink(netlink, { link, name: device, pid: getPid() });
    withNetlink((host) => {
      const back = requireLink(host, device);
      for (const address of moved.addresses) addAddress(host, back, Buffer.from(address, "base64"));
      if (moved.link.isUp) setLinkUp(host, back);
    });
  },
});

/** The addresses that a device had on the host. */
export const addNetDeviceAddresses = defineOp<{ device: string }>({
  name: "net-device.address",
  print: ({ device }) => `those of ${device}`,
  run: ({ device }, context) => {
    const netlink = context.slots.get(NETLINK);
    const { name, link, addresses } = requireMoved(device, context);
    const moved = requireLink(netlink, name);
    for (const text of addresses) {
      const address = Buffer.from(text, "base64");
      addAddress(netlink, moved, relabelled(address, { from: link.name, to: name }));
    }
  },
});

/** Sets a moved device up. */
export const setNetDeviceUp = defineOp<{ device: string }>({
  name: "net-device.up",
  print: ({ device }) => device,
  run: ({ device }, context) => {
    const netlink = context.slots.get(NETLINK);
    setLinkUp(netlink, requireLink(netlink, requireMoved(device, context).name));
  },
});

/** The name for a device in a namespace, which has none of that name yet. */
function freeName(netlink: number, wanted: string): string {
  if (!wanted.includes("%d")) {
    if (linkNamed(netlink, wanted) === undefined) return wanted;
    throw new RuntimeError(`the container's network namespace already has a device ${wanted}`);
  }
  const taken = new Set(links(netlink).map(({ name }) => name));
  for (let number = 0; ; number++) {
    const name = wanted.replace("%d", `${number}`);
    if (!taken.has(name)) return name;
  }
}

/** IFA_F_PERMANENT and RT_SCOPE_UNIVERSE: set by someone, and good everywhere. */
function isLasting(address: Buffer): boolean {
  const IFA_F_PERMANENT = 0x80;
  const RT_SCOPE_UNIVERSE = 0;
  const [, , flags = 0, scope] = address;
  return (flags & IFA_F_PERMANENT) !== 0 && scope === RT_SCOPE_UNIVERSE;
}

/** The label of an IPv4 address begins with the device's name, as the kernel's renaming has it. */
function relabelled(address: Buffer, name: { from: string; to: string }): Buffer {
  const LABEL_BYTES_MAX = 15;
  const attributes = [...attributesOf(address, ADDRESS_BYTES)].flatMap(([type, value]) => {
    if (type !== IFA_LABEL) return [attribute(type, value)];
    const label = `${value.subarray(0, -1)}`;
    const [first = "", ...rest] = label.split(":");
    const changed = first === name.from ? [name.to, ...rest].join(":") : label;
    // Without one the kernel takes the device's name.
    return Buffer.byteLength(changed) > LABEL_BYTES_MAX ? [] : [attribute(type, `${changed}\0`)];
  });
  return Buffer.concat([address.subarray(0, ADDRESS_BYTES), ...attributes]);
}

function requireLink(netlink: number, name: string): Link {
  const link = linkNamed(netlink, name);
  if (link === undefined) throw new RuntimeError(`the network device ${name} is gone`);
  return link;
}

function requireMoved(device: string, context: OpContext): Moved {
  const moved = movedFrom(device, context);
  if (moved === undefined) throw new Error(`${device} has not been moved`);
  return moved;
}

function movedFrom(device: string, { found }: OpContext): Moved | undefined {
  const text = found.get(keyOf(device));
  return text === undefined ? undefined : JSON.parse(text);
}

function keyOf(device: string): string {
  return `net-device ${device}`;
}
