import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CgroupLayout } from "../../../runtime/cgroup/layout.ts";
import { cgroupDirectories, namesNoCgroup } from "../../../runtime/cgroup/paths.ts";
import { shows } from "../../support/shows.ts";

const V1: CgroupLayout = {
  mode: "v1",
  hierarchies: [
    { controllers: ["pids"], mount: "/cg/pids", own: "/" },
    { controllers: ["memory"], mount: "/cg/memory", own: "/tenant/a" },
  ],
};
const V2: CgroupLayout = {
  mode: "v2",
  hierarchies: [{ controllers: [], mount: "/cg", own: "/user.slice/session" }],
};

function directories(layout: CgroupLayout, cgroupsPath?: string): string[] {
  return cgroupDirectories(layout, cgroupsPath, "demo").map((one) => one.directory);
}

test("without a path the cgroup is named by the container and below the caller's own on v1", () => {
  assert.equal(directories(V1), ["/cg/pids/demo", "/cg/memory/tenant/a/demo"]);
});

test("without a path the cgroup is beside the caller's own on v2", () => {
  assert.equal(directories(V2), ["/cg/user.slice/demo"]);
});

test("an empty path is as good as none", () => {
  assert.equal(directories(V1, ""), directories(V1));
});

test("a path that names the cgroup it counts from is no cgroup of the container's", () => {
  for (const path of ["/", ".", "/..", "a/..", "//./"]) assert.ok(namesNoCgroup(path), path);
  for (const path of ["", "/a", "a", "/../a"]) assert.not.ok(namesNoCgroup(path), path);
});

test("an absolute path is taken from the mount", () => {
  assert.equal(directories(V1, "/x/y"), ["/cg/pids/x/y", "/cg/memory/x/y"]);
  assert.equal(directories(V2, "/x/y"), ["/cg/x/y"]);
  shows("linux.cgroupsPath.absolute", "linux.cgroupsPath");
});

test("a relative path is taken from the caller's own cgroup", () => {
  assert.equal(directories(V1, "x/y"), ["/cg/pids/x/y", "/cg/memory/tenant/a/x/y"]);
  assert.equal(directories(V2, "x/y"), ["/cg/user.slice/x/y"]);
  shows("linux.cgroupsPath", "linux.cgroupsPath.same");
});

test("dots lead out of neither the mount nor the caller's own cgroup", () => {
  assert.equal(directories(V1, "/../../x/./y//"), ["/cg/pids/x/y", "/cg/memory/x/y"]);
  assert.equal(directories(V1, "../../x"), ["/cg/pids/x", "/cg/memory/tenant/a/x"]);
});

test("three parts with colons are a name like any other", () => {
  assert.equal(directories(V2, "system.slice:runt:demo"), [
    "/cg/user.slice/system.slice:runt:demo",
  ]);
});

test("a path of the root alone is the mount itself", () => {
  assert.equal(directories(V2, "/"), ["/cg"]);
});

test("each directory says which controllers it has and where they are mounted", () => {
  assert.equal(cgroupDirectories(V1, "/x", "demo")[0], {
    controllers: ["pids"],
    mount: "/cg/pids",
    own: "/",
    directory: "/cg/pids/x",
  });
});

test.run();
