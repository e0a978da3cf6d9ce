// Values that are valid and look misspelt.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mountOptionNames } from "../../../runtime/clauses/mount-options.ts";
import { parseJson } from "../../../runtime/config/parse-json.ts";
import { problemText } from "../../../runtime/errors.ts";
import { nearValues } from "../../../runtime/lifecycle/near-values.ts";
import { defaultSpec } from "../../../runtime/lifecycle/spec.ts";
import { sampleConfig } from "../schemas/sample-config.ts";

function told(value: unknown): string[] {
  return nearValues(value).map(problemText);
}

function meant(value: unknown): (string | undefined)[] {
  return nearValues(value).map(({ hint }) => hint?.replace(/^did you mean "|"\?$/g, ""));
}

test("a capability in small letters, without its prefix, or with a slip is told", () => {
  const bounding = [
    "cap_chown",
    "CHOWN",
    "net_admin",
    "CAP_SYS_ADMN",
    "CAP_KILL",
    "CAP_UNHEARD_OF",
  ];
  assert.equal(told({ process: { capabilities: { bounding: bounding.slice(0, 1) } } }), [
    '/process/capabilities/bounding/0: found the unknown capability "cap_chown" (hint: did you mean "CAP_CHOWN"?)',
  ]);
  assert.equal(meant({ process: { capabilities: { bounding } } }), [
    "CAP_CHOWN",
    "CAP_CHOWN",
    "CAP_NET_ADMIN",
    "CAP_SYS_ADMIN",
  ]);
});

test("a mount option or type with a slip is told, with its value", () => {
  const mounts = [
    { destination: "/a", type: "tmpsf", options: ["noexce", "siez=5m"] },
    { destination: "/b", type: "tmpfs", options: ["noexce", "siez=5m", "mode=755"] },
    { destination: "/c", type: "bind", options: ["rbnd", "rprvate", "RO"] },
    { destination: "/d", type: "overlay", options: ["lowredir=/x"] },
  ];
  assert.equal(
    told({ mounts }).map((line) => line.replace(/:.*mean/, "")),
    [
      '/mounts/0/type "tmpfs"?)',
      '/mounts/1/options/0 "noexec"?)',
      '/mounts/1/options/1 "size=5m"?)',
      '/mounts/2/options/0 "rbind"?)',
      '/mounts/2/options/1 "rprivate"?)',
      '/mounts/2/options/2 "ro"?)',
      '/mounts/3/options/0 "lowerdir=/x"?)',
    ],
  );
});

test("options of filesystems that have many are left to them", () => {
  const options = ["errors=remount-ro", "data=ordered", "acl", "user_xattr", "context=x"];
  assert.equal(told({ mounts: [{ destination: "/a", type: "ext4", options }] }), []);
  assert.equal(told({ mounts: [{ destination: "/a", type: "fuse.sshfs", options }] }), []);
});

test("a system call with one slip is told, and one of another machine is not", () => {
  const names = [
    "openatt",
    "mkdr",
    "wirte",
    "Read",
    "sync_file_range2",
    "cacheflush",
    "s390_pci_mmio_read",
  ];
  assert.equal(meant({ linux: { seccomp: { syscalls: [{ names }] } } }), [
    "openat",
    "mkdir",
    "write",
    "read",
  ]);
});

test("nothing is found in what is right", () => {
  assert.equal(told(sampleConfig), []);
  assert.equal(told(defaultSpec()), []);
  for (const name of ["hello", "hooks", "limits", "terminal"]) {
    const file = join(import.meta.dirname, "../../../bundles", name, "config.json");
    assert.equal(told(parseJson(readFileSync(file, "utf8"), file)), [], name);
  }
  assert.equal(told({ mounts: [{ destination: "/a", options: mountOptionNames() }] }), []);
});

test("names that every object has are names like any other", () => {
  const names = ["constructor", "__proto__", "toString"];
  const mounts = ["constructor", "toString"].map((type) => ({
    destination: "/a",
    type,
    options: names,
  }));
  const syscalls = [{ names }];
  const capabilities = { bounding: names };
  assert.equal(told({ mounts, process: { capabilities }, linux: { seccomp: { syscalls } } }), []);
});

test("what does not fit its schema is passed over", () => {
  for (const value of [null, [], "x", { mounts: 1 }, { mounts: [{ options: [1], type: {} }] }]) {
    assert.equal(told(value), []);
  }
  assert.equal(told({ process: { capabilities: [["cap_chown"]] } }), []);
});

test.run();
