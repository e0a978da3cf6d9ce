// NOTIFY_SOCKET (sd_notify(3)): a caller that has one wants to know when the program is ready. The
// program gets a socket of its own, which `start` listens on; see lifecycle/notify-socket.ts.

import type { Config } from "../config/types.gen.ts";
import type { HostFacts } from "../host/facts.ts";
import { mountTree, openTree } from "../ops/mount.ts";
import { makeNotifyFolder, NOTIFY_FOLDER, NOTIFY_SOCKET } from "../ops/notify-socket.ts";
import { warn } from "../ops/warn.ts";
import { type Step, step } from "../plan/step.ts";
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_SLAVE,
} from "../sys/mount.ts";
import type { Container, ProcessContainer } from "./container.ts";
import { hasNamespace } from "./namespaces.ts";
import { treeOpener } from "./tree-opener.ts";

/** Where the program finds the folder of its socket, as with runc. */
const TARGET = "/run/notify";

const TREE = "$notify";

export interface NotifySocketClause {
  /** By the host, before the folder's tree is opened. */
  make: readonly Step[];
  /** By the {@link treeOpener}. */
  open: readonly Step[];
  /** After the configuration's own mounts, which may bring a /run along. */
  mount: readonly Step[];
}

export function notifySocket(
  config: Config,
  facts: HostFacts,
  container: Container,
): NotifySocketClause {
  const none = { make: [], open: [], mount: [] };
  const { notifySocket: socket, directory } = container;
  if (socket === null || config.process === undefined) return none;
  const obstacle = obstacleTo(config, socket);
  if (obstacle !== undefined) {
    const text = `the container is not given NOTIFY_SOCKET: ${obstacle}`;
    return { ...none, make: [step("host", warn({ text }), "")] };
  }
  const path = `${directory}/${NOTIFY_FOLDER}`;
  const open = openTree({ path, otherwise: null, recursive: false, into: TREE });
  const set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const adjustments = [{ set, clear: 0, propagation: MS_SLAVE, recursive: false }];
  return {
    make: [step("host", makeNotifyFolder({ path }), "")],
    open: [step(treeOpener(facts), open, "")],
    mount: [step("init", mountTree({ tree: TREE, path, target: TARGET, adjustments }), "")],
  };
}

/** What the program's environment says of it, whatever the configuration says. */
export function notifyEnvironment(
  config: Config,
  { notifySocket: socket }: ProcessContainer,
): string[] {
  if (socket === null || config.process === undefined) return [];
  if (obstacleTo(config, socket) !== undefined) return [];
  return [`NOTIFY_SOCKET=${TARGET}/${NOTIFY_SOCKET}`];
}

function obstacleTo(config: Config, socket: string): string | undefined {
  if (!/^[/@]./.test(socket)) {
    return `"${socket}" is neither an absolute path nor @ and an abstract name`;
  }
  if (!hasNamespace(config, "mount")) return "it has no mount namespace of its own";
  return undefined;
}
