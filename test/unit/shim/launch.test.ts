// What `start` understands of its command line and its standard input, and what it answers.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseArguments } from "../../../shim/launch/arguments.ts";
import { parametersFrom } from "../../../shim/launch/parameters.ts";
import { replyTo } from "../../../shim/launch/reply.ts";
import { socketPath } from "../../../shim/launch/socket.ts";
import { BootstrapParams, BootstrapResult } from "../../../shim/proto/bootstrap.ts";
import { Any } from "../../../shim/proto/common.ts";
import { decode } from "../../../shim/proto/decode.ts";
import { encode } from "../../../shim/proto/encode.ts";

const nothing = {
  action: "",
  version: false,
  info: false,
  debug: false,
  namespace: "",
  id: "",
  address: "",
  bundle: "",
};

const commandLines: readonly [string, Partial<ReturnType<typeof parseArguments>>][] = [
  [
    "-namespace k8s.io -address /c.sock -publish-binary /bin/containerd -id a -debug start",
    { namespace: "k8s.io", address: "/c.sock", id: "a", debug: true, action: "start" },
  ],
  [
    "--namespace=n --id=a=b -address= -bundle /b -debug=false delete",
    { namespace: "n", id: "a=b", bundle: "/b", action: "delete" },
  ],
  // CRI-O has no address to give.
  ["-namespace default -address  -id a start", { namespace: "default", id: "a", action: "start" }],
  ["-id -info start", { id: "-info", action: "start" }],
  ["-info", { info: true }],
  ["-v", { version: true }],
  ["--version=1", { version: true }],
  ["-id a start -debug delete", { id: "a", action: "start" }],
  ["-id a -- start", { id: "a", action: "start" }],
  ["-id a", { id: "a" }],
  ["", {}],
  // Flags of a containerd that is newer than we are.
  ["-new-value 7 -id a start", { id: "a", action: "start" }],
  ["-new-switch -id a start", { id: "a", action: "start" }],
  ["-id a -new-switch start", { id: "a", action: "start" }],
  ["-id a -new=7 start", { id: "a", action: "start" }],
];

for (const [line, expected] of commandLines) {
  test(`the command line "${line}"`, () => {
    const words = line === "" ? [] : line.split(" ");
    assert.equal(parseArguments(words), { ...nothing, ...expected });
  });
}

const asked = { id: "a", namespace: "n" };
const options = { typeUrl: "some.Options", value: Buffer.of(1, 2) };

test("without standard input there are no options", () => {
  const { isBootstrap, options: found } = parametersFrom(new Uint8Array(0), asked);
  assert.equal({ isBootstrap, found }, { isBootstrap: false, found: [] });
});

test("containerd up to 2.2 sends the options alone", () => {
  const { isBootstrap, options: found } = parametersFrom(encode(Any, options), asked);
  assert.equal({ isBootstrap, found }, { isBootstrap: false, found: [options] });
});

test("containerd from 2.3 on sends parameters, known by id and namespace", () => {
  const params = {
    instanceId: "a",
    namespace: "n",
    logLevel: -4,
    containerdTtrpcAddress: "/c.sock.ttrpc",
    extensions: [{ value: options }, {}],
    socketDir: "/s",
  };
  assert.equal(parametersFrom(encode(BootstrapParams, params), asked), {
    isBootstrap: true,
    options: [options],
    ttrpcAddress: "/c.sock.ttrpc",
    socketDirectory: "/s",
    debug: true,
  });
  const little = { instanceId: "a", namespace: "n" };
  assert.equal(parametersFrom(encode(BootstrapParams, little), asked), {
    isBootstrap: true,
    options: [],
    ttrpcAddress: "",
    socketDirectory: "",
    debug: false,
  });
});

test("parameters of another container are options of a type that nobody knows", () => {
  const input = encode(BootstrapParams, { instanceId: "b", namespace: "n" });
  const { isBootstrap, options: found } = parametersFrom(input, asked);
  assert.is(isBootstrap, false);
  assert.equal(
    found.map(({ typeUrl }) => typeUrl),
    ["b"],
  );
});

for (const garbage of ["\0", "hello\n", '{"version":2}', "\n\xff"]) {
  test(`standard input ${JSON.stringify(garbage)} is refused in words`, () => {
    assert.throws(
      () => parametersFrom(Buffer.from(garbage, "latin1"), asked),
      /^standard input is neither empty, nor the runtime's options, nor containerd's parameters: /,
    );
  });
}

const address = "unix:///run/containerd/s/0123";
const json = `{"version":2,"address":"${address}","protocol":"ttrpc"}`;
const replies: readonly [string, Parameters<typeof replyTo>[0], string][] = [
  ["containerd 1.6 and CRI-O", { isBootstrap: false, maxShimVersion: undefined }, address],
  ["containerd 1.7 to 2.2", { isBootstrap: false, maxShimVersion: "2" }, json],
];

for (const [who, asker, reply] of replies) {
  test(`the answer to ${who}`, () => assert.is(replyTo(asker, address).toString(), reply));
}

test("the answer to containerd from 2.3 on", () => {
  const reply = replyTo({ isBootstrap: true, maxShimVersion: "2" }, address);
  assert.equal(decode(BootstrapResult, reply), { version: 3, address, protocol: "ttrpc" });
});

test("a socket is named by a hash of containerd's address, the namespace and the group", () => {
  const name = { namespace: "k8s.io", group: "a", directory: "" };
  const hash = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");
  assert.is(
    socketPath({ ...name, address: "/run/containerd/containerd.sock" }),
    `/run/containerd/s/${hash("/run/containerd/containerd.sock/k8s.io/a")}`,
  );
  assert.is(
    socketPath({ ...name, address: "//c.sock/", directory: "/s" }),
    `/s/${hash("/c.sock/k8s.io/a")}`,
  );
  assert.is(socketPath({ ...name, address: "" }), `/run/containerd/s/${hash("k8s.io/a")}`);
});

test.run();
