import { test } from "uvu";
import * as assert from "uvu/assert";
import { addressOf, socketsIn } from "../../../runtime/dbus/address.ts";

test("an address list names unix sockets in its order", () => {
  const table: [string, string[]][] = [
    ["unix:path=/run/user/1000/bus", ["/run/user/1000/bus"]],
    ["unix:path=/a,guid=12;tcp:host=x;unix:abstract=/tmp/b", ["/a", "\0/tmp/b"]],
    ["unix:guid=1,path=/with%20space%3b", ["/with space;"]],
    ["unix:path=/%c3%a4", ["/ä"]],
    ["unix:runtime=yes", []],
    ["", []],
  ];
  for (const [text, sockets] of table) assert.equal(socketsIn(text), sockets, text);
});

test("a path becomes an address and a path again", () => {
  for (const path of ["/run/systemd/private", "/ü; ,=%", "/a b"]) {
    assert.equal(socketsIn(addressOf(path)), [path]);
  }
});

test.run();
