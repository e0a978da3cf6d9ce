// The ops on a tree of plain files that looks like resctrl. What the kernel does by itself, the
// files of a new directory and their end, is done here.

import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { intelRdt } from "../../../runtime/clauses/intel-rdt.ts";
import type { IntelRdt } from "../../../runtime/config/types.gen.ts";
import type { Op, OpContext } from "../../../runtime/ops/op.ts";
import { opFromJournal } from "../../../runtime/ops/undoable.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";
import { opContext } from "../../support/op-context.ts";
import { nameTests, shows } from "../../support/shows.ts";

interface Tree {
  mount: string;
  context: OpContext;
  /** Readers of the schemata of classes that the ops have made. */
  schemata: Map<string, number>;
}

const INIT = 4321;
const test = suite<Tree>("resctrl");
nameTests(test);

test.before.each((tree) => {
  tree.mount = mkdtempSync(join(tmpdir(), "resctrl-"));
  tree.schemata = new Map();
  for (const name of ["info", "mon_groups", "gold", "gold/mon_groups"]) {
    mkdirSync(join(tree.mount, name));
  }
  for (const place of [".", "gold"]) {
    writeFileSync(join(tree.mount, place, "tasks"), "");
    writeFileSync(join(tree.mount, place, "schemata"), "    L3:0=00f;1=00f\n    MB:0=100\n");
  }
  writeFileSync(join(tree.mount, "info/last_cmd_status"), "ok\n");
  tree.context = opContext({ initPid: () => INIT });
  const { found } = tree.context;
  found.set = (key, directory) => {
    furnish(tree, directory);
    return Map.prototype.set.call(found, key, directory);
  };
});

test.after.each(({ mount, schemata }) => {
  for (const fd of schemata.values()) closeSync(fd);
  rmSync(mount, { recursive: true });
});

/** What the kernel puts into a new class or group; schemata keep each write apart. */
function furnish({ schemata }: Tree, directory: string): void {
  writeFileSync(join(directory, "tasks"), "");
  if (directory.includes("/mon_groups/")) return;
  mkdirSync(join(directory, "mon_groups"));
  Bun.spawnSync(["mkfifo", join(directory, "schemata")]);
  const flags = constants.O_RDWR | constants.O_NONBLOCK;
  schemata.set(directory, openSync(join(directory, "schemata"), flags));
}

/** The kernel's files go with their directory. */
function unfurnish(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (!statSync(path).isDirectory()) unlinkSync(path);
    else if (name === "mon_groups" && readdirSync(path).length === 0)
      rmSync(path, { recursive: true });
  }
}

function written({ schemata }: Tree, directory: string): string {
  const bytes = Buffer.alloc(4096);
  return bytes.toString("utf8", 0, readSync(schemata.get(directory) ?? -1, bytes));
}

/** The ops of create for a field on this tree. */
function opsOf({ mount }: Tree, field: IntelRdt): Op[] {
  const id = demo.id;
  const paths = [`${mount}/${id}`, `${mount}/gold/mon_groups/${id}`, `${mount}/new`];
  const missingClasses = [...paths, `${mount}/${id}/mon_groups/${id}`].filter(
    (path) => !existsSync(path),
  );
  const host = { ...hybridRoot, resctrl: mount };
  const config = configOf({ linux: { intelRdt: field } });
  const { make, join, problems } = intelRdt(config, host, { ...demo, missingClasses });
  assert.equal(problems, []);
  return [...make, ...join].map(({ op }) => op);
}

function perform(tree: Tree, field: IntelRdt): Op[] {
  const ops = opsOf(tree, field);
  for (const op of ops) op.run(tree.context);
  return ops;
}

/** What `delete` does, which knows the journal alone. */
function undoByJournal(ops: readonly Op[]): void {
  for (const { name, args, undo } of ops.toReversed()) {
    if (undo === undefined) continue;
    const op = opFromJournal({ op: name, args: JSON.stringify(args) });
    assert.ok(op, name);
    op?.undo?.();
  }
}

test("a container's own class is made, written, joined, and removed by delete", (tree) => {
  const own = join(tree.mount, demo.id);
  const ops = perform(tree, {
    l3CacheSchema: "L3:0=f",
    memBwSchema: "MB:0=20",
    schemata: ["L3:0=3", "L2:0=1"],
    enableMonitoring: true,
  });
  assert.is(written(tree, own), "L3:0=f\nMB:0=20\nL3:0=3\nL2:0=1\n");
  assert.is(readFileSync(join(own, "tasks"), "utf8"), `${INIT}`);
  assert.is(readFileSync(join(own, "mon_groups", demo.id, "tasks"), "utf8"), `${INIT}`);
  unfurnish(join(own, "mon_groups", demo.id));
  const group = ops.filter(({ name }) => name === "rdt.group");
  undoByJournal(group);
  assert.equal(readdirSync(join(own, "mon_groups")), []);
  unfurnish(own);
  undoByJournal(ops);
  assert.not(existsSync(own));
  // And once more, as after a crash in between.
  undoByJournal(ops);
  shows("linux.intelRdt", "linux.intelRdt.closID.absent", "linux.intelRdt.removed");
  shows("linux.intelRdt.monitoring", "linux.intelRdt.monitoring.removed");
  shows("linux.intelRdt.both-schemas", "linux.intelRdt.schemata", "linux.intelRdt.rules");
});

