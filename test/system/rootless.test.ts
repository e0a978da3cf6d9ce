// Containers of an ordinary user, without any privilege: what works, what is done without, and what
// is refused with a word on what to do.

import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, type Json, type Patch } from "../support/bundle.ts";
import { inside, run, stateOf, withContainer, withScript } from "../support/container.ts";
import { leaks, removeEmptyCgroups } from "../support/leaks.ts";
import { openWith } from "../support/open-with.ts";
import {
  giveToUser,
  ordinaryUser,
  rangeMap,
  rootless,
  rootlessMounts,
  rootlessNamespaces,
  selfMap,
  userRootfs,
  userWithRange,
} from "../support/ordinary-user.ts";
import { isRunning, readProc, statusFields } from "../support/process.ts";
import { refusesBundle, refusesCommand } from "../support/refusal.ts";
import { freshDirectory, freshName, room } from "../support/room.ts";
import { runt, startRunt } from "../support/runt.ts";
import { runTests, skip, test } from "../support/suite.ts";
import { startOn, withTerminal } from "../support/terminal.ts";
import { waitUntil } from "../support/wait.ts";

const as = ordinaryUser();
const sleeper: Patch = rootless({ process: { args: ["/bin/sleep", "100"] } });

function libexec(): string {
  return join(dirname(as.runtime), "libexec");
}

/** Lines of a log, without those that every container of this user has. */
function otherLines(stderr: string): string[] {
  const lines = stderr.split("\n").filter((line) => line !== "");
  return lines.filter((line) => !line.includes("the container has no cgroup of its own"));
}

