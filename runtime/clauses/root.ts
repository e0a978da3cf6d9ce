// root and linux.rootfsPropagation: the root filesystem, from its first mount to its last change.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { setAttributes } from "../ops/mount.ts";
import {
  bindRoot,
  bindRootAside,
  chrootHere,
  enterRoot,
  forgetCaller,
  leaveRoot,
  moveRoot,
  openRoot,
  pivotRoot,
  setPropagation,
  shieldRootParent,
} from "../ops/root.ts";
import { type Step, step } from "../plan/step.ts";
import {
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from "../sys/mount.ts";
import type { Container } from "./container.ts";
import { hasNamespace, hasNewNamespace } from "./namespaces.ts";

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
};

export interface RootClause {
  /** By the host around the clone: init is born in the root filesystem. */
  enter: readonly Step[];
  leave: readonly Step[];
  /** The host's folders are not init's to keep. */
  forget: readonly Step[];
  /** The root filesystem mounted on itself, out of reach of the host's propagation. */
  bind: readonly Step[];
  /** Read-only, once everything below it has been made. */
  close: readonly Step[];
  pivot: readonly Step[];
  problems: readonly Problem[];
}

/**
 * Whether mounts of the container may stay in the host's peer groups. In a user namespace of its own
 * they cannot: the kernel makes each a slave (mount_namespaces(7)).
 */
export function sharesMounts(config: Config): boolean {
  return /^r?shared$/.test(config.linux?.rootfsPropagation ?? "") && !hasNamespace(config, "user");
}

export function root(config: Config, container: Container): RootClause {
  const path = container.rootfs;
  const init = (op: Step["op"], because: string): Step => step("init", op, because);
  const enter = [step("host", enterRoot({ path }), "/root/path")];
  const leave = [step("host", leaveRoot({}), "")];
  const forget = [init(forgetCaller({}), "")];
  const propagation = config.linux?.rootfsPropagation;
  const pointer = propagation === undefined ? "" : "/linux/rootfsPropagation";
  const shared = sharesMounts(config);
  const before = shared
    ? [init(shieldRootParent({ path }), pointer)]
    : [init(setPropagation({ target: "/", flags: MS_SLAVE | MS_REC, text: "rslave" }), pointer)];
  // Slave is what every mount is made to keep away from the host, so only the others are left.
  const flags = PROPAGATION[propagation ?? "slave"] ?? 0;
  const after =
    (flags & MS_SLAVE) === 0
      ? [init(setPropagation({ target: "/", flags, text: `${propagation}` }), pointer)]
      : [];
  const close = config.root.readonly === true ? [init(closeRoot(), "/root/readonly")] : [];
  if (!hasNamespace(config, "mount")) {
    const bind = needsMounts(config)
      ? bindRootAside({ place: `${container.directory}/root` })
      : openRoot({});
    return {
      enter,
      leave,
      forget,
      bind: [init(bind, "/root/path")],
      close,
      pivot: [init(chrootHere({}), "/root/path"), ...after],
      problems: hasNamespace(config, "user") ? [needsMountNamespace()] : [],
    };
  }
  // A joined mount namespace has its own idea of where the path leads, and init is not born there.
  const place = hasNewNamespace(config, "mount") ? null : path;
  return {
    enter,
    leave,
    forget,
    bind: [
      ...before,
      init(bindRoot({ path: place, propagation: shared ? MS_PRIVATE : 0 }), "/root/path"),
    ],
    close,
    pivot: [init(container.pivot ? pivotRoot({}) : moveRoot({}), "/root/path"), ...after],
    problems: [],
  };
}

function closeRoot(): Step["op"] {
  const attributes = { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, recursive: false };
  return setAttributes({ target: "/", attributes, text: "ro" });
}

/** Whether a field cannot do without a mount. */
function needsMounts({ mounts = [], root, linux = {} }: Config): boolean {
  return (
    mounts.length > 0 ||
    root.readonly === true ||
    (linux.maskedPaths ?? []).length > 0 ||
    (linux.readonlyPaths ?? []).length > 0 ||
    linux.rootfsPropagation !== undefined
  );
}

/** In a user namespace devices are mounted, which it cannot do in its caller's mount namespace. */
function needsMountNamespace(): Problem {
  return {
    pointer: "/linux/namespaces",
    message: "found a user namespace without a mount namespace, in which nothing could be mounted",
    hint: 'add {"type": "mount"}',
    spec: "config-linux.md#namespaces",
  };
}
