// Old and new side by side: records that released programs have written (test/records), a record of a
// program to come, and one of before the machine was started again.
//
// WRITE_RECORDS=1 writes those of this release.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { VERSION as RELEASE } from "../../runtime/version.ts";
import type { Json, Patch } from "../support/bundle.ts";
import { type Container, type State, withContainer } from "../support/container.ts";
import { ordinaryUser, rootless, userRootfs } from "../support/ordinary-user.ts";
import { freshDirectory, room } from "../support/room.ts";
import { type Caller, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

type JsonRecord = { [key: string]: Json };

const FOLDER = join(import.meta.dir, "../records");
const sleeping: Patch = { process: { args: ["/bin/sleep", "1000"] } };
const hooks = { poststart: [{ path: "/bin/true" }], poststop: [{ path: "/bin/true" }] };

/** What containers the records are of. */
const KINDS: Record<string, { patch: Patch; as?: () => Caller }> = {
  plain: { patch: { ...sleeping, linux: { cgroupsPath: "/runt-record-plain" } } },
  hooked: {
    patch: {
      ...sleeping,
      hooks,
      annotations: { "org.example.note": "kept" },
      linux: { cgroupsPath: "/runt-record-hooked", resources: { pids: { limit: 20 } } },
    },
  },
  shared: {
    // In its caller's mount and pid namespaces.
    patch: {
      ...sleeping,
      hostname: undefined,
      mounts: [{ destination: "/tmp", type: "tmpfs", source: "tmpfs" }],
      linux: { namespaces: [{ type: "ipc" }], cgroupsPath: "/runt-record-shared" },
    },
  },
  rootless: { patch: { ...sleeping }, as: ordinaryUser },
};

function recordFile(id: string, caller?: Caller): string {
  const root = caller === undefined ? room.root : join(caller.env["XDG_RUNTIME_DIR"] ?? "", "runt");
  return join(root, id, "record.json");
}

async function withKind(kind: string, use: (container: Container) => Promise<void>): Promise<void> {
  const { patch, as } = KINDS[kind] ?? { patch: {} };
  const caller = as?.();
  const whole = caller ? rootless({ ...patch, root: { path: userRootfs() } }) : patch;
  await withContainer(whole, use, caller && { as: caller });
}

/** Every record that is kept: release, kind, text. */
function kept(): { release: string; kind: string; text: string }[] {
  return readdirSync(FOLDER).flatMap((release) =>
    readdirSync(join(FOLDER, release)).map((file) => ({
      release,
      kind: file.replace(/\.json$/, ""),
      text: readFileSync(join(FOLDER, release, file), "utf8"),
    })),
  );
}

test("the records of this release are kept", async () => {
  const folder = join(FOLDER, RELEASE);
  if (process.env["WRITE_RECORDS"] === "1") {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [kind, { as }] of Object.entries(KINDS)) {
      await withKind(kind, async ({ id, does }) => {
        await does("start");
        const record: Json = JSON.parse(readFileSync(recordFile(id, as?.()), "utf8"));
        writeFileSync(join(folder, `${kind}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
      });
    }
  }
  assert.ok(existsSync(folder), "WRITE_RECORDS=1 writes them");
  assert.equal(readdirSync(folder).length, Object.keys(KINDS).length);
});

test("a container of an older release, from before a reboot, is stopped and can be deleted", async () => {
  const root = freshDirectory();
  for (const { release, kind, text } of kept()) {
    const id = `${kind}-${release}`;
    mkdirSync(join(root, id));
    writeFileSync(join(root, id, "record.json"), text);
  }
  const listed = await runt(["list", "--format", "json"], { root });
  assert.is(listed.stderr, "");
  const states: State[] = JSON.parse(listed.stdout);
  assert.equal(states.map(({ id }) => id).toSorted(), readdirSync(root).toSorted());
  for (const { release, kind, text } of kept()) {
    const id = `${kind}-${release}`;
    const record = JSON.parse(text);
    const { stdout } = await runt(["state", id], { root });
    const { status, pid, bundle: folder, created, annotations } = JSON.parse(stdout);
    assert.equal([status, pid], ["stopped", 0], id);
    assert.equal(
      [folder, created, annotations],
      [record.bundle, record.created, record.annotations],
    );
    for (const [command, pattern] of [
      [["kill", id], /container not running/],
      [["start", id], /cannot start a container that has stopped/],
    ] as const) {
      const { code, stderr } = await runt(command, { root });
      assert.is(code, 1);
      assert.match(stderr, pattern);
    }
    const { code, stderr } = await runt(["delete", id], { root });
    assert.equal([code, stderr], [0, ""], id);
  }
  assert.equal(readdirSync(root), []);
});

test("a live container of an older release is shown, listed, entered, paused, killed and deleted", async () => {
  for (const { kind, text, release } of kept()) {
    const as = KINDS[kind]?.as?.();
    await withKind(kind, async ({ id, does, state, becomes }) => {
      await does("start");
      // Its record as that release has written it: what was added since is missing.
      const file = recordFile(id, as);
      const now: JsonRecord = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify(asOld(now, JSON.parse(text))));
      const { status, pid } = await state();
      assert.equal([status, pid > 0], ["running", true], `${kind} of ${release}`);
      const caller = as && { as };
      assert.match((await runt(["list", "--quiet"], caller)).stdout, id);
      assert.match((await runt(["ps", "--format", "json", id], caller)).stdout, `${pid}`);
      const entered = await runt(["exec", id, "sh", "-c", "exit 7"], caller);
      assert.is(entered.code, 7, entered.stderr);
      if (as === undefined) {
        await does("pause");
        await does("resume");
      }
      await does("kill", "KILL");
      await becomes("stopped");
      await does("delete");
    });
  }
});

/** A record of now with the fields alone that an old one has, at every level. */
function asOld(now: Json, old: Json): Json {
  if (!isObject(now) || !isObject(old)) return now;
  const names = Object.keys(now).filter((name) => name in old);
  return Object.fromEntries(
    names.map((name) => [name, asOld(now[name] ?? null, old[name] ?? null)]),
  );
}

function isObject(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

test("a record of a newer release is refused by all commands, naming both releases", async () => {
  await withContainer(sleeping, async ({ id, does, state }) => {
    await does("start");
    const { pid } = await state();
    const file = recordFile(id);
    const record: JsonRecord = JSON.parse(readFileSync(file, "utf8"));
    const cgroups = record["cgroups"];
    const journal = record["journal"];
    if (!Array.isArray(journal) || !Array.isArray(cgroups)) throw new Error("no such fields");
    const newer = { op: "from.the-future", args: "{}" };
    writeFileSync(
      file,
      JSON.stringify({
        ...record,
        version: 99,
        release: "9.9.9",
        journal: [newer, ...journal, 7],
        ownPidNamespace: { yes: true },
        hooks: "elsewhere",
      }),
    );
    const commands = ["state", "start", "kill", "pause", "resume", "ps", "delete", "stats"];
    const pattern = new RegExp(
      `record of container .*${id}.* is of runt 9\\.9\\.9 and has format 99, this is runt ${RELEASE} and knows format \\d+ \\(hint: .*delete --force`,
    );
    const inside = await runt(["exec", id, "true"]);
    assert.equal([inside.code, pattern.test(inside.stderr)], [255, true], inside.stderr);
    for (const command of [...commands.map((one) => [one, id]), ["events", "--stats", id]]) {
      const { code, stderr } = await runt(command);
      assert.is(code, 1, command.join(" "));
      assert.match(stderr, pattern);
    }
    const listed = await runt(["list", "--quiet"]);
    assert.equal([listed.code, listed.stdout], [0, ""]);
    assert.match(listed.stderr, pattern);

    const { code, stderr } = await runt(["delete", "--force", id]);
    assert.is(code, 0, stderr);
    assert.match(stderr, pattern);
    assert.match(stderr, /undo from\.the-future: this release does not know it/);
    await waitUntil("the end of init", () => !existsSync(`/proc/${pid}`));
    for (const directory of cgroups) assert.not.ok(existsSync(`${directory}`), `${directory}`);
    assert.is((await runt(["state", id])).code, 1);
  });
});

test("a record that is not even an object is damaged, and can be deleted by force", async () => {
  for (const text of ["", "7", "null", "[]", '{"version":"1"}', '{"version":0}', '{"version":']) {
    const root = freshDirectory();
    mkdirSync(join(root, "x"));
    writeFileSync(join(root, "x/record.json"), text);
    const { code, stderr } = await runt(["state", "x"], { root });
    assert.is(code, 1);
    assert.match(stderr, /the record of container \\"x\\" is damaged \(hint: delete --force/, text);
    assert.is((await runt(["delete", "x"], { root })).code, 1);
    assert.is((await runt(["delete", "--force", "x"], { root })).code, 0);
    assert.equal(readdirSync(root), []);
  }
});

test("a process of the same pid and start time, of another boot, is somebody else's", async () => {
  await withContainer(sleeping, async ({ id, does, state }) => {
    await does("start");
    const file = recordFile(id);
    const text = readFileSync(file, "utf8");
    const { boot } = JSON.parse(text).init;
    const root = freshDirectory();
    mkdirSync(join(root, "x"));
    writeFileSync(join(root, "x/record.json"), text.replaceAll(boot, crypto.randomUUID()));
    const { stdout } = await runt(["state", "x"], { root });
    const { status, pid } = JSON.parse(stdout);
    assert.equal([status, pid], ["stopped", 0]);
    assert.match((await runt(["kill", "x", "KILL"], { root })).stderr, "container not running");
    assert.is((await state()).status, "running");
  });
});

runTests();