/** A bundle as the user makes it: `spec --rootless`, edited by `change`. */
async function specBundle(change: (config: Patch & { process: Patch }) => void): Promise<string> {
  const directory = giveToUser(freshDirectory());
  const spec = await runt(["spec", "--rootless"], { as, cwd: directory });
  assert.equal(spec, { code: 0, stdout: "", stderr: "" });
  const file = join(directory, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.root.path = userRootfs();
  config.process.terminal = false;
  change(config);
  writeFileSync(file, JSON.stringify(config));
  return directory;
}

test("spec --rootless and run make a container, with no flag and no privilege", async () => {
  const text =
    "id -u; id -g; cat /proc/self/uid_map /proc/self/setgroups; hostname; pwd; ls /sys/class/net" +
    "; grep CapEff /proc/self/status; touch /x 2>&1; echo > /dev/null && stat -c %t:%T /dev/null";
  const directory = await specBundle(({ process }) => {
    process["args"] = ["sh", "-c", text];
  });
  const { code, stdout, stderr } = await runt(["run", freshName()], { as, cwd: directory });
  assert.is(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  const map = lines[2]?.trim().split(/\s+/);
  assert.equal(
    [lines.slice(0, 2), map],
    [
      ["0", "0"],
      ["0", String(room.uid), "1"],
    ],
  );
  assert.equal(lines.slice(3, 6), ["deny", "runt", "/"]);
  assert.match(stdout, /\nlo\n/);
  assert.match(stdout, "CapEff:\t0000000020000420");
  assert.match(stdout, "/x: Read-only file system");
  assert.match(stdout, /\n1:3\n$/);
  assert.equal(otherLines(stderr), []);
  assert.is(stderr.trimEnd().split("\n").length, 1, "one warning: there is no cgroup");
});

test("spec --rootless asks for nothing that takes privileges or other ids", async () => {
  const directory = await specBundle(() => undefined);
  const { linux, mounts } = JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
  assert.equal(linux.uidMappings, selfMap);
  assert.equal(linux.gidMappings, selfMap);
  const types = linux.namespaces.map(({ type }: { type: string }) => type).sort();
  assert.equal(types, ["ipc", "mount", "pid", "user", "uts"]);
  assert.is(linux.resources, undefined);
  assert.not.match(JSON.stringify(mounts), /"[ug]id=/);
  const sys = mounts.find(({ destination }: { destination: string }) => destination === "/sys");
  assert.equal(sys, {
    destination: "/sys",
    type: "none",
    source: "/sys",
    options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
  });
});

test("the steps of a container's life are the same as root's", async () => {
  const patch = withScript(
    "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done",
    rootless(),
  );
  const pidFile = join(as.env["HOME"] ?? "", "pid");
  const flags = ["--pid-file", pidFile];
  await withContainer(
    patch,
    async ({ id, create, state, does, becomes }) => {
      const created = await state();
      assert.is(created.status, "created");
      assert.is(readFileSync(pidFile, "utf8"), String(created.pid));
      assert.is(
        statusFields(readProc(created.pid, "status"))["Uid"]?.split("\t")[0],
        `${room.uid}`,
      );
      await does("start");
      await waitUntil("ready", () => create.stdout().includes("ready"));
      assert.is((await state()).status, "running");
      const list = JSON.parse((await runt(["list", "--format", "json"], { as })).stdout);
      assert.equal(
        list.map((one: { id: string; status: string }) => [one.id, one.status]),
        [[id, "running"]],
      );
      const second = await runt(["create", "--bundle", bundle(rootless()), id], { as });
      assert.match(second.stderr, "container with given ID already exists");
      assert.is((await runt(["delete", id], { as })).code, 1);
      await does("kill", "TERM");
      await becomes("stopped");
      await does("delete");
      assert.is(await stateOf(id, { as }), undefined);
      assert.not(isRunning(created.pid));
    },
    { as, flags },
  );
});

test("the state is in XDG_RUNTIME_DIR, in a sticky folder of the user's alone", async () => {
  await withContainer(
    sleeper,
    async ({ id }) => {
      const { mode, uid } = statSync(room.userRoot);
      assert.equal([mode & 0o7777, uid], [0o1700, room.uid]);
      assert.ok(existsSync(join(room.userRoot, id, "record.json")));
      assert.is(await stateOf(id), undefined, "root does not have it");
      assert.is(
        (await stateOf(id, { root: room.userRoot }))?.status,
        "created",
        "unless told where",
      );
    },
    { as },
  );
});

test("without XDG_RUNTIME_DIR a user is told to set it, by commands that need it alone", async () => {
  const env = { XDG_RUNTIME_DIR: "" };
  const pattern = /XDG_RUNTIME_DIR is not set.*hint: set XDG_RUNTIME_DIR, or give --root/;
  await refusesCommand(["state", "x"], pattern, { as, env });
  await refusesCommand(["run", "--bundle", bundle(rootless()), "x"], pattern, { as, env });
  for (const command of ["features", "--version"]) {
    assert.is((await runt([command], { as, env })).code, 0, command);
  }
});

test("another user can do nothing with a container", async () => {
  const through = as.through.map((word) => word.replace(`${room.uid}`, "3999999"));
  const asOther = (...command: string[]) => Bun.spawnSync([...through, ...command]);
  await withContainer(
    sleeper,
    async ({ id, state }) => {
      const { pid } = await state();
      assert.not(asOther("kill", "-9", `${pid}`).success);
      assert.match(
        asOther("cat", join(room.userRoot, id, "record.json")).stderr.toString(),
        "Permission denied",
      );
      assert.match(asOther("ls", `/proc/${pid}/root/`).stderr.toString(), "Permission denied");
      assert.is((await state()).status, "created");
    },
    { as },
  );
});

test("a user cannot touch a container of root's", async () => {
  await withContainer({ process: { args: ["/bin/sleep", "100"] } }, async ({ id, state }) => {
    for (const command of [["state"], ["kill"], ["delete", "--force"], ["start"]]) {
      const { code, stderr } = await runt([...command, id], { as, root: room.root });
      assert.is(code, 1, command.join());
      assert.match(stderr, /permission denied/);
    }
    assert.is((await state()).status, "created");
  });
});

test("a range of ids is mapped by newuidmap and newgidmap", async () => {
  const ranged = userWithRange();
  const linux = { uidMappings: rangeMap, gidMappings: rangeMap };
  const user = { uid: 33, gid: 44, additionalGids: [55] };
  const patch = rootless({ linux, process: { args: ["/bin/sleep", "100"], user } });
  await withContainer(
    patch,
    async ({ does, state }) => {
      await does("start");
      const { pid } = await state();
      const fields = statusFields(readProc(pid, "status"));
      const id = (number: number): string => String(room.firstSubordinate + number - 1);
      assert.equal(
        [fields["Uid"]?.split("\t")[0], fields["Gid"]?.split("\t")[0], fields["Groups"]],
        [id(33), id(44), id(55)],
      );
      assert.is(readProc(pid, "setgroups"), "allow\n");
    },
    { as: ranged },
  );
  const own = "touch /tmp/a; chown 5:6 /tmp/a; stat -c %u:%g /tmp/a";
  const capabilities = {
    bounding: ["CAP_CHOWN"],
    effective: ["CAP_CHOWN"],
    permitted: ["CAP_CHOWN"],
  };
  const mounts = [...rootlessMounts, { destination: "/tmp", type: "tmpfs", source: "tmpfs" }];
  assert.is(
    await inside(own, rootless({ linux, mounts, process: { capabilities } }), { as: ranged }),
    "5:6\n",
  );
});

test("ids that a user does not have are refused, with where they come from", async () => {
  const others = [{ containerID: 0, hostID: 0, size: 10 }];
  const patch = rootless({ linux: { uidMappings: others } });
  const given = /uid range \[0-10\) -> \[0-10\) not allowed.*hint: besides.*\/etc\/subuid/;
  await refusesBundle(bundle(patch), given, { as: userWithRange() });
  const none = /needs the program newuidmap for this.*hint: install it.*or map the one id/;
  await refusesBundle(bundle(patch), none, { as, env: { PATH: "/nowhere" } });
});

test("the user may be any id of the container", async () => {
  const one = (containerID: number): Json[] => [{ containerID, hostID: room.uid, size: 1 }];
  const linux = { uidMappings: one(1000), gidMappings: one(100) };
  const process = { user: { uid: 1000, gid: 100 } };
  assert.is(await inside("id -u; id -g", rootless({ linux, process }), { as }), "1000\n100\n");
});

test("devices are the host's own", async () => {
  const devices = [{ path: "/dev/mine/zero", type: "c", major: 1, minor: 5 }];
  const text = "stat -c %t:%T /dev/tty /dev/zero; head -c 3 /dev/urandom | wc -c";
  assert.is(await inside(text, rootless(), { as }), "5:0\n1:5\n3\n");
  const missing =
    /\/linux\/devices\/0.*\/dev\/mine\/zero.*hint: no device can be made in a user namespace/;
  await refusesBundle(bundle(rootless({ linux: { devices } })), missing, { as });
});

test("what only root of the host may do is refused, with what to do", async () => {
  const withMounts = (...more: Json[]): Patch => rootless({ mounts: [...rootlessMounts, ...more] });
  const linux = (fields: Patch): Patch => rootless({ linux: fields });
  const delegated = /permission denied \(EACCES\) \(hint: .*delegated.*or leave out/;
  const refusals: [Patch, RegExp][] = [
    [{}, /needs a user namespace.*hint: add .*runt spec --rootless/],
    [
      rootless({ process: { user: { uid: 0, gid: 0, additionalGids: [0] } } }),
      /additionalGids: .*ordinary user/,
    ],
    [
      rootless({ process: { user: { uid: 5, gid: 0 } } }),
      /the uid 5 is not mapped.*hint: add a mapping/,
    ],
    [
      withMounts({ destination: "/p", type: "devpts", options: ["gid=5"] }),
      /\/mounts\/5\/options: found gid=5.*hint: leave gid=5 out/,
    ],
    [withMounts({ destination: "/tmp", type: "sysfs" }), /hint: .*network.*bind-mount the host/],
    [
      withMounts({ destination: "/tmp", type: "ext4", source: "/dev/vda" }),
      /hint: only root of the host may mount .*ext4/,
    ],
    [
      withMounts({ destination: "/tmp", source: "/", options: ["bind"] }),
      /hint: .*only be bound with all of them/,
    ],
    [
      withMounts({ destination: "/tmp", source: "/etc", options: ["bind", "idmap"] }),
      /\/mounts\/5: .*CAP_SYS_ADMIN \(hint/,
    ],
    [linux({ resources: { memory: { limit: 100_000_000 } } }), delegated],
    [linux({ resources: { pids: { limit: 10 } } }), delegated],
    [linux({ cgroupsPath: "/x/y" }), delegated],
    [linux({ sysctl: { "net.ipv4.ip_forward": "1" } }), /hint: add .*network/],
    [
      linux({ namespaces: [...rootlessNamespaces, { type: "network", path: "/proc/1/ns/net" }] }),
      /\/linux\/namespaces\/5.*permission denied/,
    ],
  ];
  for (const [patch, pattern] of refusals) {
    await refusesBundle(bundle(patch), pattern, { as });
  }
  const rlimits = [{ type: "RLIMIT_NOFILE", soft: 2 ** 29, hard: 2 ** 29 }];
  const late = await run(rootless({ process: { rlimits } }), { as });
  assert.match(late.stderr, /hint: raising a hard limit takes CAP_SYS_RESOURCE/);
});

test("a score, device rules and a cgroup are done without, each with one warning", async () => {
  const text = "cat /proc/self/oom_score_adj";
  const resources = { devices: [{ allow: false, access: "rwm" }] };
  const patch = rootless({ process: { oomScoreAdj: -900 }, linux: { resources } });
  const { code, stdout, stderr } = await run(withScript(text, patch), { as });
  assert.is(code, 0, stderr);
  assert.is(stdout, readFileSync("/proc/self/oom_score_adj", "utf8"));
  const warnings = stderr.trimEnd().split("\n");
  assert.is(warnings.length, 3, stderr);
  for (const [index, pattern] of [
    /devices: only root of the host/,
    /no cgroup of its own/,
    /oomScoreAdj is left as it is/,
  ].entries()) {
    assert.ok(
      warnings.some((line) => pattern.test(line)),
      `${index}: ${stderr}`,
    );
  }
  const higher = withScript(text, rootless({ process: { oomScoreAdj: 700 } }));
  assert.is((await run(higher, { as })).stdout, "700\n");
});

test("in a user namespace that is joined the score and the clocks are set as well", async () => {
  await withContainer(
    sleeper,
    async ({ does, state }) => {
      await does("start");
      const joined = { type: "user", path: `/proc/${(await state()).pid}/ns/user` };
      const namespaces: Json[] = [joined, ...rootlessNamespaces.slice(1), { type: "time" }];
      const linux = { namespaces, timeOffsets: { boottime: { secs: 1_000_000 } } };
      const patch = rootless({ process: { oomScoreAdj: 700 }, linux });
      const text = "cat /proc/self/oom_score_adj; grep boottime /proc/self/timens_offsets";
      const { code, stdout, stderr } = await run(withScript(text, patch), { as });
      assert.is(code, 0, stderr);
      assert.match(stdout, /^700\nboottime +1000000 +0\n$/);
      assert.not.match(stderr, /oomScoreAdj/);
    },
    { as },
  );
});

test("--rootless=false asks for the cgroup, and true lets root do without", async () => {
  const flags = ["run", "--bundle", bundle(rootless()), freshName()];
  await refusesCommand(["--rootless=false", ...flags], /cgroup\.create.*EACCES.*hint/, { as });
  assert.is((await runt(["--rootless=true", ...flags], { as })).code, 0);
});

// A cgroup of the user's own below ours in each hierarchy, for what follows.
const delegate = `set -e
for mount in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts | sort -u); do
  own=$(awk -F: -v name="\${mount##*/}" '$2 == name || $2 == "name=" name || (name == "unified" && $2 == "") { print $3 }' /proc/self/cgroup)
  group=$mount$own/${room.prefix}-delegated
  mkdir "$group"
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$group/$file" ] || cat "$mount$own/$file" > "$group/$file"
  done
  chown -R ${room.uid}:${room.uid} "$group"
  echo $$ > "$group/cgroup.procs"
done
exec "$@"`;

if (existsSync("/sys/fs/cgroup/pids/cgroup.procs")) {
  test("limits are set in a cgroup that is delegated to the user", async () => {
    const delegated = { ...as, through: ["sh", "-c", delegate, "sh", ...as.through] };
    const resources = { devices: undefined, pids: { limit: 50 }, memory: { limit: 104_857_600 } };
    const mount = { destination: "/sys/fs/cgroup", type: "cgroup", options: ["ro"] };
    const patch = rootless({ linux: { resources }, mounts: [...rootlessMounts, mount] });
    const text =
      "cd /sys/fs/cgroup; cat pids/pids.max memory/memory.limit_in_bytes; grep pids: /proc/self/cgroup" +
      "; mkdir pids/x 2>&1 | grep -o 'Read-only'";
    try {
      const { code, stdout, stderr } = await run(withScript(text, patch), { as: delegated });
      assert.equal({ code, stderr }, { code: 0, stderr: "" });
      const [pids, memory, membership, made] = stdout.split("\n");
      assert.equal([pids, memory, made], ["50", "104857600", "Read-only"]);
      assert.match(membership ?? "", `${room.prefix}-delegated/${room.prefix}-`);
    } finally {
      removeEmptyCgroups(`${room.prefix}-delegated`);
    }
  });
} else skip("limits of a user", "there is no pids hierarchy of cgroup v1");

test("a cgroup mount shows the user's own cgroup, read-only, where there is none for the container", async () => {
  const mount = {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["ro"],
  };
  const text =
    `for d in /sys/fs/cgroup/*; do mkdir $d/${room.prefix} 2>&1; done | grep -cv 'Read-only'` +
    "; ls /sys/fs/cgroup | wc -l";
  const found = await inside(text, rootless({ mounts: [...rootlessMounts, mount] }), { as });
  const [writable, hierarchies] = found.split("\n");
  assert.is(writable, "0");
  assert.ok(Number(hierarchies) > 0);
});

test("files of the user's are mounted, those of others are not", async () => {
  const directory = giveToUser(freshDirectory());
  writeFileSync(join(directory, "mine"), "mine");
  const secret = freshDirectory();
  mkdirSync(join(secret, "below"));
  const bind = (source: string, options: string[]): Json => ({
    destination: "/tmp",
    source,
    options,
  });
  const mounts = (one: Json): Patch => rootless({ mounts: [...rootlessMounts, one] });
  const read = "cat /tmp/mine; echo new > /tmp/new && cat /tmp/new";
  assert.is(await inside(read, mounts(bind(directory, ["bind"])), { as }), "minenew\n");
  assert.is(statSync(join(directory, "new")).uid, room.uid);
  const readonly = await run(withScript("echo > /tmp/x", mounts(bind(directory, ["bind", "ro"]))), {
    as,
  });
  assert.match(readonly.stderr, "Read-only file system");
  Bun.spawnSync(["chmod", "700", secret]);
  const closed = bundle(mounts(bind(join(secret, "below"), ["rbind"])));
  await refusesBundle(closed, /\/mounts\/5\/source.*permission denied/, { as });
});

test("mount targets are made in a root filesystem of the user's", async () => {
  const patch = rootless({
    root: { path: userRootfs() },
    mounts: [
      ...rootlessMounts,
      { destination: "/made/here", type: "tmpfs", source: "tmpfs" },
      { destination: "/made/there", source: "/etc/hostname", options: ["bind", "ro"] },
    ],
  });
  const text = "touch /made/here/x && cat /made/there";
  assert.is(await inside(text, patch, { as }), readFileSync("/etc/hostname", "utf8"));
});

test("namespaces of another container of the user's are joined", async () => {
  const namespaces = [...rootlessNamespaces, { type: "network" }];
  const patch = rootless({ linux: { namespaces }, process: { args: ["/bin/sleep", "100"] } });
  await withContainer(
    patch,
    async ({ does, state }) => {
      await does("start");
      const { pid } = await state();
      const path = (name: string): string => `/proc/${pid}/ns/${name}`;
      const joined = [
        { type: "user", path: path("user") },
        { type: "network", path: path("net") },
        { type: "ipc", path: path("ipc") },
        { type: "pid", path: path("pid") },
        { type: "mount" },
        { type: "uts" },
      ];
      const links = ["user", "net", "ipc", "pid"];
      const text = links.map((name) => `readlink /proc/self/ns/${name}`).join("; ");
      const linux = { namespaces: joined, uidMappings: undefined, gidMappings: undefined };
      const found = await inside(text, rootless({ linux }), { as });
      assert.equal(
        found.trim().split("\n"),
        links.map((name) => readlinkSync(path(name))),
      );
    },
    { as },
  );
});

test("a foreground container has a terminal, and its exit code", async () => {
  const directory = await specBundle(({ process }) => {
    process["terminal"] = true;
    process["args"] = ["sh", "-c", "tty; stat -c %u /dev/pts/0; exit 7"];
  });
  const command = [...as.through, as.runtime, "run", "--bundle", directory, freshName()];
  await withTerminal(async (terminal) => {
    const child = startOn(terminal, command, { env: as.env });
    assert.is(await child.exited, 7, terminal.shown());
    assert.match(terminal.shown(), "/dev/pts/0\r\n0\r\n");
  });
});

test("at a terminal of root's, nobody waits in a write either", async () => {
  const directory = await specBundle(({ process }) => {
    process["terminal"] = true;
    process["args"] = ["sh", "-c", "stty raw; while true; do echo yyyyyyyyyyyyyyy; done"];
  });
  const id = freshName();
  const command = [...as.through, as.runtime, "run", "--bundle", directory, id];
  await withTerminal(async (terminal) => {
    const child = startOn(terminal, command, { env: as.env });
    const status = async () => (await stateOf(id, { as }))?.status;
    await waitUntil("a running container", async () => (await status()) === "running");
    // More than all buffers hold; nothing is read meanwhile.
    assert.ok(terminal.fill("x".repeat(100_000)) < 100_000);
    await runt(["kill", id, "KILL"], { as });
    await waitUntil("the end", async () => (await status()) !== "running");
    child.kill("SIGTERM");
    assert.is(await child.exited, 137);
  });
});

test("preserved descriptors reach the program", async () => {
  const fds = ["one", "two"].map((name) => openWith(join(room.directory, freshName()), name));
  const directory = bundle(withScript("cat <&3; cat <&4", rootless()));
  const command = ["run", "--preserve-fds", "2", "--bundle", directory, freshName()];
  const { stdout, stderr } = await runt(command, { as, fds });
  assert.is(stdout, "onetwo", stderr);
});

test("hooks run with the user's rights", async () => {
  const file = join(giveToUser(freshDirectory()), "hook");
  const hook = { path: "/bin/sh", args: ["sh", "-c", `id -u > ${file}`] };
  const { code, stderr } = await run(rootless({ hooks: { createRuntime: [hook] } }), { as });
  assert.is(code, 0, stderr);
  assert.is(readFileSync(file, "utf8"), `${room.uid}\n`);
});

test("a forced delete ends all that a container without a cgroup has started", async () => {
  const text = "sleep 100 & sleep 100 & echo ready; wait";
  await withContainer(
    withScript(text, rootless()),
    async ({ create, does }) => {
      await does("start");
      await waitUntil("ready", () => create.stdout().includes("ready"));
      await does("delete", "--force");
      assert.equal(await leaks(), []);
    },
    { as },
  );
});

test("root of a user namespace makes containers, in one more or in the same", async () => {
  const { stdout: plain } = await run(withScript("cat /proc/self/uid_map", rootless()), { as });
  const own = [{ containerID: 0, hostID: 0, size: 1 }];
  const more = rootless({ linux: { uidMappings: own, gidMappings: own } });
  const namespaces = rootlessNamespaces.filter((one) => JSON.stringify(one) !== '{"type":"user"}');
  const same = rootless({
    linux: { namespaces, uidMappings: undefined, gidMappings: undefined },
  });
  for (const flags of ["-Ur", "-Urm"]) {
    const options = { as, through: ["unshare", flags] };
    const maps = [more, same].map((patch) => inside("cat /proc/self/uid_map", patch, options));
    const [inner = "", outer] = await Promise.all(maps);
    assert.equal(inner.trim().split(/\s+/), ["0", "0", "1"], flags);
    assert.is(outer, plain, flags);
  }
});

test("a program that the user could write is started anew, one of root's is not", async () => {
  const programs = readdirSync(libexec()).map((name) => join(libexec(), name));
  const exe = async (): Promise<string> => {
    const running = startRunt(["run", "--bundle", bundle(sleeper), freshName()], { as });
    const state = await waitUntil("container", async () => {
      const { stdout } = await runt(["list", "--format", "json"], { as });
      return JSON.parse(stdout)?.find(({ status }: { status: string }) => status === "running");
    });
    const link = readlinkSync(`/proc/${running.pid}/exe`);
    assert.is(readProc(running.pid, "comm"), "runt\n");
    await runt(["kill", state.id, "KILL"], { as });
    await running.ended;
    return link;
  };
  assert.is(await exe(), "/", "a mount of the program alone");
  for (const file of programs) chownSync(file, 0, 0);
  assert.is(await exe(), join(libexec(), "runt"));
  for (const file of programs) chownSync(file, room.uid, room.uid);
});

test("exec comes to a user's container, with the caller's ids or a range of them", async () => {
  const text = "id -u; id -g; cat /proc/self/uid_map; readlink /proc/self/ns/pid; tty";
  const ranged = { uidMappings: rangeMap, gidMappings: rangeMap };
  const user = { uid: 33, gid: 44 };
  for (const [caller, linux, ids] of [
    [as, {}, "0:0"],
    [userWithRange(), ranged, "33:44"],
  ] as const) {
    const process: Json = { args: ["/bin/sleep", "100"], user: ids === "0:0" ? {} : user };
    const patch = rootless({ process, linux: { ...linux } });
    await withContainer(
      patch,
      async ({ id, does, state }) => {
        const early = await runt(["exec", id, "true"], { as: caller });
        assert.is(early.code, 255);
        assert.match(early.stderr, /permission denied|operation not permitted/i);
        await does("start");
        const { pid } = await state();
        const command = ["exec", "--user", ids, id, "sh", "-c", text];
        const { stdout, stderr } = await runt(command, { as: caller });
        const [uid, gid, map, ...rest] = stdout.split("\n");
        assert.is(`${uid}:${gid}`, ids, stderr);
        assert.equal(map?.trim().split(/\s+/).slice(0, 2), ["0", String(room.uid)]);
        assert.ok(stdout.includes(readlinkSync(`/proc/${pid}/ns/pid`)), rest.join());
        assert.is((await runt(["exec", id, "nope"], { as: caller })).code, 255);
        const file = await runt(["exec", "-t", id, "tty"], { as: caller });
        assert.match(file.stdout, /\/dev\/pts\/0/, file.stderr);
      },
      { as: caller },
    );
  }
});

test("a failed create leaves nothing of the user's", async () => {
  await refusesBundle(bundle(rootless({ process: { args: ["/bin/none"] } })), /\/bin\/none/, {
    as,
  });
  assert.equal(readdirSync(room.userRoot), []);
});

runTests();
