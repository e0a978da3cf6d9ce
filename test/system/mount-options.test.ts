// Every mount option of the specification's table, and its negation, as the container sees it.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { defaultMounts, type Json } from "../support/bundle.ts";
import { inside, run } from "../support/container.ts";
import { type MountLine, mountAt } from "../support/mountinfo.ts";
import { freshDirectory } from "../support/room.ts";
import { shows } from "../support/shows.ts";
import { foreignRuntime, runTests, test } from "../support/suite.ts";

const mountinfo = "cat /proc/self/mountinfo";

/** Mounts one thing for each list of options, all in one container. */
async function mounted(
  lists: readonly string[][],
  mount: { type: string; source: string; first?: string[] },
): Promise<MountLine[]> {
  const added = lists.map(
    (options, index): Json => ({
      destination: `/tmp/m/${index}`,
      type: mount.type,
      source: mount.source,
      options: [...(mount.first ?? []), ...options],
    }),
  );
  const scratch: Json = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
  const text = await inside(mountinfo, { mounts: [...defaultMounts, scratch, ...added] });
  return lists.map((_, index) => mountAt(text, `/tmp/m/${index}`));
}

/** Options of one mount, and the words that its mountinfo line has or has not. */
type Row = [options: string[], has: string[], hasNot: string[]];

const flagRows: Row[] = [
  [[], ["rw", "relatime"], ["ro", "nosuid", "nodev", "noexec"]],
  [["defaults"], ["rw", "relatime"], ["nosuid", "nodev", "noexec"]],
  [["ro"], ["ro"], ["rw"]],
  [["ro", "rw"], ["rw"], ["ro"]],
  [["rw", "ro"], ["ro"], ["rw"]],
  [["nosuid"], ["nosuid"], []],
  [["nosuid", "suid"], [], ["nosuid"]],
  [["nodev"], ["nodev"], []],
  [["nodev", "dev"], [], ["nodev"]],
  [["noexec"], ["noexec"], []],
  [["noexec", "exec"], [], ["noexec"]],
  [["noatime"], ["noatime"], ["relatime"]],
  [["noatime", "atime"], ["relatime"], ["noatime"]],
  [["nodiratime"], ["nodiratime"], []],
  [["nodiratime", "diratime"], [], ["nodiratime"]],
  [["relatime"], ["relatime"], []],
  [["strictatime"], [], ["relatime", "noatime"]],
  [["strictatime", "nostrictatime"], ["relatime"], ["noatime"]],
  [["noatime", "strictatime"], [], ["relatime", "noatime"]],
  [["nosymfollow"], ["nosymfollow"], []],
  [["nosymfollow", "symfollow"], [], ["nosymfollow"]],
  [
    ["nosuid", "nodev", "noexec", "ro", "noatime"],
    ["nosuid", "nodev", "noexec", "ro", "noatime"],
    [],
  ],
];

test("flags of one mount are set and cleared, the last word wins", async () => {
  const lines = await mounted(
    flagRows.map(([options]) => options),
    {
      type: "tmpfs",
      source: "tmpfs",
    },
  );
  for (const [index, line] of lines.entries()) compare(flagRows[index], line.options);
  shows("mount-options.mount-8");
});

test("a bind mount takes the same flags", async () => {
  const source = freshDirectory();
  const rows = flagRows.filter(([options]) => !options.includes("defaults"));
  const bind = { type: "bind", source, first: ["bind"] };
  const lines = await mounted(
    rows.map(([options]) => options),
    bind,
  );
  for (const [index, line] of lines.entries()) compare(rows[index], line.options);
});

test("flags of the filesystem are passed to it", async () => {
  const rows: Row[] = [
    [["sync"], ["sync"], []],
    [["sync", "async"], [], ["sync"]],
    [["dirsync"], ["dirsync"], []],
    [["lazytime"], ["lazytime"], []],
    [["lazytime", "nolazytime"], [], ["lazytime"]],
  ];
  const lines = await mounted(
    rows.map(([options]) => options),
    { type: "tmpfs", source: "x" },
  );
  for (const [index, line] of lines.entries()) compare(rows[index], line.superOptions);
  shows("mount-options.mount-8");
});

