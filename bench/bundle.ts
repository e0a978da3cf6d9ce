// The bundles that the benchmark runs: busybox, and the configuration that `runc spec` prints.

import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface BundleOptions {
  args: readonly string[];
  /** Types of the namespaces to create. */
  namespaces: readonly string[];
  cgroupsPath?: string;
  /** linux.seccomp */
  seccomp?: object;
}

/** The namespaces of `runc spec` on cgroup v1. */
export const defaultNamespaces = ["pid", "network", "ipc", "uts", "mount"];

/**
 * Writes a bundle with busybox as its root filesystem.
 *
 * @param folder where to; it is created
 * @returns the folder
 * @throws Error where the host has no busybox
 */
export function writeBundle(folder: string, options: BundleOptions): string {
  const busybox = Bun.which("busybox");
  if (busybox === null) throw new Error("busybox is not installed (hint: busybox-static)");
  const rootfs = join(folder, "rootfs");
  for (const name of ["bin", "dev", "proc", "sys"]) {
    mkdirSync(join(rootfs, name), { recursive: true });
  }
  copyFileSync(busybox, join(rootfs, "bin/busybox"));
  for (const name of ["true", "sleep"]) symlinkSync("busybox", join(rootfs, "bin", name));
  writeFileSync(join(folder, "config.json"), JSON.stringify(config(options)));
  return folder;
}

/** As `runc spec`, without a terminal, and of a version that old peers accept. */
function config({ args, namespaces, cgroupsPath, seccomp }: BundleOptions): object {
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  const pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
  const strict = ["nosuid", "noexec", "nodev"];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "bench",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
      mount("/dev/pts", "devpts", "devpts", pts),
      mount("/dev/shm", "tmpfs", "shm", [...strict, "mode=1777", "size=65536k"]),
      mount("/dev/mqueue", "mqueue", "mqueue", strict),
      mount("/sys", "sysfs", "sysfs", [...strict, "ro"]),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", [...strict, "relatime", "ro"]),
    ],
    linux: {
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      ...(seccomp === undefined ? {} : { seccomp }),
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths: [
        "/proc/acpi",
        "/proc/asound",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/sys/firmware",
        "/proc/scsi",
      ],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}

function mount(destination: string, type: string, source: string, options: string[]): object {
  return { destination, type, source, options };
}
