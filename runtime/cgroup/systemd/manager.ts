// Conversations with systemd's manager: what it is, and units started and stopped
// (org.freedesktop.systemd1(5)).

import { addressOf as addressOfSocket } from "../../dbus/address.ts";
import {
  type Call,
  type Connection,
  call,
  connectTo,
  disconnect,
  MethodError,
  waitForSignal,
} from "../../dbus/connection.ts";
import { bodyOf } from "../../dbus/message.ts";
import type { Value } from "../../dbus/value.ts";
import { RuntimeError, SyscallError } from "../../errors.ts";
import type { Property } from "../controllers/limits.ts";
import type { SystemdManager } from "./unit.ts";

/** How long a conversation may take: runc's limit for a job. */
export const LIMIT_MS = 30_000;

const SERVICE = "org.freedesktop.systemd1";
const MANAGER = "org.freedesktop.systemd1.Manager";
const PATH = "/org/freedesktop/systemd1";
const PROPERTIES = "org.freedesktop.DBus.Properties";
/** The end of the path of a manager's own socket, where there is no bus in between. */
const DIRECT = "/systemd/private";

/**
 * Where the manager is reached. That of the machine by its own socket, which is root's and needs no
 * bus; a user's by the bus of the session, as their environment names it.
 * @throws RuntimeError if the environment does not say where the user's manager is
 */
