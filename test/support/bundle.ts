// Bundles: a default configuration, changed by a patch, in a folder of its own.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshDirectory } from "./room.ts";
import { sharedRootfs } from "./rootfs.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

/** Merged into the default: objects by key, all else replaced; `undefined` removes a key. */
export type Patch = { [key: string]: Json | undefined };

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

/** Mounts that a container has unless a test says otherwise. */
export const defaultMounts: Json[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", "ro"],
  },
];

/** Namespaces that a container has unless a test says otherwise. */
export const defaultNamespaces: Json[] = [
  { type: "pid" },
  { type: "network" },
  { type: "ipc" },
  { type: "uts" },
  { type: "mount" },
];

/** The `linux` of a container in a user namespace of its own. */
export const inUserNamespace: Patch = {
  namespaces: [...defaultNamespaces, { type: "user" }],
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
};

/** A bundle of the default configuration with a patch. Returns its folder. */
export function bundle(patch: Patch = {}): string {
  return rawBundle(JSON.stringify(config(patch), undefined, 2));
}

/** A bundle with the given text as config.json. Returns its folder. */
export function rawBundle(text: string): string {
  const directory = freshDirectory();
  writeFileSync(join(directory, "config.json"), text);
  return directory;
}

/** The default configuration with a patch. */
export function config(patch: Patch = {}): Patch {
  return merge(
    {
      ociVersion: "1.0.2",
      root: { path: sharedRootfs() },
      process: {
        user: { uid: 0, gid: 0 },
        args: ["/bin/true"],
        env: ["PATH=/bin"],
        cwd: "/",
        capabilities: {
          bounding: capabilities,
          effective: capabilities,
          permitted: capabilities,
        },
        noNewPrivileges: true,
      },
      hostname: "runt-test",
      mounts: defaultMounts,
      linux: {
        namespaces: defaultNamespaces,
        resources: { devices: [{ allow: false, access: "rwm" }] },
      },
    },
    patch,
  );
}

/** The part of a configuration that runs a shell script. */
export function script(text: string): { args: Json[] } {
  return { args: ["/bin/sh", "-c", text] };
}

function merge(base: Patch, patch: Patch): Patch {
  const merged: Patch = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    const old = merged[key];
    if (value === undefined) delete merged[key];
    else merged[key] = isObject(old) && isObject(value) ? merge(old, value) : value;
  }
  return merged;
}

function isObject(value: Json | undefined): value is Patch {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
