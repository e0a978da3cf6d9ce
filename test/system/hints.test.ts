// The failures that people ask about most: each says what to do. The words that callers make exit
// codes of stay as they are, and no hint has those of another failure.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import {
  bundle,
  defaultMounts,
  defaultNamespaces,
  inUserNamespace,
  type Json,
  type Patch,
} from "../support/bundle.ts";
import { withContainer } from "../support/container.ts";
import { ordinaryUser, rootless, userRootfs } from "../support/ordinary-user.ts";
import { freshDirectory, freshName } from "../support/room.ts";
import { newRootfs } from "../support/rootfs.ts";
import { type RuntOptions, runt } from "../support/runt.ts";
import { runTests, test } from "../support/suite.ts";
import { waitUntil } from "../support/wait.ts";

interface Options extends RuntOptions {
  flags?: readonly string[];
}

const page = readFileSync(join(import.meta.dir, "../../docs/errors.md"), "utf8");

/** The message of a run that fails; what it hints at stands in the docs. */
async function messageOf(patch: Patch, { flags = [], ...options }: Options = {}): Promise<string> {
  const id = freshName();
  const command = ["run", "--bundle", bundle(patch), ...flags, id];
  const { code, stderr } = await runt(command, options);
  const message = JSON.parse(/level=error msg=(".*")$/m.exec(stderr)?.[1] ?? '""');
  assert.is(code, 1, stderr);
  const [, hint = ""] = /\(hint: (.*)\)$/.exec(message) ?? [];
  assert.ok(page.includes(hint.slice(0, 20)), `docs/errors.md does not have: ${hint}`);
  return message;
}

/** How containerd, Docker and Podman read a message: 127 not found, 126 not executable. */
function exitCodesOf(message: string): number[] {
  const notFound = /executable file not found|no such file or directory|not a directory/i;
  const notExecutable = /permission denied|operation not permitted|is a directory/i;
  return [...(notFound.test(message) ? [127] : []), ...(notExecutable.test(message) ? [126] : [])];
}

const rootfs = newRootfs();

