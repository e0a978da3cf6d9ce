// What a plan is made for, beside config.json and the host: one container of one caller.

import type { SystemdManager } from "../cgroup/systemd/unit.ts";
import type { FilterText } from "../ops/exec.ts";

/** The container to be created. Everything that clauses need and must not look up themselves. */
export interface Container {
  id: string;
  /** Absolute path of the bundle. */
  bundle: string;
  /** Absolute path of the root filesystem, without symbolic links. */
  rootfs: string;
  /** Absolute path of the container's own folder below the state root. */
  directory: string;
  /** Whether cgroups that nobody has asked for may be done without (--rootless). */
  rootless: boolean;
  /** The manager of its unit (--systemd-cgroup); null: its cgroups are made directly. */
  systemd: SystemdManager | null;
  /** Levels of its cgroup directories that do not exist yet, outermost first. */
  missingCgroups: readonly string[];
  /** Directories of its class and monitoring group in resctrl that do not exist yet. */
  missingClasses: readonly string[];
  /** Namespaces of the configuration that are joined by path and are the caller's own after all. */
  callerNamespaces: readonly string[];
  /** Where the master of its terminal goes: to a socket, or to the foreground `run`. */
  console: { kind: "socket"; path: string } | { kind: "foreground" } | { kind: "none" };
  /** Descriptors from 3 up that the program inherits, the sockets of `listenFds` among them. */
  preserveFds: number;
  /** The first of these are sockets of a service manager (sd_listen_fds(3)). */
  listenFds: number;
  /** What they are called, if the service manager says so (LISTEN_FDNAMES). */
  listenFdNames: string | null;
  /** Where the caller wants to hear that the program is ready (sd_notify(3)). */
  notifySocket: string | null;
  sessionKeyring: boolean;
  /** pivot_root(2), or what a ramdisk allows instead. */
  pivot: boolean;
  /** newuidmap(1) and newgidmap(1) where the caller finds them; looked for when they are needed. */
  idMappers: { newuidmap: string | null; newgidmap: string | null };
  /** The caller's environment, for hooks that name none. */
  environment: readonly string[];
  /** The caller's limit of open files, which the engine has raised for itself. */
  openFiles: { soft: string; hard: string } | null;
}

/** What the clauses of `process` need of it, for `create` and `exec` alike. */
export type ProcessContainer = Pick<
  Container,
  | "id"
  | "bundle"
  | "console"
  | "preserveFds"
  | "listenFds"
  | "listenFdNames"
  | "notifySocket"
  | "sessionKeyring"
  | "openFiles"
> & {
  /** Whether the process comes to a container that is there, and is cloned into it last of all. */
  joins?: true;
  /** The filter that linux.seccomp asks for, where it has been compiled before. */
  filter?: FilterText;
};

/** JSON pointer (RFC 6901) below another. */
export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
