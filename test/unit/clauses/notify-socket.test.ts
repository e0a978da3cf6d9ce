import { test } from "uvu";
import * as assert from "uvu/assert";
import { notifyEnvironment, notifySocket } from "../../../runtime/clauses/notify-socket.ts";
import type { Namespace } from "../../../runtime/config/types.gen.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { configOf, lines } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } };
const namespaces: Namespace[] = [{ type: "mount" }];
const config = configOf({ process, linux: { namespaces } });
const stepsFor = (notifySocket_: string | null, parts = config) => {
  const container = { ...demo, notifySocket: notifySocket_ };
  const { make, open, mount } = notifySocket(parts, hybridRoot, container);
  return [...lines([...make, ...open, ...mount]), ...notifyEnvironment(parts, container)];
};

test("a caller with a socket gives the program one in a folder of its own", () => {
  for (const socket of ["/run/systemd/notify", "@abstract"]) {
    assert.equal(stepsFor(socket), [
      "host notify.make-folder /run/runt/demo/notify",
      "host tree.open /run/runt/demo/notify →$notify",
      "init mount.tree $notify on /run/notify",
      "NOTIFY_SOCKET=/run/notify/notify.sock",
    ]);
  }
});

test("without a caller's socket, and without a process, there is nothing to do", () => {
  assert.equal(stepsFor(null), []);
  assert.equal(stepsFor("/socket", configOf({ linux: { namespaces } })), []);
});

test("a socket that cannot be passed on is told in a warning", () => {
  assert.equal(stepsFor("vsock:2:1234"), [
    'host warn the container is not given NOTIFY_SOCKET: "vsock:2:1234" is neither an absolute path nor @ and an abstract name',
  ]);
  assert.equal(stepsFor("/socket", configOf({ process })), [
    "host warn the container is not given NOTIFY_SOCKET: it has no mount namespace of its own",
  ]);
});

test.run();
