// The rules of ARCHITECTURE.md that can be read off the sources: who imports whom, and what may not
// be used where.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as errno from "../../runtime/errno.ts";

const RUNTIME = resolve(import.meta.dirname, "../../runtime");

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

/** Of these folders some files alone may be imported from elsewhere. */
const ONLY: readonly [from: string, to: string, files: RegExp][] = [
  ["clauses", "plan", /^step$/],
  ["clauses", "host", /^(facts|capabilities)$/],
  ["plan", "host", /^facts$/],
  ["doctor", "host", /^(machine|capabilities)$/],
  ["doctor", "sys", /^questions$/],
  ["cli", "plan", /^print$/],
  ["clauses", "sys", /^(mount|process)$/],
];

/** Files in which nothing may depend on the machine or the moment. */
const PURE = /^(clauses|plan|seccomp|config|doctor|cgroup\/controllers)\//;

interface Source {
  /** Path below runtime/. */
  path: string;
  /** Without comments. */
  code: string;
  /** Paths below runtime/ of what is loaded before it. */
  imports: string[];
  /** Paths of what is loaded when it is needed, or has types alone. */
  later: string[];
}

const sources = readdirSync(RUNTIME, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".gen.ts"))
  .map(sourceOf);

test("folders import from those below them alone", () => {
  const wrong = sources.flatMap(({ path, imports, later }) =>
    [...imports, ...later]
      .filter((other) => !mayImport(path, other))
      .map((other) => `${path} imports ${other}`),
  );
  assert.equal(wrong, []);
});

test("no file imports itself by way of others", () => {
  const graph = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    assert.not(way.includes(path), [...way, path].join(" → "));
    if (done.has(path)) return;
    for (const other of graph.get(path) ?? []) visit(other, [...way, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
});

test("nothing in runtime is asynchronous or starts programs but the engine", () => {
  forbid(
    /./,
    /\basync (function|\(|\w+ =>)|\bawait \w|\bPromise\b|\bset(Timeout|Interval|Immediate)\(/,
  );
  forbid(/./, /\bBun\.(spawn|file|write|serve|listen|connect)|child_process|fs\/promises|node:net/);
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
});

test("the house style holds where no tool looks", () => {
  forbid(/./, /^export default|^export \* from|\benum \w+ \{/m);
  forbid(/^(?!cli\/|main\.ts$|log\.ts$|print\.ts$)/, /\bconsole\.(log|error|warn)\(/);
  // Values of errno have their names in one place.
  const names = Object.keys(errno).filter((name) => /^E[A-Z0-9]+$/.test(name));
  forbid(/^(?!errno\.ts$)/, new RegExp(`\\bconst (${names.join("|")}) = `));
});

test.run();

function mayImport(path: string, other: string): boolean {
  const [from = "", to = ""] = [folderOf(path), folderOf(other)];
  if (from === "" || to === "" || from === to) return true;
  const file = other.slice(to.length + 1, -".ts".length);
  const narrow = ONLY.find((rule) => rule[0] === from && rule[1] === to)?.[2] ?? /./;
  return (MAY_IMPORT[from] ?? []).includes(to) && narrow.test(file);
}

/** Asserts that no file of a path contains a pattern. */
function forbid(paths: RegExp, pattern: RegExp): void {
  const found = sources.flatMap(({ path, code }) => {
    const [match] = paths.test(path) ? (pattern.exec(code) ?? []) : [];
    return match === undefined ? [] : [`${path}: ${match}`];
  });
  assert.equal(found, []);
}

function sourceOf(path: string): Source {
  const text = readFileSync(join(RUNTIME, path), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  const later = /import type [^;]*? from "(\.[^"]+)"|(?:typeof import|require)\("(\.[^"]+)"\)/g;
  return {
    path,
    code,
    imports: pathsIn(code.replace(later, ""), path, /from "(\.[^"]+)"/g),
    later: pathsIn(code, path, later),
  };
}

function pathsIn(code: string, path: string, pattern: RegExp): string[] {
  const paths = [...code.matchAll(pattern)]
    .map(([, one, other]) => relative(RUNTIME, resolve(RUNTIME, dirname(path), one ?? other ?? "")))
    .filter((other) => !other.startsWith("..") && !other.endsWith(".gen.ts"));
  return [...new Set(paths)];
}

/** The folder right below runtime/; "" for files in runtime/ itself. */
function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}
