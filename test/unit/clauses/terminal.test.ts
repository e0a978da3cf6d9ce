import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Container } from "../../../runtime/clauses/container.ts";
import { terminal } from "../../../runtime/clauses/terminal.ts";
import type { Namespace } from "../../../runtime/config/types.gen.ts";
import { configOf, lines, pointers } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

interface Asked {
  terminal: boolean;
  console: Container["console"];
  namespaces?: Namespace[];
}

function compiled({ terminal: asked, console, namespaces = [{ type: "mount" }] }: Asked) {
  const user = { uid: 7, gid: 0 };
  const process = { args: ["sh"], cwd: "/", user, terminal: asked };
  return terminal(configOf({ process, linux: { namespaces } }), { ...demo, console });
}

const socket = { kind: "socket" as const, path: "/run/console" };
const foreground = { kind: "foreground" as const };
const none = { kind: "none" as const };

test("the master goes to the socket, which is connected before anything is made", () => {
  const { connect, send, problems } = compiled({ terminal: true, console: socket });
  assert.equal(lines(connect), ["host console.connect /run/console →$console-socket"]);
  assert.equal(lines(send), ["host console.send $console to $console-socket"]);
  assert.equal(problems, []);
});

test("a caller in the foreground keeps the master", () => {
  const { connect, send } = compiled({ terminal: true, console: foreground });
  assert.equal([connect.length, lines(send)], [0, ["host console.keep $console"]]);
});

test("/dev/console is mounted only where the mount stays in the container", () => {
  const names = (namespaces: Namespace[]) =>
    compiled({ terminal: true, console: foreground, namespaces }).open.map(({ op }) => op.name);
  assert.equal(names([{ type: "mount" }]), ["terminal.open", "terminal.console", "terminal.take"]);
  assert.equal(names([]), ["terminal.open", "terminal.take"]);
});

test("a terminal without anyone to have it, or a socket without a terminal, is refused", () => {
  for (const asked of [
    { terminal: true, console: none },
    { terminal: false, console: socket },
  ]) {
    assert.equal(pointers(compiled(asked).problems), ["/process/terminal"]);
  }
  assert.equal(compiled({ terminal: false, console: none }).problems, []);
});

test.run();
