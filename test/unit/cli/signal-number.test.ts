import { constants } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { signalNumber } from "../../../runtime/cli/signal-number.ts";

test("every name of this system has its number, in any case, with and without SIG", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    for (const form of [name, name.toLowerCase(), name.slice(3), name.slice(3).toLowerCase()]) {
      assert.is(signalNumber(form), number, form);
    }
  }
});

test("numbers from 0 to 64 are taken as they are", () => {
  for (const number of [0, 1, 9, 15, 34, 64]) assert.is(signalNumber(`${number}`), number);
});

test("real-time signals count from either end", () => {
  const numbers: [string, number][] = [
    ["RTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["sigrtmin+30", 64],
    ["RTMAX", 64],
    ["rtmax-14", 50],
    ["SIGRTMAX-30", 34],
  ];
  for (const [name, number] of numbers) assert.is(signalNumber(name), number, name);
});

test("a signal that does not exist is named in the error", () => {
  const names = [
    "65",
    "100",
    "-9",
    "1.5",
    "",
    "FOO",
    "SIGSIGKILL",
    "RTMIN-1",
    "RTMIN+31",
    "RTMAX+1",
  ];
  for (const name of [...names, "constructor", "TOSTRING", "9 "]) {
    assert.throws(
      () => signalNumber(name),
      (error: Error) => error.message === `unknown signal "${name}"`,
      name,
    );
  }
});

test.run();
