// The rules of ARCHITECTURE.md that can be read off the sources: who imports whom, and what may not
// be used where.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as errno from "../../runtime/errno.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Folders that a folder may import from, besides itself and the files of runtime/ itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  sys: [],
  config: [],
  seccomp: ["config"],
  dbus: ["sys"],
  cgroup: ["config", "dbus", "sys"],
  store: ["config", "sys"],
  host: ["cgroup", "store", "sys"],
  doctor: ["cgroup", "host", "sys"],
  ops: ["cgroup", "sys"],
  clauses: ["cgroup", "config", "host", "ops", "plan", "seccomp", "sys"],
  plan: ["clauses", "config", "host", "ops"],
  engine: ["ops", "plan", "sys"],
  lifecycle: [
    "cgroup",
    "clauses",
    "config",
    "doctor",
    "engine",
    "host",
    "ops",
    "plan",
    "seccomp",
    "store",
    "sys",
  ],
  cli: ["lifecycle", "plan"],
};

/** The same of shim/, whose own files all may use; of runtime/ as well. */
const SHIM_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  ttrpc: ["proto", "runtime/sys"],
  events: ["proto", "ttrpc", "runtime/sys"],
  io: ["proto", "ttrpc", "runtime/engine", "runtime/sys"],
  metrics: ["proto", "ttrpc", "runtime/cgroup", "runtime/host", "runtime/store", "runtime/sys"],
  task: [
    ...["events", "io", "launch", "metrics", "proto", "ttrpc"],
    ...["runtime/cgroup", "runtime/config", "runtime/host", "runtime/lifecycle", "runtime/store"],
    "runtime/sys",
  ],
  launch: [
    ...["proto", "task", "ttrpc"],
    ...["runtime/engine", "runtime/host", "runtime/lifecycle", "runtime/sys"],
  ],
};

/** Of these folders some files alone may be imported from elsewhere. */
const ONLY: readonly [from: string, to: string, files: RegExp][] = [
  ["clauses", "plan", /^step$/],
  ["clauses", "host", /^(facts|capabilities)$/],
  ["plan", "host", /^facts$/],
  ["doctor", "host", /^(machine|capabilities)$/],
  ["doctor", "sys", /^questions$/],
  ["cli", "plan", /^print$/],
  ["clauses", "sys", /^(mount|process)$/],
  ["task", "launch", /^start$/],
];

/** Files in which nothing may depend on the machine or the moment. */
const PURE = /^(clauses|plan|seccomp|config|doctor|cgroup\/controllers)\//;

const IMPORT = /from "(\.[^"]+)"/g;

interface Source {
  /** Path below runtime/ or shim/. */
  path: string;
  /** Without comments. */
  code: string;
  /** Paths of what is loaded before it; those of the other folder begin with "../". */
  imports: string[];
  /** Paths of what is loaded when it is needed, or has types alone. */
  later: string[];
}

const sources = sourcesIn("runtime");
const shimSources = sourcesIn("shim");

test("folders import from those below them alone", () => {
  assert.equal(wrongImports(sources, MAY_IMPORT), []);
  assert.equal(wrongImports(shimSources, SHIM_MAY_IMPORT), []);
});

for (const [tree, files] of Object.entries({ runtime: sources, shim: shimSources })) {
  test(`no file of ${tree} imports itself by way of others`, () => {
    assertNoCircle(new Map(files.map(({ path, imports }) => [path, imports])));
  });
}

function wrongImports(
  files: readonly Source[],
  allowed: Readonly<Record<string, readonly string[]>>,
): string[] {
  return files.flatMap(({ path, imports, later }) =>
    [...imports, ...later]
      .filter((other) => !mayImport(path, other, allowed))
      .map((other) => `${path} imports ${other}`),
  );
}

