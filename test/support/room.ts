// The room of one test process: a folder, a state root and a prefix that every container id of it
// bears, so that test files may run side by side and all that is left of one can be found.

import { mkdirSync, mkdtempSync, readdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Room {
  /** What ids, and so cgroups, of this test process begin with. */
  prefix: string;
  /** Everything that tests make is below this folder. */
  directory: string;
  /** The `--root` of the runtime. */
  root: string;
  /** The `--root` of the ordinary user. */
  userRoot: string;
  /** The root that shims are told; below it is a folder for each namespace of containerd. */
  shimRoot: string;
  /** An ordinary user, and group, of this room alone (ordinary-user.ts). */
  uid: number;
  /** The first of the 65,536 ids that are that user's besides. */
  firstSubordinate: number;
}

/** Rooms are named by the test's pid: that of a dead process can be swept. */
const roomName = /^runt-test-(\d+)-(\w+)$/;

/** This test process's room. */
export const room: Room = makeRoom();

/** Environment variable by which the runtime's own processes are known as this room's. */
export const roomVariable = `RUNT_TEST_ROOM=${room.directory}`;

let counter = 0;

/** A name that nobody else uses, for a container, a folder or a file of this room. */
export function freshName(): string {
  counter += 1;
  return `${room.prefix}-${counter}`;
}

/** A new, empty folder in the room. */
export function freshDirectory(): string {
  const directory = join(room.directory, freshName());
  mkdirSync(directory);
  return directory;
}

/** Rooms of test processes that were killed before they could clean up. */
export function abandonedRooms(): Room[] {
  return readdirSync(tmpdir()).flatMap((name) => {
    const [, pid, suffix] = roomName.exec(name) ?? [];
    if (pid === undefined || suffix === undefined || isAlive(Number(pid))) return [];
    return roomAt(join(realpathSync(tmpdir()), name), pid, suffix);
  });
}

function makeRoom(): Room {
  const base = join(realpathSync(tmpdir()), `runt-test-${process.pid}-`);
  const directory = mkdtempSync(base);
  return roomAt(directory, `${process.pid}`, directory.slice(base.length));
}

function roomAt(directory: string, pid: string, suffix: string): Room {
  return {
    prefix: `t${pid}${suffix}`,
    directory,
    root: join(directory, "root"),
    userRoot: join(directory, "user/run/runt"),
    shimRoot: join(directory, "shims"),
    uid: 2_000_000 + Number(pid),
    firstSubordinate: 1_000_000_000 + (Number(pid) % 16_384) * 65_536,
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