export function managerAddress(
  environment: Readonly<Record<string, string | undefined>>,
  { user }: { user: boolean },
): string {
  const named = environment[user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS"];
  if (named) return named;
  if (!user) return sockets(`/run${DIRECT}`, "/run/dbus/system_bus_socket");
  const folder = environment["XDG_RUNTIME_DIR"];
  if (!folder) {
    throw new RuntimeError(
      "--systemd-cgroup: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR says where the user's systemd is (hint: a login session sets them; loginctl enable-linger keeps the manager without one)",
    );
  }
  return sockets(`${folder}/bus`, `${folder}${DIRECT}`);
}

function sockets(...paths: readonly string[]): string {
  return paths.map(addressOfSocket).join(";");
}

/**
 * Asks the manager what it is.
 * @throws RuntimeError with a hint if nothing is there or it does not answer
 */
export function findManager(
  address: string,
  { user, limitMs = LIMIT_MS }: { user: boolean; limitMs?: number },
): SystemdManager {
  const connection = reach(address, limitMs);
  try {
    const get = (name: string): Value =>
      getProperty(connection, { path: PATH, interface: MANAGER, name });
    const version = versionIn(`${get("Version")}`);
    const controlGroup = `${get("ControlGroup")}`.replace(/\/$/, "");
    return { address, user, version, controlGroup };
  } finally {
    disconnect(connection);
  }
}

/** `252.39-1~deb12u1`, `v249~rc1`: the number in front. */
function versionIn(text: string): number {
  const [, digits] = /^v?(\d+)/.exec(text) ?? [];
  if (digits === undefined) throw new RuntimeError(`systemd says its version is "${text}"`);
  return Number(digits);
}

export interface UnitStart {
  /** With its ending. */
  name: string;
  properties: readonly Property[];
  /** Its cgroup, from the root of the hierarchy. */
  path: string;
  limitMs?: number;
}

/**
 * Starts a transient unit and waits until it is there. One that failed under the same name is
 * cleared away; one that is alive is somebody else's.
 * @throws RuntimeError if systemd refuses it, the job fails, or the limit has passed
 */
export function startUnit(
  address: string,
  { name, properties, path, limitMs = LIMIT_MS }: UnitStart,
): void {
  const connection = reach(address, limitMs);
  try {
    watchJobs(connection);
    const wired: Value = properties.map(({ name: key, type, value }) => [key, { type, value }]);
    const start = (): void =>
      runJob(connection, "StartTransientUnit", {
        signature: "ssa(sv)a(sa(sv))",
        args: [name, "replace", wired, []],
      });
    try {
      start();
    } catch (error) {
      if (!isMethodError(error, /\.UnitExists$/)) throw error;
      resetFailed(connection, name);
      start();
    }
    requirePlace(connection, name, path);
  } finally {
    disconnect(connection);
  }
}

/**
 * Stops a unit, if it is there and is ours by its description, and clears it away.
 * @returns whether the unit's cgroup may be removed: it is not somebody else's
 */
export function stopUnit(
  address: string,
  {
    name,
    description,
    limitMs = LIMIT_MS,
  }: { name: string; description: string; limitMs?: number },
): boolean {
  const connection = reach(address, limitMs);
  try {
    const unit = findUnit(connection, name);
    if (unit === undefined) return true;
    const theirs = getProperty(connection, {
      path: unit,
      interface: `${SERVICE}.Unit`,
      name: "Description",
    });
    if (theirs !== description) return false;
    watchJobs(connection);
    try {
      runJob(connection, "StopUnit", { signature: "ss", args: [name, "replace"] });
    } catch (error) {
      // It ends by itself with its last process.
      if (!isMethodError(error, /\.NoSuchUnit$/)) throw error;
    }
    resetFailed(connection, name);
    return true;
  } finally {
    disconnect(connection);
  }
}

/**
 * Changes properties of a unit until it ends, and waits until they are in force.
 * @throws RuntimeError if systemd refuses one; none is changed then
 */
export function setUnitProperties(
  address: string,
  { name, properties }: Pick<UnitStart, "name" | "properties">,
): void {
  const connection = reach(address, LIMIT_MS);
  try {
    const wired: Value = properties.map((one) => [one.name, { type: one.type, value: one.value }]);
    callManager(connection, {
      member: "SetUnitProperties",
      signature: "sba(sv)",
      args: [name, true, wired],
    });
    // The manager has written its files before it looks at a next call.
    getProperty(connection, { path: PATH, interface: MANAGER, name: "Version" });
  } finally {
    disconnect(connection);
  }
}

/** A connection to the manager; a bus wants to be greeted. */
function reach(address: string, limitMs: number): Connection {
  const connection = connected(address, limitMs);
  if (isDirect(connection)) return connection;
  try {
    callBus(connection, { member: "Hello" });
  } catch (error) {
    disconnect(connection);
    throw error;
  }
  return connection;
}

function connected(address: string, limitMs: number): Connection {
  try {
    return connectTo(address, limitMs);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new RuntimeError(
      `--systemd-cgroup: systemd cannot be reached: ${error.message} (hint: without systemd on this host, or without the right to speak to it, leave out --systemd-cgroup)`,
    );
  }
}

function isDirect({ socket }: Connection): boolean {
  return socket.endsWith(DIRECT);
}

/** Jobs' ends are told to who asks for it; without a bus in between, to everyone. */
function watchJobs(connection: Connection): void {
  if (isDirect(connection)) return;
  const rule = `type='signal',sender='${SERVICE}',path='${PATH}',interface='${MANAGER}',member='JobRemoved'`;
  callBus(connection, { member: "AddMatch", signature: "s", args: [rule] });
  callManager(connection, { member: "Subscribe" });
}

/** Calls a method that begins a job, and waits for the job's end. */
function runJob(
  connection: Connection,
  member: string,
  { signature, args }: { signature: string; args: readonly Value[] },
): void {
  const { values, sender } = callManager(connection, { member, signature, args });
  const [job] = values;
  for (;;) {
    const message = waitForSignal(connection, "JobRemoved", (signal) => signal.sender === sender);
    const [, which, unit, result] = bodyOf(message);
    if (which !== job) continue;
    if (result === "done") return;
    throw new RuntimeError(
      `${member}: systemd's job for ${unit} ended as "${result}" (hint: systemctl status ${unit} tells more)`,
    );
  }
}

function resetFailed(connection: Connection, name: string): void {
  try {
    callManager(connection, { member: "ResetFailedUnit", signature: "s", args: [name] });
  } catch (error) {
    if (!isMethodError(error, /\.NoSuchUnit$/)) throw error;
  }
}

/** Object path of a unit that systemd knows. */
function findUnit(connection: Connection, name: string): string | undefined {
  try {
    const { values } = callManager(connection, { member: "GetUnit", signature: "s", args: [name] });
    return `${values[0]}`;
  } catch (error) {
    if (!isMethodError(error, /\.NoSuchUnit$/)) throw error;
    return undefined;
  }
}

/** Limits are written by path: it had better be the unit's. */
function requirePlace(connection: Connection, name: string, path: string): void {
  const unit = findUnit(connection, name);
  if (unit === undefined) throw new RuntimeError(`${name} has ended as soon as it was started`);
  const kind = name.endsWith(".slice") ? "Slice" : "Scope";
  const place = getProperty(connection, {
    path: unit,
    interface: `${SERVICE}.${kind}`,
    name: "ControlGroup",
  });
  if (place === path) return;
  throw new RuntimeError(`systemd has put ${name} in the cgroup "${place}", and not in ${path}`);
}

function getProperty(
  connection: Connection,
  { path, interface: of, name }: { path: string; interface: string; name: string },
): Value {
  const { values } = ask(connection, {
    destination: SERVICE,
    path,
    interface: PROPERTIES,
    member: "Get",
    signature: "ss",
    args: [of, name],
  });
  const [variant] = values;
  return typeof variant === "object" && "value" in variant ? variant.value : "";
}

type Method = Pick<Call, "member" | "signature" | "args">;

function callManager(connection: Connection, method: Method): ReturnType<typeof call> {
  return ask(connection, { destination: SERVICE, path: PATH, interface: MANAGER, ...method });
}

function callBus(connection: Connection, method: Method): ReturnType<typeof call> {
  const bus = "org.freedesktop.DBus";
  return ask(connection, {
    destination: bus,
    path: "/org/freedesktop/DBus",
    interface: bus,
    ...method,
  });
}

function ask(connection: Connection, request: Call): ReturnType<typeof call> {
  try {
    return call(connection, request);
  } catch (error) {
    const hint = error instanceof MethodError ? hintFor(error.errorName) : undefined;
    if (hint === undefined || !(error instanceof MethodError)) throw error;
    throw new MethodError(error.member, error.errorName, `${error.text} (hint: ${hint})`);
  }
}

function hintFor(errorName: string): string | undefined {
  if (/\.(AccessDenied|InteractiveAuthorizationRequired)$/.test(errorName)) {
    return "polkit leaves the units of the machine to root: call as root, or in a user namespace of your own for the user's manager";
  }
  if (errorName.endsWith(".UnitExists")) {
    return "something else runs as this unit: another name in linux.cgroupsPath, or systemctl stop";
  }
  if (errorName.endsWith(".PropertyReadOnly")) {
    return "annotations org.systemd.property.* name properties that this kind of unit has";
  }
  if (/\.(ServiceUnknown|NameHasNoOwner|Spawn\.\w+)$/.test(errorName))
    return "there is no systemd on this bus";
  return undefined;
}

function isMethodError(error: unknown, name: RegExp): boolean {
  return error instanceof MethodError && name.test(error.errorName);
}