test("a class of the container's id that was there is used, and stays", (tree) => {
  const own = join(tree.mount, demo.id);
  mkdirSync(own);
  writeFileSync(join(own, "tasks"), "");
  writeFileSync(join(own, "schemata"), "");
  const ops = perform(tree, { schemata: ["L3:0=1"] });
  assert.is(readFileSync(join(own, "schemata"), "utf8"), "L3:0=1\n");
  unlinkSync(join(own, "tasks"));
  unlinkSync(join(own, "schemata"));
  undoByJournal(ops);
  for (const op of ops.toReversed()) op.takeBack?.(tree.context);
  assert.ok(existsSync(own));
  shows("linux.intelRdt.kept");
});

test("a class that is there is joined if its schemata fit, and not written", (tree) => {
  const gold = join(tree.mount, "gold");
  const before = readFileSync(join(gold, "schemata"), "utf8");
  const ops = perform(tree, { closID: "gold", l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=100" });
  assert.is(readFileSync(join(gold, "schemata"), "utf8"), before);
  assert.is(readFileSync(join(gold, "tasks"), "utf8"), `${INIT}`);
  undoByJournal(ops);
  assert.ok(existsSync(gold));
  shows("linux.intelRdt.closID.differs");
});

test("a class that is there with other schemata is an error that names both", (tree) => {
  const field = { closID: "gold", l3CacheSchema: "L3:0=f;1=3", schemata: ["MB:0=20"] };
  assert.throws(
    () => perform(tree, field),
    /gold is there with other schemata: found L3:1=f, wanted 3, found MB:0=100, wanted 20$/,
  );
  assert.is(readFileSync(join(tree.mount, "gold/tasks"), "utf8"), "");
  shows("linux.intelRdt.closID.differs");
});

test("a class that is named and missing is made, and stays after delete", (tree) => {
  const made = join(tree.mount, "new");
  const ops = perform(tree, { closID: "new", schemata: ["L3:0=1"] });
  assert.is(written(tree, made), "L3:0=1\n");
  undoByJournal(ops);
  assert.ok(existsSync(made));
  shows("linux.intelRdt.closID.new", "linux.intelRdt.kept");
});

test("a create that fails takes back what it has made, and nothing else", (tree) => {
  const ops = perform(tree, { closID: "new", schemata: ["L3:0=1"], enableMonitoring: true });
  const group = join(tree.mount, "new/mon_groups", demo.id);
  unfurnish(group);
  for (const op of ops.toReversed()) {
    op.takeBack?.(tree.context);
    if (!existsSync(group) && existsSync(join(tree.mount, "new")))
      unfurnish(join(tree.mount, "new"));
  }
  assert.equal(readdirSync(tree.mount).sort(), ["gold", "info", "mon_groups", "schemata", "tasks"]);
});

test("a monitoring group that is there is an error, and not removed", (tree) => {
  const group = join(tree.mount, "gold/mon_groups", demo.id);
  mkdirSync(group);
  const ops = opsOf(tree, { closID: "gold", enableMonitoring: true });
  assert.throws(() => ops[0]?.run(tree.context), /mon_groups\/demo exists already/);
  undoByJournal(ops);
  for (const op of ops.toReversed()) op.takeBack?.(tree.context);
  assert.ok(existsSync(group));
  shows("linux.intelRdt.monitoring.fails");
});

test("the root class is joined without anything being made", (tree) => {
  perform(tree, { closID: "/" });
  assert.is(readFileSync(join(tree.mount, "tasks"), "utf8"), `${INIT}`);
  shows("linux.intelRdt.default-class");
});

test("an error has the kernel's own words with it", (tree) => {
  writeFileSync(join(tree.mount, "info/last_cmd_status"), "Out of CLOSIDs\n");
  rmSync(join(tree.mount, "gold/mon_groups"), { recursive: true });
  const [group] = opsOf(tree, { closID: "gold", enableMonitoring: true });
  assert.throws(() => group?.run(tree.context), /mkdir.*ENOENT.*: Out of CLOSIDs$/);
  writeFileSync(join(tree.mount, "info/last_cmd_status"), "ok\n");
  assert.throws(() => group?.run(tree.context), /mkdir.*\(ENOENT\)$/);
  rmSync(join(tree.mount, "info/last_cmd_status"));
  assert.throws(() => group?.run(tree.context), /mkdir.*\(ENOENT\)$/);
  shows("linux.intelRdt.monitoring.fails");
});

test.run();
