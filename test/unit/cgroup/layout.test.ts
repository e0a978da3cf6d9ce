import { test } from "uvu";
import * as assert from "uvu/assert";
import { cgroupLayout } from "../../../runtime/cgroup/layout.ts";

const BEFORE = "22 27 0:21 / /proc rw,relatime - proc proc rw\n";

test("a machine with v1 hierarchies and an empty cgroup2 beside them is hybrid", () => {
  const layout = cgroupLayout(
    `${BEFORE}31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
    "4:memory:/tenant/a:b\n2:cpu,cpuacct:/\n1:name=systemd:/init.scope\n0::/user.slice\n",
  );
  assert.equal(layout, {
    mode: "hybrid",
    hierarchies: [
      { controllers: ["cpu", "cpuacct"], mount: "/sys/fs/cgroup/cpu,cpuacct", own: "/" },
      { controllers: ["memory"], mount: "/sys/fs/cgroup/memory", own: "/tenant/a:b" },
      { controllers: ["name=systemd"], mount: "/sys/fs/cgroup/systemd", own: "/init.scope" },
      { controllers: [], mount: "/sys/fs/cgroup/unified", own: "/user.slice" },
    ],
  });
});

test("a machine with cgroup2 alone is v2", () => {
  const layout = cgroupLayout(
    `${BEFORE}30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate`,
    "0::/user.slice/session-1.scope\n",
  );
  assert.equal(layout, {
    mode: "v2",
    hierarchies: [{ controllers: [], mount: "/sys/fs/cgroup", own: "/user.slice/session-1.scope" }],
  });
});

test("cgroup2 at the root of the cgroup filesystems is v2 with a v1 hierarchy beside it", () => {
  const layout = cgroupLayout(
    `30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
31 23 0:27 / /run/net_cls rw - cgroup net_cls rw,net_cls
`,
    "1:net_cls:/\n0::/a\n",
  );
  assert.is(layout.mode, "v2");
  assert.equal(
    layout.hierarchies.map((one) => one.mount),
    ["/sys/fs/cgroup"],
  );
});

test("a machine without cgroup2 is v1, one without any cgroup filesystem has none", () => {
  const pids = "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
  assert.is(cgroupLayout(BEFORE + pids, "8:pids:/\n0::/\n").mode, "v1");
  assert.equal(cgroupLayout(BEFORE, "8:pids:/\n0::/\n"), { mode: "none", hierarchies: [] });
});

test("a mount of part of a hierarchy makes the own cgroup relative to that part", () => {
  const own = (root: string, path: string) =>
    cgroupLayout(
      `39 31 0:36 ${root} /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n`,
      `8:pids:${path}\n`,
    ).hierarchies[0]?.own;
  assert.is(own("/docker/12ab", "/docker/12ab"), "/");
  assert.is(own("/docker/12ab", "/docker/12ab/inner"), "/inner");
  assert.is(own("/docker/12ab", "/docker/12abc"), "/");
  assert.is(own("/../..", "/"), "/");
});

test("of a hierarchy that is mounted twice the first mount counts", () => {
  const layout = cgroupLayout(
    `39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
40 31 0:36 / /mnt/pids rw - cgroup cgroup rw,pids
`,
    "8:pids:/\n",
  );
  assert.equal(
    layout.hierarchies.map((one) => one.mount),
    ["/sys/fs/cgroup/pids"],
  );
});

test("octal escapes in a mount point are undone", () => {
  const layout = cgroupLayout(
    "39 31 0:36 / /mnt/my\\040\\134cg rw - cgroup cgroup rw,pids\n",
    "8:pids:/\n",
  );
  assert.is(layout.hierarchies[0]?.mount, "/mnt/my \\cg");
});

test("mounts that only resemble cgroup filesystems are left out", () => {
  const layout = cgroupLayout(
    `39 31 0:36 / /mnt/a rw - cgroupfs cgroup rw,pids
40 31 0:37 / /mnt/cgroup rw - tmpfs cgroup rw,pids
41 31 0:38 / /mnt/unknown rw - cgroup cgroup rw,debug
`,
    "8:pids:/\n",
  );
  assert.is(layout.mode, "none");
});

test.run();