test("options that leave no trace are accepted", async () => {
  await mounted([["silent"], ["loud"], ["mand"], ["nomand"], ["iversion"], ["noiversion"]], {
    type: "tmpfs",
    source: "tmpfs",
  });
});

test("other options are the filesystem's own data", async () => {
  const [line] = await mounted([["size=64k", "mode=700", "nr_inodes=50"]], {
    type: "tmpfs",
    source: "name-of-mine",
  });
  assert.is(line?.source, "name-of-mine");
  for (const word of ["size=64k", "mode=700", "nr_inodes=50"]) {
    assert.ok(line?.superOptions.includes(word), `${word} in ${line?.superOptions}`);
  }
  shows("mount-options.data");
});

test("data that the filesystem does not know is an error that names the mount", async () => {
  const mount = { destination: "/tmp/m", type: "tmpfs", source: "t", options: ["nonsense=1"] };
  const { code, stderr } = await run({ mounts: [...defaultMounts, mount] });
  assert.is(code, 1);
  assert.match(stderr, /invalid argument/i);
  if (!foreignRuntime) assert.match(stderr, /\/mounts\/5/);
});

test("propagation options are the container's own", async () => {
  const source = freshDirectory();
  const rows: [string, RegExp][] = [
    ["shared", /^shared:/],
    ["rshared", /^shared:/],
    ["private", /^$/],
    ["rprivate", /^$/],
    ["unbindable", /^unbindable$/],
    ["runbindable", /^unbindable$/],
  ];
  const bind = { type: "bind", source, first: ["rbind"] };
  const lines = await mounted(
    rows.map(([option]) => [option]),
    bind,
  );
  for (const [index, [option, pattern]] of rows.entries()) {
    assert.match(lines[index]?.propagation.join(" ") ?? "", pattern, option);
  }
});

/** A mount below a mount, on the host, for the recursive options. */
async function withTree(use: (source: string) => Promise<void>): Promise<void> {
  const source = freshDirectory();
  hostMount("-t", "tmpfs", "top", source);
  try {
    mkdirSync(join(source, "below"));
    hostMount("-t", "tmpfs", "below", join(source, "below"));
    await use(source);
  } finally {
    Bun.spawnSync(["umount", "--lazy", "--recursive", source]);
  }
}

function hostMount(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["mount", ...words]);
  if (exitCode !== 0) throw new Error(`mount ${words.join(" ")}: ${stderr}`);
}

test("rbind carries the mounts below, bind does not", async () => {
  await withTree(async (source) => {
    const mount = (kind: string): Json => ({
      destination: `/tmp/${kind}`,
      source,
      options: [kind],
    });
    const scratch: Json = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
    const mounts = [...defaultMounts, scratch, mount("bind"), mount("rbind")];
    const text = await inside(mountinfo, { mounts });
    assert.is(mountAt(text, "/tmp/rbind/below").source, "below");
    assert.throws(() => mountAt(text, "/tmp/bind/below"));
  });
});

