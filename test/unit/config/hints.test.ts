// Hints: what a wrong value was meant to be.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { refused, withProcess } from "./refused.ts";

const device = { type: "c", path: "/dev/x", major: 1, minor: 1 };
const filter = { defaultAction: "SCMP_ACT_ALLOW" };

const CASES: readonly { name: string; changes: object; pointer: string; hint: string }[] = [
  {
    name: "a mode that looks octal",
    changes: { linux: { devices: [{ ...device, fileMode: 666 }] } },
    pointer: "/linux/devices/0/fileMode",
    hint: "JSON has no octal numbers: for 0666 write 438",
  },
  {
    name: "an octal mode in quotes",
    changes: withProcess({ user: { uid: 0, gid: 0, umask: "0022" } }),
    pointer: "/process/user/umask",
    hint: "JSON has no octal numbers: for 022 write 18",
  },
  {
    name: "a number in quotes",
    changes: withProcess({ user: { uid: "1000", gid: 0 } }),
    pointer: "/process/user/uid",
    hint: "write 1000 without quotes",
  },
  {
    name: "a 64-bit number in quotes",
    changes: { linux: { resources: { pids: { limit: "-1" } } } },
    pointer: "/linux/resources/pids/limit",
    hint: "write -1 without quotes",
  },
  {
    name: "a boolean in quotes",
    changes: { root: { path: "r", readonly: "true" } },
    pointer: "/root/readonly",
    hint: "write true without quotes",
  },
  {
    name: "a number where a string is wanted",
    changes: { linux: { sysctl: { "net.ipv4.ip_forward": 1 } } },
    pointer: "/linux/sysctl/net.ipv4.ip_forward",
    hint: 'write "1" in quotes',
  },
  {
    name: "a string where a list is wanted",
    changes: withProcess({ args: "sh" }),
    pointer: "/process/args",
    hint: 'write ["sh"]',
  },
  {
    name: "an object where a list is wanted",
    changes: { mounts: { destination: "/proc" } },
    pointer: "/mounts",
    hint: "put it in [ ]",
  },
  {
    name: "null",
    changes: { hostname: null },
    pointer: "/hostname",
    hint: "to leave it unset, remove the property",
  },
  {
    name: "an action with a slip",
    changes: { linux: { seccomp: { defaultAction: "SCMP_ACT_ALOW" } } },
    pointer: "/linux/seccomp/defaultAction",
    hint: 'did you mean "SCMP_ACT_ALLOW"?',
  },
  {
    name: "an action in lower case",
    changes: { linux: { seccomp: { defaultAction: "scmp_act_errno" } } },
    pointer: "/linux/seccomp/defaultAction",
    hint: 'did you mean "SCMP_ACT_ERRNO"?',
  },
  {
    name: "an architecture without its prefix",
    changes: { linux: { seccomp: { ...filter, architectures: ["x86_64"] } } },
    pointer: "/linux/seccomp/architectures/0",
    hint: 'did you mean "SCMP_ARCH_X86_64"?',
  },
  {
    name: "the kernel's name of a namespace",
    changes: { linux: { namespaces: [{ type: "mnt" }] } },
    pointer: "/linux/namespaces/0/type",
    hint: 'did you mean "mount"?',
  },
  {
    name: "a page size in the wrong case",
    changes: { linux: { resources: { hugepageLimits: [{ pageSize: "64kB", limit: 1 }] } } },
    pointer: "/linux/resources/hugepageLimits/0/pageSize",
    hint: 'did you mean "64KB"?',
  },
  {
    name: "a required property under a name with a slip",
    changes: { process: { cwd: "/", agrs: ["sh"] } },
    pointer: "/process",
    hint: 'rename "agrs" to "args"',
  },
];

for (const { name, changes, pointer, hint } of CASES) {
  test(`${name} gets a hint`, () => {
    const lines = refused(changes);
    assert.ok(
      lines.some((line) => line.startsWith(`${pointer}: `) && line.endsWith(`(hint: ${hint})`)),
      lines.join("\n"),
    );
  });
}

test("a value that resembles nothing gets no hint", () => {
  const [line] = refused({ linux: { namespaces: [{ type: "wonderland" }] } });
  assert.not.match(line ?? "", "hint");
});

test("a missing property says what it is for", () => {
  const [line] = refused({ root: {} });
  assert.is(
    line,
    '/root: found no "path", which is required (Directory of the root filesystem: absolute, or relative to the bundle)',
  );
});

test.run();
