import { test } from "uvu";
import * as assert from "uvu/assert";
import { absolutePath } from "../../../runtime/cli/absolute-path.ts";
import { stateRoot } from "../../../runtime/cli/state-root.ts";

const environment = { XDG_RUNTIME_DIR: "/run/user/1000" };
const machine = { inUserNamespace: () => false, ownsDirectory: () => false };

test("root keeps its containers in /run/runt, whatever the environment says", () => {
  const root = { given: undefined, euid: 0 };
  assert.is(stateRoot({ ...root, environment, machine }), "/run/runt");
  const inside = { ...machine, inUserNamespace: () => true };
  assert.is(stateRoot({ ...root, environment: {}, machine: inside }), "/run/runt");
  const sudo = { ...environment, USER: "root" };
  assert.is(stateRoot({ ...root, environment: sudo, machine: inside }), "/run/runt");
});

test("an ordinary user's root in a user namespace keeps them where the user does", () => {
  const inside = { ...machine, inUserNamespace: () => true };
  const options = { given: undefined, euid: 0, environment: { ...environment, USER: "me" } };
  assert.is(stateRoot({ ...options, machine: inside }), "/run/user/1000/runt");
});

test("others keep theirs in XDG_RUNTIME_DIR, or in the folder that is usual for it", () => {
  const other = { given: undefined, euid: 1000 };
  assert.is(stateRoot({ ...other, environment, machine }), "/run/user/1000/runt");
  const owns = { ...machine, ownsDirectory: (path: string) => path === "/run/user/1000" };
  for (const none of [{}, { XDG_RUNTIME_DIR: "" }]) {
    assert.is(stateRoot({ ...other, environment: none, machine: owns }), "/run/user/1000/runt");
    assert.throws(
      () => stateRoot({ ...other, environment: none, machine }),
      /\/run\/user\/1000 is not a folder of user 1000's \(hint: set XDG_RUNTIME_DIR, or give --root\)/,
    );
  }
});

test("--root is made absolute", () => {
  const given = (path: string): string => stateRoot({ given: path, euid: 0, environment, machine });
  assert.is(given("/a/../b//c/."), "/b/c");
  assert.is(given("x/y"), `${process.cwd()}/x/y`);
});

test("--root must not be empty or the root of the file system", () => {
  for (const given of ["", "/", "//", "/x/..", "/../."]) {
    assert.throws(() => stateRoot({ given, euid: 0, environment, machine }), /--root is/, given);
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