function assertNoCircle(graph: ReadonlyMap<string, readonly string[]>): void {
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    assert.not(way.includes(path), [...way, path].join(" → "));
    if (done.has(path)) return;
    for (const other of graph.get(path) ?? []) visit(other, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
}

test("nothing is asynchronous or starts programs but the engine", () => {
  // What the engine's event loop does has threads, and who has threads cannot be forked. A file's size
  // is asked for at once. One file has that loop turn, with nothing in it but a timer.
  for (const files of [sources, shimSources]) {
    forbid(
      /^(?!tidy-up\.ts$)/,
      /\basync (function|\(|\w+ =>)|\bawait \w|\bPromise\b|\b(queueMicrotask|set(Timeout|Interval|Immediate))\(/,
      files,
    );
    forbid(
      /./,
      /\bBun\.(spawn|file(?!\([^()]*\)\.size)|write|serve|listen|connect)|child_process|fs\/promises|node:(net|events|timers)|process\.(on|once|nextTick)\(/,
      files,
    );
  }
});

test("what compiles a plan is pure", () => {
  forbid(
    PURE,
    /from "node:|\bprocess\.(env|argv|arch|pid|cwd)\b|\bDate\b|\bBun\.|Math\.random|performance\./,
  );
});

test("only one file touches koffi, and only the engine clones", () => {
  forbid(/^(?!sys\/libc\.ts$)/, /koffi|\bdlopen\b/);
  forbid(/^(?!engine\/|sys\/process\.ts$)/, /\bclone\b.*from "\.\.\/sys\/process\.ts"/);
  forbid(/^(?!sys\/)/, /\bsyscall\(/);
  forbid(/./, /koffi|\bdlopen\b|\bsyscall\(|\bclone\(/, shimSources);
});

test("the house style holds where no tool looks", () => {
  forbid(/./, /^export default|^export \* from|\benum \w+ \{/m);
  forbid(/^(?!cli\/|main\.ts$|log\.ts$|print\.ts$)/, /\bconsole\.(log|error|warn)\(/);
  forbid(/./, /^export default|^export \* from|\benum \w+ \{|\bconsole\./m, shimSources);
  // Values of errno have their names in one place.
  const names = Object.keys(errno).filter((name) => /^E[A-Z0-9]+$/.test(name));
  forbid(/^(?!errno\.ts$)/, new RegExp(`\\bconst (${names.join("|")}) = `));
});

test.run();

function mayImport(
  path: string,
  other: string,
  allowed: Readonly<Record<string, readonly string[]>>,
): boolean {
  const [from = "", to = ""] = [folderOf(path), folderOf(other)];
  if (from === "") return !to.startsWith("shim");
  if (to === "" || to === "runtime" || from === to) return true;
  const file = other.slice(to.length + 1, -".ts".length);
  const narrow = ONLY.find((rule) => rule[0] === from && rule[1] === to)?.[2] ?? /./;
  return (allowed[from] ?? []).includes(to) && narrow.test(file);
}

/** Asserts that no file of a path contains a pattern. */
function forbid(paths: RegExp, pattern: RegExp, files: readonly Source[] = sources): void {
  const found = files.flatMap(({ path, code }) => {
    const [match] = paths.test(path) ? (pattern.exec(code) ?? []) : [];
    return match === undefined ? [] : [`${path}: ${match}`];
  });
  assert.equal(found, []);
}

function sourcesIn(tree: "runtime" | "shim"): Source[] {
  const root = join(ROOT, tree);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".gen.ts"))
    .map((path) => sourceOf(root, path));
}

function sourceOf(root: string, path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  const later = /import type [^;]*? from "(\.[^"]+)"|(?:typeof import|require)\("(\.[^"]+)"\)/g;
  return {
    path,
    code,
    imports: pathsIn(code.replace(later, ""), join(root, path), { root, pattern: IMPORT }),
    later: pathsIn(code, join(root, path), { root, pattern: later }),
  };
}

function pathsIn(
  code: string,
  path: string,
  { root, pattern }: { root: string; pattern: RegExp },
): string[] {
  const paths = [...code.matchAll(pattern)]
    .map(([, one, other]) => relative(root, resolve(dirname(path), one ?? other ?? "")))
    .filter(
      (other) => !other.endsWith(".gen.ts") && /^(\.\.\/(runtime|shim)\/|(?!\.\.))/.test(other),
    );
  return [...new Set(paths)];
}

/** The folder right below the own tree, "" for the tree itself; the other's with the tree's name. */
function folderOf(path: string): string {
  const [first = "", ...rest] = path.split("/");
  if (first !== "..") return rest.length > 0 ? first : "";
  return rest.slice(0, Math.min(2, rest.length - 1)).join("/");
}
