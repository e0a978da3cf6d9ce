// Fields by their names, in every form in which people write them.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { fieldNamed } from "../../../runtime/config/field.ts";

test("a field is found by dots, by a pointer, and with places in lists", () => {
  for (const name of [
    "linux.seccomp.syscalls.args.op",
    ".linux.seccomp.syscalls.0.args.12.op",
    "linux.seccomp.syscalls[0].args[].op",
    "/linux/seccomp/syscalls/0/args/1/op",
    "/linux/seccomp/syscalls/*/args/*/op",
    "/linux/seccomp/syscalls/args/op/",
  ]) {
    const field = fieldNamed(name);
    assert.is(field.name, "linux.seccomp.syscalls.args.op", name);
    assert.is(field.pointer, "/linux/seccomp/syscalls/*/args/*/op", name);
    assert.ok(field.required);
  }
});

test("a key of a map is no field of its own, whatever is in it", () => {
  for (const name of ["linux.sysctl", "linux.sysctl.net.ipv4.ip_forward", "/linux/sysctl/a~1b"]) {
    assert.is(fieldNamed(name).name, "linux.sysctl", name);
  }
  for (const name of ["linux.netDevices.eth0.name", "linux.netDevices.name"]) {
    assert.is(fieldNamed(name).name, "linux.netDevices.name", name);
  }
  assert.is(fieldNamed("annotations.org.example.key").name, "annotations");
});

test("no name is the whole configuration, with what is in it", () => {
  for (const name of ["", "/", "."]) {
    const { fields, node } = fieldNamed(name);
    assert.is(node.type, "object");
    assert.ok(fields.some((field) => field.pointer === "/process" && !field.required));
    assert.ok(fields.some((field) => field.pointer === "/root" && field.required));
  }
});

test("a field of a list shows what is in its entries", () => {
  for (const name of ["mounts", "mounts.3"]) {
    assert.ok(
      fieldNamed(name).fields.some(({ pointer }) => pointer === "/mounts/*/source"),
      name,
    );
  }
});

test("steps and kernel are those of the field around it where it has none of its own", () => {
  assert.equal(fieldNamed("process.rlimits.soft").explanation.steps, ["limit.set"]);
  assert.is(fieldNamed("linux.timeOffsets.boottime.secs").explanation.kernel, "5.6");
});

test("an unknown field is an error that names the nearest one", () => {
  const errors: [name: string, message: string][] = [
    ["proces.user", 'config.json has no field "proces" (hint: did you mean process?)'],
    ["/linux/secomp", 'linux has no field "secomp" (hint: did you mean linux.seccomp?)'],
    ["mounts.0.option", 'mounts has no field "option" (hint: did you mean mounts.options?)'],
    ["process.args.x", 'process.args has no field "x"'],
    ["process.terminal.0", 'process.terminal has no field "0"'],
    ["__proto__", 'config.json has no field "__proto__"'],
    ["constructor.name", 'config.json has no field "constructor"'],
  ];
  for (const [name, message] of errors) assert.throws(() => fieldNamed(name), message, name);
});

test.run();
