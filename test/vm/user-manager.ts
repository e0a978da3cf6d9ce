// The ordinary user of a room, with a service manager of its own, as one who has logged in.

import { readFileSync, writeFileSync } from "node:fs";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { room } from "../support/room.ts";
import type { Caller } from "../support/runt.ts";

/** The cgroup of the user's manager, below which everything is the user's. */
export const managed = `/user.slice/user-${room.uid}.slice/user@${room.uid}.service`;

/** Starts the user's service manager, lets a test use it, and stops it. */
export async function withUserManager(use: () => Promise<void>): Promise<void> {
  const accounts = ["/etc/passwd", "/etc/group"].map((path) => ({
    path,
    text: readFileSync(path, "utf8"),
  }));
  const [passwd, group] = [`tester:*:${room.uid}:${room.uid}::/:/bin/sh`, `tester:*:${room.uid}:`];
  for (const [index, line] of [passwd, group].entries()) {
    const { path, text } = accounts[index] ?? { path: "", text: "" };
    writeFileSync(path, `${text}${line}\n`);
  }
  try {
    systemctl("start");
    await use();
  } finally {
    systemctl("stop");
    for (const { path, text } of accounts) writeFileSync(path, text);
  }
}

/** The user, in a scope of the manager's that is delegated, in a cgroup below the scope's. */
export function inScope(unit: string): Caller {
  const user = ordinaryUser();
  const { XDG_RUNTIME_DIR: directory } = user.env;
  const script = `
    own=/sys/fs/cgroup$(sed 's/^0:://' /proc/self/cgroup)
    mkdir "$own/caller" && echo 0 > "$own/caller/cgroup.procs" || exit
    export XDG_RUNTIME_DIR=${directory}
    exec "$@"`;
  const run = ["systemd-run", "--user", "--quiet", "--scope", `--unit=${unit}`];
  return {
    ...user,
    env: { ...user.env, XDG_RUNTIME_DIR: `/run/user/${room.uid}` },
    through: [...user.through, ...run, "--property=Delegate=yes", "sh", "-c", script, "sh"],
  };
}

function systemctl(verb: string): void {
  const command = ["systemctl", verb, `user@${room.uid}.service`];
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode === 0) return;
  const journal = Bun.spawnSync(["journalctl", "--no-pager", "--lines=20"]).stdout;
  throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr}${journal}`);
}
