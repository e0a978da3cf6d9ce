// A manager of units that does what systemd cannot be made to do: it refuses, fails and keeps silent.
// Arguments: the socket to listen on, how it misbehaves, and the unit that it has already. Writes each method called to standard
// output.

import { marshal } from "../../runtime/dbus/marshal.ts";
import {
  bodyOf,
  ERROR,
  METHOD_RETURN,
  type Message,
  messageBytes,
  messageFrom,
  SIGNAL,
} from "../../runtime/dbus/message.ts";
import type { Value } from "../../runtime/dbus/value.ts";

export type Misbehaviour =
  /** Takes connections and says nothing. */
  | "mute"
  /** Begins a job that never ends. */
  | "endless"
  /** The job's result. */
  | "failed"
  /** A unit of that name has failed before, until it is reset. */
  | "stale"
  /** A unit of that name is alive. */
  | "taken"
  /** As polkit does. */
  | "denying"
  /** Puts units elsewhere. */
  | "elsewhere"
  | "none";

const [, , path = "", how = "none", taken = ""] = process.argv;
const units = new Map<string, string>();
if (taken !== "") units.set(taken, "somebody else's");
let serial = 0;

Bun.listen<{ unread: Buffer; isGreeted: boolean }>({
  unix: path,
  socket: {
    open(socket) {
      socket.data = { unread: Buffer.alloc(0), isGreeted: false };
    },
    data(socket, data) {
      const { data: state } = socket;
      state.unread = Buffer.concat([state.unread, data]);
      if (how === "mute") return;
      if (!state.isGreeted) greet(socket);
      if (!state.isGreeted) return;
      for (let next = messageFrom(state.unread); next; next = messageFrom(state.unread)) {
        state.unread = state.unread.subarray(next.length);
        for (const answer of answersTo(next.message)) socket.write(messageBytes(answer));
      }
    },
  },
});
console.log("listening");

function greet(socket: Bun.Socket<{ unread: Buffer; isGreeted: boolean }>): void {
  const { data: state } = socket;
  for (let end = state.unread.indexOf("\r\n"); end >= 0; end = state.unread.indexOf("\r\n")) {
    const line = state.unread.toString("latin1", 0, end);
    state.unread = state.unread.subarray(end + 2);
    if (line === "\0AUTH EXTERNAL") socket.write("DATA\r\n");
    if (line === "DATA") socket.write("OK 1234\r\n");
    state.isGreeted = line === "BEGIN";
    if (state.isGreeted) return;
  }
}

function answersTo(message: Message): Message[] {
  const args = bodyOf(message);
  console.log([message.member, ...args.filter((one) => typeof one === "string")].join(" "));
  const replySerial = message.serial;
  const reply = (signature: string, values: Value[]): Message => ({
    kind: METHOD_RETURN,
    serial: ++serial,
    replySerial,
    signature,
    body: marshal(signature, values),
  });
  const refuse = (errorName: string): Message => ({
    ...reply("s", ["what it says"]),
    kind: ERROR,
    errorName,
  });
  const name = `${args[0]}`;
  switch (message.member) {
    case "Get":
      return [reply("v", [{ type: "s", value: property(`${message.path}`, `${args[1]}`) }])];
    case "GetUnit":
      return units.has(name)
        ? [reply("o", [`/unit/${name.replaceAll(/[^a-z]/g, "_")}`])]
        : [refuse("org.freedesktop.systemd1.NoSuchUnit")];
    case "StartTransientUnit":
      if (how === "denying") return [refuse("org.freedesktop.DBus.Error.AccessDenied")];
      if (units.has(name)) return [refuse("org.freedesktop.systemd1.UnitExists")];
      if (how !== "failed") units.set(name, descriptionIn(args[2]));
      return [reply("o", ["/job/1"]), ...jobsEnd(name)];
    case "StopUnit":
      units.delete(name);
      return [
        jobRemoved("/job/7", "other.service"),
        reply("o", ["/job/2"]),
        jobRemoved("/job/2", name),
      ];
    case "ResetFailedUnit":
      if (how === "stale") units.delete(name);
      return [reply("", [])];
    default:
      return [reply("s", [":1.5"])];
  }
}

function property(object: string, name: string): string {
  if (name === "Version") return "252.5-1";
  if (name === "Description") return [...units.values()][0] ?? "";
  if (object === "/org/freedesktop/systemd1" || how === "elsewhere") return "";
  return `/system.slice/${[...units.keys()][0]}`;
}

function descriptionIn(properties: Value | undefined): string {
  const list: readonly Value[] = Array.isArray(properties) ? properties : [];
  const found = list.find((one) => Array.isArray(one) && one[0] === "Description");
  const variant = Array.isArray(found) ? found[1] : undefined;
  return typeof variant === "object" && "value" in variant ? `${variant.value}` : "";
}

function jobsEnd(name: string): Message[] {
  if (how === "endless") return [];
  return [jobRemoved("/job/7", "other.service"), jobRemoved("/job/1", name)];
}

function jobRemoved(job: string, unit: string): Message {
  const signature = "uoss";
  const result = how === "failed" ? "failed" : "done";
  return {
    kind: SIGNAL,
    serial: ++serial,
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member: "JobRemoved",
    signature,
    body: marshal(signature, [1, job, unit, result]),
  };
}