test("recursive options reach the mounts below, plain ones do not", async () => {
  const rows: [plain: string, recursive: string, negation: string][] = [
    ["ro", "rro", "rrw"],
    ["nosuid", "rnosuid", "rsuid"],
    ["nodev", "rnodev", "rdev"],
    ["noexec", "rnoexec", "rexec"],
    ["noatime", "rnoatime", "rrelatime"],
    ["nodiratime", "rnodiratime", "rdiratime"],
    ["nosymfollow", "rnosymfollow", "rsymfollow"],
  ];
  await withTree(async (source) => {
    const bind = { type: "bind", source, first: ["rbind"] };
    const lists = rows.flatMap(([plain, recursive, negation]) => [
      [plain],
      [recursive],
      [recursive, negation],
    ]);
    const scratch: Json = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
    const added = lists.map(
      (options, index): Json => ({
        destination: `/tmp/m/${index}`,
        type: bind.type,
        source,
        options: [...bind.first, ...options],
      }),
    );
    const text = await inside(mountinfo, { mounts: [...defaultMounts, scratch, ...added] });
    for (const [index, [plain, recursive, negation]] of rows.entries()) {
      const at = (offset: number): MountLine[] => {
        const target = `/tmp/m/${index * 3 + offset}`;
        return [mountAt(text, target), mountAt(text, `${target}/below`)];
      };
      const has = (offset: number): (boolean | undefined)[] =>
        at(offset).map((line) => line.options.includes(plain));
      assert.equal(has(0), [true, false], plain);
      assert.equal(has(1), [true, true], recursive);
      assert.equal(has(2), [false, false], negation);
    }
  });
});

test("recursive modes of access time replace each other in the whole tree", async () => {
  const rows: [options: string[], has: string, hasNot: string][] = [
    [["rnoatime"], "noatime", "relatime"],
    [["rnoatime", "ratime"], "relatime", "noatime"],
    [["rnoatime", "rnorelatime"], "relatime", "noatime"],
    [["rstrictatime"], "rw", "relatime"],
    [["rstrictatime", "rnostrictatime"], "relatime", "noatime"],
    [["rstrictatime", "rnoatime"], "noatime", "relatime"],
  ];
  await withTree(async (source) => {
    const lines = rows.map(
      ([options], index): Json => ({
        destination: `/tmp/m/${index}`,
        source,
        options: ["rbind", ...options],
      }),
    );
    const scratch: Json = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
    const text = await inside(mountinfo, { mounts: [...defaultMounts, scratch, ...lines] });
    for (const [index, [options, has, hasNot]] of rows.entries()) {
      for (const target of [`/tmp/m/${index}`, `/tmp/m/${index}/below`]) {
        compare([options, [has], [hasNot]], mountAt(text, target).options);
      }
    }
  });
});

test("recursive options are for filesystems too, and /dev is filled before it is read-only", async () => {
  const [proc = null, , ...others] = defaultMounts;
  const dev = { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["rro", "rnosuid"] };
  const tmp = { destination: "/tmp", type: "tmpfs", source: "t", options: ["rro", "rnoexec"] };
  const text = await inside(`${mountinfo}; cat /dev/null`, { mounts: [proc, dev, ...others, tmp] });
  for (const word of ["ro", "nosuid"]) assert.ok(mountAt(text, "/dev").options.includes(word));
  for (const word of ["ro", "noexec"]) assert.ok(mountAt(text, "/tmp").options.includes(word));
});

test("a remount sets every option that it names, of the mount and of its filesystem", async () => {
  const tmpfs: Json = { destination: "/tmp", type: "tmpfs", source: "tmpfs" };
  const options = ["remount", "noatime", "nosymfollow", "nodev", "size=64k", "rnosuid"];
  const bound = { destination: "/dev/shm", options: ["remount", "bind", "ro", "noexec"] };
  const again: Json[] = [{ destination: "/tmp", type: "tmpfs", options }, bound];
  const text = await inside(mountinfo, { mounts: [...defaultMounts, tmpfs, ...again] });
  for (const word of ["noatime", "nosymfollow", "nodev", "nosuid"]) {
    assert.ok(mountAt(text, "/tmp").options.includes(word), `${word}: ${text}`);
  }
  assert.match(text, / \/tmp .*size=64k/);
  for (const word of ["ro", "noexec"]) {
    assert.ok(mountAt(text, "/dev/shm").options.includes(word), `${word}: ${text}`);
  }
});

function compare(row: Row | undefined, words: readonly string[]): void {
  const [options = [], has = [], hasNot = []] = row ?? [];
  for (const word of has) assert.ok(words.includes(word), `${options}: no ${word} in ${words}`);
  for (const word of hasNot) assert.not(words.includes(word), `${options}: ${word} in ${words}`);
}

runTests();
