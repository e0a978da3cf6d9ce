// What a room has on the host: processes, cgroups, mounts, network namespaces and state. `leaks`
// names it, `cleanUp` removes it.

import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { patience } from "./patience.ts";
import { isRunning, readProc, statusFields } from "./process.ts";
import { abandonedRooms, type Room, room } from "./room.ts";
import { runt } from "./runt.ts";
import { waitUntil } from "./wait.ts";

/** Namespaces and cgroups of a killed process go some moments after it. */
const patienceMs = 3000 * patience;

/** Everything of the room that is still on the host, one line each; waits a little for none. */
export async function leaks(): Promise<string[]> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const left = leftOf(room);
    if (left.length === 0 || performance.now() > endMs) return left;
    await Bun.sleep(20);
  }
}

/**
 * Removes empty cgroups of this room whose path has a text in it: levels above a container's own
 * that were there when it was made are not the container's to remove.
 */
export function removeEmptyCgroups(text: string): void {
  for (const directory of cgroups(room).reverse()) {
    if (directory.includes(text)) removeCgroup(directory);
  }
}

/** Removes whatever this room, and rooms of dead test processes, have on the host. */
export async function cleanUp(): Promise<void> {
  for (const abandoned of abandonedRooms()) await cleanUpRoom(abandoned);
  await cleanUpRoom(room);
}

async function cleanUpRoom(one: Room): Promise<void> {
  for (const root of roots(one)) {
    for (const id of containers(root)) await runt(["delete", "--force", id], { root });
  }
  await waitUntil("end of the room's processes", () => {
    const left = processes(one);
    for (const pid of left) killProcess(pid);
    return left.length === 0;
  });
  for (const name of networks(one)) Bun.spawnSync(["ip", "netns", "delete", name]);
  for (const target of mounts(one).reverse()) Bun.spawnSync(["umount", "--lazy", target]);
  await waitUntil("removal of the room's cgroups", () => {
    const left = cgroups(one).reverse();
    for (const directory of left) removeCgroup(directory);
    return left.length === 0;
  });
  rmSync(one.directory, { recursive: true, force: true });
}

function leftOf(one: Room): string[] {
  return [
    ...roots(one).flatMap((root) => containers(root).map((id) => `state of container ${id}`)),
    ...processes(one).map((pid) => `process ${pid} ${readProc(pid, "cmdline").slice(0, 120)}`),
    ...mounts(one).map((target) => `mount ${target}`),
    ...networks(one).map((name) => `network namespace ${name}`),
    ...cgroups(one).map((directory) => `cgroup ${directory}`),
  ];
}

function roots({ root, userRoot, shimRoot }: Room): string[] {
  return [root, userRoot, join(shimRoot, "default")];
}

function containers(root: string): string[] {
  return existsSync(root) ? readdirSync(root).filter((name) => !name.startsWith(".")) : [];
}

/** Processes in a cgroup of the room, started by it, or running something that lies in it. */
export function processes(one: Room): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isOf(one, pid));
}

function isOf(one: Room, pid: number): boolean {
  return (
    isRunning(pid) &&
    (readProc(pid, "cgroup").includes(one.prefix) ||
      readProc(pid, "environ").includes(`RUNT_TEST_ROOM=${one.directory}`) ||
      readProc(pid, "cmdline").includes(one.directory) ||
      isOfUser(one, statusFields(readProc(pid, "status"))["Uid"]))
  );
}

/** Network namespaces that tests of the room have made (ip-netns(8)). */
function networks(one: Room): string[] {
  const folder = "/run/netns";
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.startsWith(one.prefix));
}

/** Whether the first of the ids of a process is the room's ordinary user, or one of its others. */
function isOfUser({ uid, firstSubordinate }: Room, ids = ""): boolean {
  const real = Number.parseInt(ids, 10);
  return real === uid || (real >= firstSubordinate && real < firstSubordinate + 65_536);
}

/** Mount points in the room, in the order of their mounting. */
function mounts(one: Room): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  return lines.flatMap((line) => {
    const target = line.split(" ")[4] ?? "";
    return target.startsWith(`${one.directory}/`) ? [target] : [];
  });
}

/** Cgroups that bear the room's prefix, parents before children, in every hierarchy. */
export function cgroups(one: Room): string[] {
  const below = (directory: string): string[] =>
    subfolders(directory).flatMap((name) => {
      const path = join(directory, name);
      return [...(path.includes(one.prefix) ? [path] : []), ...below(path)];
    });
  return below("/sys/fs/cgroup");
}

function subfolders(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (existsSync(directory)) throw error;
    return [];
  }
}

function removeCgroup(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    // EBUSY, until the kernel has let go of the processes: the caller asks again.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (existsSync(`/proc/${pid}`)) throw error;
  }
}
