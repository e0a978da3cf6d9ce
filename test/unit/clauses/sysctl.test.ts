import { test } from "uvu";
import * as assert from "uvu/assert";
import { sysctl } from "../../../runtime/clauses/sysctl.ts";
import type { Namespace } from "../../../runtime/config/types.gen.ts";
import { configOf, pointers, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

function compiled(key: string, ...types: Namespace["type"][]) {
  const namespaces = types.map((type) => ({ type }));
  return sysctl(configOf({ linux: { namespaces, sysctl: { [key]: "1" } } }), demo);
}

const accepted: [key: string, namespace: Namespace["type"], file: string][] = [
  ["kernel.msgmax", "ipc", "kernel/msgmax"],
  ["kernel/shmmni", "ipc", "kernel/shmmni"],
  ["fs.mqueue.msg_max", "ipc", "fs/mqueue/msg_max"],
  ["net.ipv4.ip_forward", "network", "net/ipv4/ip_forward"],
  ["net/ipv4/conf/eth0.100/forwarding", "network", "net/ipv4/conf/eth0.100/forwarding"],
  ["net.ipv4.conf.eth0/100.forwarding", "network", "net/ipv4/conf/eth0.100/forwarding"],
  ["kernel.domainname", "uts", "kernel/domainname"],
  ["user.max_user_namespaces", "user", "user/max_user_namespaces"],
];

test("a parameter is set in the namespace that it belongs to, and refused without", () => {
  for (const [key, namespace, file] of accepted) {
    const { steps, problems } = compiled(key, namespace);
    assert.equal(
      [problems.length, steps.map(({ op }) => op.args)],
      [0, [{ key, file, value: "1" }]],
    );
    assert.is(compiled(key, "mount").problems.length, 1, key);
  }
});

test("parameters of the whole host and paths that lead elsewhere are refused", () => {
  for (const key of [
    "kernel.pid_max",
    "kernel.hostname",
    "kernel.msgmaxx",
    "vm.swappiness",
    "fs.file-max",
    "net/../kernel/pid_max",
    "net..ipv4",
    "net.",
    "",
    "netx.ipv4",
  ]) {
    assert.is(compiled(key, "ipc", "network", "uts").problems.length, 1, key);
  }
});

test("a namespace that is joined and is the caller's own protects nobody", () => {
  const namespaces: Namespace[] = [{ type: "network", path: "/proc/self/ns/net" }];
  const config = configOf({ linux: { namespaces, sysctl: { "net.ipv4.ip_forward": "1" } } });
  assert.equal(sysctl(config, demo).problems, []);
  const [problem] = sysctl(config, { ...demo, callerNamespaces: ["network"] }).problems;
  assert.match(problem?.message ?? "", "joins");
});

test("pointers escape the slashes of a key", () => {
  assert.equal(reasons(compiled("net/core/somaxconn", "network").steps), [
    "/linux/sysctl/net~1core~1somaxconn",
  ]);
  assert.equal(pointers(compiled("net/core/somaxconn").problems), [
    "/linux/sysctl/net~1core~1somaxconn",
  ]);
});

test.run();