function program(name: string, content: string | Uint8Array, mode = 0o755): string {
  const path = join(rootfs, "bin", name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return `/bin/${name}`;
}

/** The program as for another machine: the ELF header says AArch64 (elf(5), e_machine). */
function foreign(): Uint8Array {
  const elf = Buffer.from(readFileSync("/bin/busybox"));
  elf.writeUInt16LE(183, 18);
  return elf;
}

function executing(name: string, more: Patch = {}): Patch {
  return { root: { path: rootfs }, process: { args: [name] }, ...more };
}

function mounting(...mounts: Json[]): Patch {
  return { root: { path: rootfs }, mounts: [...defaultMounts, ...mounts] };
}

function bind(source: string, destination: string, ...options: string[]): Json {
  return { destination, type: "bind", source, options: ["bind", ...options] };
}

test("a program that is not found says where it is looked for, and makes 127", async () => {
  for (const [patch, pattern] of [
    [
      executing("nope"),
      /exec: "nope": executable file not found in \$PATH \(hint: PATH is \/bin, in the container\)$/,
    ],
    [
      executing("/bin/nope"),
      /exec: "\/bin\/nope": stat \/bin\/nope: no such file or directory \(hint: .* not on the host\)$/,
    ],
    [executing("/bin/echo hello"), /: no such file or directory \(hint: .*each argument/],
    [executing("echo hello"), /: executable file not found in \$PATH \(hint: .*each argument/],
  ] as const) {
    const message = await messageOf(patch);
    assert.match(message, pattern);
    assert.equal(exitCodesOf(message), [127], message);
  }
});

test("a program that may not be executed says why, and makes 126", async () => {
  const noexec = mounting(bind(rootfs, "/x", "noexec"));
  const cases: [Patch, RegExp][] = [
    [executing(program("plain", "#!/bin/sh\n", 0o644)), /denied \(hint: .*chmod \+x\)$/],
    [executing("/x/bin/busybox", noexec), /denied \(hint: .*"noexec"\)$/],
    [executing("/bin"), /exec: "\/bin": is a directory \(permission denied\)$/],
    [
      {
        root: { path: rootfs },
        process: {
          args: [program("roots", "#!/bin/sh\n", 0o700)],
          user: { uid: 1, gid: 1 },
        },
      },
      /permission denied \(EACCES\) \(hint: the user of the process/,
    ],
    [
      executing("/bin/true", { linux: { seccomp: { defaultAction: "SCMP_ACT_ERRNO" } } }),
      /operation not permitted \(EPERM\) \(hint: the seccomp filter/,
    ],
  ];
  for (const [patch, pattern] of cases) {
    const message = await messageOf(patch);
    assert.match(message, pattern);
    assert.equal(exitCodesOf(message), [126], message);
  }
});

test("a program that the kernel cannot execute says what it is", async () => {
  for (const [name, content, pattern, codes] of [
    ["foreign", foreign(), /exec format error \(ENOEXEC\) \(hint: .*another machine/, []],
    ["lineless", "echo\n", /exec format error \(ENOEXEC\) \(hint: .*#! line\)$/, []],
    ["orphan", "#!/no/such\n", /\(ENOENT\) \(hint: its interpreter or dynamic loader/, [127]],
  ] as const) {
    const message = await messageOf(executing(program(name, content)));
    assert.match(message, `exec: "/bin/${name}": `);
    assert.match(message, pattern);
    assert.equal(exitCodesOf(message), codes, message);
  }
});

test("a bundle, a configuration or a root filesystem that is not there says what to give", async () => {
  const missing = await messageOf({ root: { path: "rootfs" } });
  assert.match(missing, /\/root\/path: found "rootfs": no such file.*hint: unpack the image there/);
  for (const [folder, pattern] of [
    ["/no/such/bundle", /the bundle \/no\/such\/bundle: no such file.*hint: --bundle names/],
    [freshDirectory(), /config\.json: no such file.*hint: .*"runt spec" begins one/],
  ] as const) {
    const { stderr } = await runt(["create", "--bundle", folder, freshName()]);
    assert.match(JSON.parse(/msg=(".*")/.exec(stderr)?.[1] ?? '""'), pattern);
  }
});

test("a root filesystem that is closed to a user namespace says to whom to give it", async () => {
  const closed = newRootfs();
  chmodSync(closed, 0o700);
  const message = await messageOf({ root: { path: closed }, linux: inUserNamespace });
  assert.match(message, /root\.bind \(\/root\/path\): .*permission denied.*hint: .*chmod a\+x/);
});

test("a mount without a source, or of the wrong kind, names the paths", async () => {
  const readonly = mounting(bind(freshDirectory(), "/r", "ro"), bind("/tmp", "/r/below"));
  for (const [patch, pattern] of [
    [
      mounting(bind("/no/such/source", "/x")),
      /\/mounts\/5\/source\): .*"\/no\/such\/source".*no such file.*hint: .* on the host\)$/,
    ],
    [
      mounting(bind("/tmp", "/etc/passwd")),
      / \/tmp on \/etc\/passwd: not a directory .*hint: a directory cannot be .* on a file\)$/,
    ],
    [
      mounting(bind("/etc/hostname", "/tmp")),
      / \/etc\/hostname on \/tmp: .*hint: a file .* a directory\)$/,
    ],
    [readonly, /\/mounts\/6.*\/r\/below cannot be made: .*EROFS.*hint: .*in the image/],
  ] as const) {
    assert.match(await messageOf(patch), pattern);
  }
});

test("an overlay on an overlay says where its layers can be", async () => {
  const place = freshDirectory();
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => {
    mkdirSync(join(place, name));
    return join(place, name);
  });
  // In a mount namespace that ends with the command.
  const outer = `mount -t overlay overlay -o lowerdir=${lower},upperdir=${upper},workdir=${work} ${merged}`;
  const script = `${outer} && mkdir ${merged}/u ${merged}/w && exec "$@"`;
  const options = [`lowerdir=${rootfs}`, `upperdir=${merged}/u`, `workdir=${merged}/w`];
  const patch = mounting({ destination: "/x", type: "overlay", source: "overlay", options });
  const through = ["unshare", "--mount", "sh", "-c", script, "sh"];
  assert.match(await messageOf(patch, { through }), /\/mounts\/5.*EINVAL.*hint: upperdir and work/);
});

test("a proc that the kernel refuses says what it takes", async () => {
  const namespaces = defaultNamespaces.filter((one) => JSON.stringify(one) !== '{"type":"pid"}');
  const linux = { ...inUserNamespace, namespaces: [...namespaces, { type: "user" }] };
  assert.match(
    await messageOf({ linux }),
    /\/mounts\/0.*EPERM.*hint: .*type pid, and .*\/proc with nothing mounted over it; bind-mount/,
  );
});

test("an id that is taken says where, and an unknown one where it was looked for", async () => {
  await withContainer({}, async ({ id, bundle: directory }) => {
    const { code, stderr } = await runt(["create", "--bundle", directory, id]);
    assert.is(code, 1);
    assert.match(stderr, `container with given ID already exists: ${id} (hint: it is in `);
  });
  const { stderr } = await runt(["state", "nope"]);
  assert.match(stderr, /container \\"nope\\" does not exist \(hint: not in \/.*--root names/);
});

test("a terminal without a listener for it says who has to listen", async () => {
  const patch = { process: { terminal: true } };
  const flags = ["--detach", "--console-socket", "/no/such.sock"];
  assert.match(
    await messageOf(patch, { flags }),
    /\/process\/terminal\): connect\("\/no\/such\.sock"\).*hint: .*listens on that socket/,
  );
});

test("limits on processes, namespaces and memory are named where they are met", async () => {
  const cgroup = `/sys/fs/cgroup/pids/${freshName()}`;
  mkdirSync(cgroup);
  try {
    // Enough for the program and the joiner of a time namespace, and not for init.
    writeFileSync(join(cgroup, "pids.max"), "2");
    const linux = { namespaces: [...defaultNamespaces, { type: "time" }] };
    const through = ["sh", "-c", `echo $$ > ${cgroup}/cgroup.procs; exec "$@"`, "sh"];
    assert.match(await messageOf({ linux }, { through }), /EAGAIN.*hint: .*ulimit -u.*pids\.max/);
  } finally {
    await waitUntil("end of the cgroup", () => Bun.spawnSync(["rmdir", cgroup]).exitCode === 0);
  }
  const none = 'echo 0 > /proc/sys/user/max_uts_namespaces; exec "$@"';
  const through = ["unshare", "--user", "--map-root-user", "sh", "-c", none, "sh"];
  const user = ordinaryUser();
  const as = { ...user, through: [...user.through, ...through] };
  const uts = rootless({ root: { path: userRootfs() } });
  assert.match(await messageOf(uts, { as }), /ENOSPC.*hint: .*\/proc\/sys\/user\/max_/);
  const small = { linux: { resources: { memory: { limit: 4096 } } } };
  assert.match(await messageOf(small), /ended \(signal 9\) \(hint: the limit on memory/);
});

test("cgroups that cannot be written to say what to do without", async () => {
  const readonly = `for m in /sys/fs/cgroup/*; do mount -o remount,bind,ro $m; done; exec "$@"`;
  const through = ["unshare", "--mount", "sh", "-c", readonly, "sh"];
  const resources = { linux: { resources: { pids: { limit: 9 } } } };
  assert.match(
    await messageOf(resources, { through }),
    /cgroup\.create.*EROFS.*hint: .*--rootless=true/,
  );
});

runTests();
