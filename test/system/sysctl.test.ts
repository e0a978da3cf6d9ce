// Kernel parameters of the container's namespaces.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { defaultNamespaces, type Json } from "../support/bundle.ts";
import { inside, run } from "../support/container.ts";
import { withNetwork } from "../support/network.ts";
import { runTests, test } from "../support/suite.ts";

/** The default namespaces without one, or with another in its place. */
function namespacesWithout(type: string, instead: Json[] = []): Json[] {
  return [...defaultNamespaces.filter((one) => !JSON.stringify(one).includes(type)), ...instead];
}

test("parameters of namespaces are set inside and not on the host", async () => {
  const sysctl = {
    "kernel.msgmax": "12345",
    "kernel.sem": "32000 1024000000 500 31000",
    "kernel.shm_rmid_forced": "1",
    "kernel.domainname": "of.mine",
    "net.ipv4.ip_forward": "1",
    "net.ipv4.ping_group_range": "0 1000",
    "net/ipv4/conf/lo/log_martians": "1",
    "fs.mqueue.queues_max": "17",
    "fs/mqueue/msg_max": "11\n",
  };
  const files = Object.keys(sysctl).map((key) => `/proc/sys/${key.replaceAll(".", "/")}`);
  const before = files.map((file) => readFileSync(file, "utf8"));
  const lines = (await inside(`cat ${files.join(" ")}`, { linux: { sysctl } })).trimEnd();
  assert.equal(lines.replaceAll("\t", " ").split("\n"), [
    "12345",
    "32000 1024000000 500 31000",
    "1",
    "of.mine",
    "1",
    "0 1000",
    "1",
    "17",
    "11",
  ]);
  assert.equal(
    files.map((file) => readFileSync(file, "utf8")),
    before,
  );
});

test("a user namespace of its own has parameters of its own, and lets the others be set", async () => {
  const sysctl = {
    "user.max_net_namespaces": "7",
    "kernel.msgmax": "12345",
    "net.ipv4.ip_forward": "1",
    "fs.mqueue.queues_max": "17",
  };
  const files = Object.keys(sysctl).map((key) => `/proc/sys/${key.replaceAll(".", "/")}`);
  const before = readFileSync(files[0] ?? "", "utf8");
  const linux = {
    namespaces: [...defaultNamespaces, { type: "user" }],
    uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    maskedPaths: ["/proc/kcore", "/proc/sys/kernel/panic"],
    readonlyPaths: ["/proc/sys"],
    sysctl,
  };
  assert.is(await inside(`cat ${files.join(" ")}`, { linux }), "7\n12345\n1\n17\n");
  assert.is(readFileSync(files[0] ?? "", "utf8"), before);
});

test("an empty value empties a list", async () => {
  await withNetwork(async ({ path, does }) => {
    does("sysctl", "-q", "net.ipv4.ip_local_reserved_ports=80-82");
    const text = "cat /proc/sys/net/ipv4/ip_local_reserved_ports";
    const namespaces = namespacesWithout("network", [{ type: "network", path }]);
    const sysctl = { "net.ipv4.ip_local_reserved_ports": "" };
    assert.is(await inside(text, { linux: { namespaces } }), "80-82\n");
    assert.is(await inside(text, { linux: { namespaces, sysctl } }), "\n");
  });
});

test("a parameter that is the whole machine's is refused", async () => {
  const sysctl = { "kernel.panic": "1", "vm.swappiness": "1", net: "1", "../etc/x": "1" };
  const { code, stderr } = await run({ linux: { sysctl: { ...sysctl, "kernel.hostname": "x" } } });
  assert.is(code, 1);
  for (const key of ["kernel.panic", "vm.swappiness", "net", "..~1etc~1x", "kernel.hostname"]) {
    assert.ok(stderr.includes(`/linux/sysctl/${key}:`), stderr);
  }
  assert.match(stderr, /use \/hostname/);
});

test("a parameter of a namespace that is the caller's is refused with what to change", async () => {
  for (const [type, key] of [
    ["network", "net.ipv4.ip_forward"],
    ["ipc", "kernel.msgmax"],
    ["ipc", "fs.mqueue.queues_max"],
    ["uts", "kernel.domainname"],
    ["user", "user.max_net_namespaces"],
  ] as const) {
    const linux = { namespaces: namespacesWithout(type), sysctl: { [key]: "1" } };
    const { code, stderr } = await run({ hostname: undefined, linux });
    assert.is(code, 1, key);
    assert.ok(stderr.includes(`/linux/sysctl/${key}: `), stderr);
    assert.match(stderr, new RegExp(`hint: add .*type.*${type}`));
  }
  const namespaces = namespacesWithout("network", [{ type: "network", path: "/proc/self/ns/net" }]);
  const linux = { namespaces, sysctl: { "net.ipv4.ip_forward": "1" } };
  const { code, stderr } = await run({ linux });
  assert.is(code, 1);
  assert.match(stderr, /net\.ipv4\.ip_forward.*namespace the container joins/);
});

test("what the kernel does not take or does not have is an error that names it", async () => {
  const value = await run({ linux: { sysctl: { "kernel.msgmax": "many" } } });
  assert.is(value.code, 1);
  assert.match(value.stderr, /kernel\.msgmax.*write\(.*many.*invalid argument/i);
  const key = await run({ linux: { sysctl: { "net.core.unheard_of": "1" } } });
  assert.is(key.code, 1);
  assert.match(key.stderr, /net\.core\.unheard_of.*no such file.*no such parameter/);
});

runTests();
