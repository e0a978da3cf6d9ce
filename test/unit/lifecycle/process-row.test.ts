import { test } from "uvu";
import * as assert from "uvu/assert";
import { type MachineTimes, processRow } from "../../../runtime/lifecycle/process-row.ts";

const bootSeconds = 1_700_000_000;

interface Given {
  name?: string;
  state?: string;
  terminal?: number;
  ticks?: [user: number, system: number];
  startTicks?: number;
  uid?: number;
  commandLine?: string;
  times?: Partial<MachineTimes>;
}

function row(given: Given = {}) {
  const { name = "sh", state = "S", terminal = 0, ticks = [0, 0], startTicks = 0 } = given;
  const { uid = 0, commandLine = "" } = given;
  const stat = `42 (${name}) ${state} 7 42 42 ${terminal} -1 4194560 1 2 3 4 ${ticks.join(" ")} 0 0 20 0 1 0 ${startTicks} 0`;
  const names = new Map([
    ["0", "root"],
    ["5", "eightchr"],
    ["6", "ninechars"],
  ]);
  const times = { bootSeconds, nowMs: (bootSeconds + 1000) * 1000, ...given.times };
  return processRow({
    stat,
    status: `Name:\tsh\nUid:\t9\t${uid}\t9\t9\n`,
    commandLine,
    names,
    times,
  });
}

test("a row has the pids, and the command line or the name", () => {
  const { pid, parent, command } = row({ commandLine: "/bin/sh\0-c\0a b\0" });
  assert.equal([pid, parent, command], ["42", "7", "/bin/sh -c a b"]);
  assert.is(row({ name: "a) S (b" }).command, "[a) S (b]");
  assert.is(row({ name: "a) S (b" }).parent, "7");
  assert.is(row({ state: "Z" }).command, "[sh] <defunct>");
});

test("users are named, by eight letters at most", () => {
  assert.is(row({ uid: 0 }).user, "root");
  assert.is(row({ uid: 5 }).user, "eightchr");
  assert.is(row({ uid: 6 }).user, "ninecha+");
  assert.is(row({ uid: 7 }).user, "7");
});

test("terminals are named by their numbers", () => {
  assert.is(row().terminal, "?");
  assert.is(row({ terminal: (136 << 8) | 3 }).terminal, "pts/3");
  assert.is(row({ terminal: (137 << 8) | 3 }).terminal, "pts/259");
  assert.is(row({ terminal: (4 << 8) | 1 }).terminal, "tty1");
  assert.is(row({ terminal: (4 << 8) | 64 }).terminal, "ttyS0");
});

test("time is in hours, and days where there are some; the share is of one CPU", () => {
  assert.is(row({ ticks: [100, 6_100] }).time, "00:01:02");
  assert.is(row({ ticks: [100, 6_100] }).share, "6");
  assert.is(row({ ticks: [0, 9_000_000] }).time, "01-01:00:00");
  assert.is(row({ ticks: [0, 9_000_000] }).share, "99");
  assert.is(row({ startTicks: 99_990, ticks: [5, 5] }).share, "0");
});

test("a start is told by its time today, its day this year, or its year", () => {
  const now = new Date(2024, 5, 15, 12, 0, 0).getTime();
  const started = (date: Date) =>
    row({ times: { bootSeconds: date.getTime() / 1000, nowMs: now } }).started;
  assert.is(started(new Date(2024, 5, 15, 9, 5, 0)), "09:05");
  assert.is(started(new Date(2024, 5, 14, 13, 0, 0)), "Jun14");
  assert.is(started(new Date(2024, 0, 2)), "Jan02");
  assert.is(started(new Date(2023, 11, 31)), "2023");
});

test.run();
