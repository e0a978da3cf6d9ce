// An ordinary user of the room's own: a numeric id without an entry anywhere, with a copy of the
// program, a folder and a state root that belong to it.

import {
  chmodSync,
  chownSync,
  cpSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { defaultMounts, type Json, type Patch } from "./bundle.ts";
import { freshName, room } from "./room.ts";
import { newRootfs } from "./rootfs.ts";
import { type Caller, runtime } from "./runt.ts";

const home = join(room.directory, "user");
const setpriv = [
  "/usr/bin/setpriv",
  `--reuid=${room.uid}`,
  `--regid=${room.uid}`,
  "--clear-groups",
  "--inh-caps=-all",
];
let known: Caller | undefined;

/** The user, who knows no other state root than $XDG_RUNTIME_DIR/runt. */
export function ordinaryUser(): Caller {
  if (known === undefined) {
    chmodSync(room.directory, 0o711);
    for (const folder of [home, join(home, "run")]) {
      mkdirSync(folder, { mode: 0o700 });
      chownSync(folder, room.uid, room.uid);
    }
    const env = { XDG_RUNTIME_DIR: join(home, "run"), HOME: home };
    known = { through: setpriv, runtime: ownProgram(), env };
  }
  return known;
}

/**
 * The same user with a range of ids besides. newuidmap(1) looks for a name and for the ranges in
 * files, which are put over the host's where the user alone can see it.
 */
export function userWithRange(): Caller {
  const user = ordinaryUser();
  const files: [string, string][] = [
    [
      "passwd",
      `${readFileSync("/etc/passwd", "utf8")}tester:x:${room.uid}:${room.uid}::/:/bin/sh\n`,
    ],
    ["subuid", `tester:${room.firstSubordinate}:65536\n`],
    ["subgid", `${room.uid}:${room.firstSubordinate}:65536\n`],
  ];
  const binds = files.map(([name, text]) => {
    const path = join(room.directory, freshName());
    writeFileSync(path, text);
    return `mount --bind ${path} /etc/${name}`;
  });
  const script = `${binds.join(" && ")} && exec "$@"`;
  return {
    ...user,
    through: ["unshare", "--mount", "sh", "-c", script, "sh", ...user.through],
  };
}

/** Makes a folder, and all in it but what is shared, the user's. */
export function giveToUser(folder: string): string {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveToUser(path);
    else if (!entry.isFile()) lchownSync(path, room.uid, room.uid);
  }
  chownSync(folder, room.uid, room.uid);
  return folder;
}

/** A new root filesystem of the user's. */
export function userRootfs(): string {
  return giveToUser(newRootfs());
}

/** Maps the user alone to root: what `spec --rootless` writes. */
export const selfMap: Json[] = [{ containerID: 0, hostID: room.uid, size: 1 }];

/** Maps the user to root, and 65,535 other ids above. */
export const rangeMap: Json[] = [
  { containerID: 0, hostID: room.uid, size: 1 },
  { containerID: 1, hostID: room.firstSubordinate, size: 65_535 },
];

/** A patch of the default configuration that the user may have; fields of linux are merged. */
export function rootless(patch: Patch = {}): Patch {
  const linux = patch["linux"];
  const more = typeof linux === "object" && linux !== null && !Array.isArray(linux) ? linux : {};
  return {
    mounts: rootlessMounts,
    ...patch,
    linux: {
      uidMappings: selfMap,
      gidMappings: selfMap,
      namespaces: rootlessNamespaces,
      resources: undefined,
      ...more,
    },
  };
}

export const rootlessNamespaces: Json[] = [
  { type: "user" },
  { type: "pid" },
  { type: "ipc" },
  { type: "uts" },
  { type: "mount" },
];

/** Without a network namespace there is no sysfs; without a second group no gid=5. */
export const rootlessMounts: Json[] = [
  ...defaultMounts.filter((mount) => !isOn(["/sys", "/dev/pts"], mount)),
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
  },
  { destination: "/sys", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] },
];

function isOn(places: readonly string[], mount: Json): boolean {
  return places.some((place) => JSON.stringify(mount).includes(`"destination":"${place}"`));
}

/** The program below test may be where only root gets at it, and is not the user's to write. */
function ownProgram(): string {
  const launcher = copyProgram(home);
  if (launcher === runtime) return launcher;
  const folder = join(home, "libexec");
  for (const name of readdirSync(folder)) chownSync(join(folder, name), room.uid, room.uid);
  chownSync(folder, room.uid, room.uid);
  return launcher;
}

/** A copy in a folder, as `make install` makes it; the launcher's path. */
export function copyProgram(directory: string): string {
  const [, libexec] = /^dir=(.*)$/m.exec(readFileSync(runtime, "latin1")) ?? [];
  if (libexec === undefined) return runtime;
  const folder = join(directory, "libexec");
  cpSync(libexec, folder, { recursive: true });
  const launcher = join(directory, "runt");
  const text = readFileSync(runtime, "utf8").replace(`dir=${libexec}`, `dir=${folder}`);
  writeFileSync(launcher, text, { mode: 0o755 });
  return launcher;
}
