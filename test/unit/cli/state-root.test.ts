import { test } from "uvu";
import * as assert from "uvu/assert";
import { absolutePath } from "../../../runtime/cli/absolute-path.ts";
import { stateRoot } from "../../../runtime/cli/state-root.ts";

const environment = { XDG_RUNTIME_DIR: "/run/user/1000" };

test("root keeps its containers in /run/runt, whatever the environment says", () => {
  assert.is(stateRoot({ given: undefined, euid: 0, environment }), "/run/runt");
});

test("others keep theirs in XDG_RUNTIME_DIR, if it is set", () => {
  assert.is(stateRoot({ given: undefined, euid: 1000, environment }), "/run/user/1000/runt");
  assert.is(stateRoot({ given: undefined, euid: 1000, environment: {} }), "/run/runt");
  const empty = { XDG_RUNTIME_DIR: "" };
  assert.is(stateRoot({ given: undefined, euid: 1000, environment: empty }), "/run/runt");
});

test("--root is made absolute", () => {
  const given = (path: string): string => stateRoot({ given: path, euid: 0, environment });
  assert.is(given("/a/../b//c/."), "/b/c");
  assert.is(given("x/y"), `${process.cwd()}/x/y`);
});

test("--root must not be empty or the root of the file system", () => {
  for (const given of ["", "/", "//", "/x/..", "/../."]) {
    assert.throws(() => stateRoot({ given, euid: 0, environment }), /--root is/, given);
  }
});

test("a path is made absolute by text alone", () => {
  const paths: [string, string][] = [
    ["/", "/"],
    ["/a/b/", "/a/b"],
    ["/a/./b/../c", "/a/c"],
    ["/../../a", "/a"],
    [".", process.cwd()],
    ["", process.cwd()],
    ["../", process.cwd().replace(/\/[^/]*$/, "") || "/"],
  ];
  for (const [path, absolute] of paths) assert.is(absolutePath(path), absolute, path);
});

test.run();
