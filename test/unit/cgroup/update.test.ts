import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DeviceEntry, DeviceList } from "../../../runtime/cgroup/device-program.ts";
import { deviceListFrom, deviceTransitions } from "../../../runtime/cgroup/device-transitions.ts";
import { formerValue } from "../../../runtime/cgroup/former-value.ts";
import { placesOf } from "../../../runtime/cgroup/places.ts";

test("a former value is what the file said, in the form that it takes", () => {
  for (const [value, contents, none, former] of [
    ["100", "512\n", undefined, "512"],
    ["50000 100000", "max 100000\n", undefined, "max 100000"],
    ["0", "\n", undefined, "\n"],
    ["1", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", undefined, "0"],
    ["200", "default 100\n8:0 50\n", "0", "100"],
    ["8:0 200", "default 100\n8:0 50\n", "0", "8:0 50"],
    ["8:16 200", "default 100\n8:0 50\n", "0", "8:16 0"],
    ["8:1 rbps=5", "", "rbps=max", "8:1 rbps=max"],
    ["8:1 rbps=5", "8:10 rbps=1\n8:1 rbps=2 wbps=max\n", "rbps=max", "8:1 rbps=2 wbps=max"],
    ["eth0 5", "lo 0\neth0 3\n", "0", "eth0 3"],
  ] as const) {
    assert.is(formerValue(value, contents, none), former, `${value} | ${contents}`);
  }
});

test("a list of devices is read as the kernel prints it", () => {
  const known: DeviceList = { everything: true, exceptions: [entry("c 1:3 w")] };
  assert.equal(deviceListFrom("a *:* rwm\n", known), known);
  assert.equal(deviceListFrom("a *:* rwm\n", nothingBut()), { everything: true, exceptions: [] });
  assert.equal(deviceListFrom("", known), nothingBut());
  assert.equal(
    deviceListFrom("c *:* m\nb 8:0 rw\nc 136:* rwm\n", known),
    nothingBut("c *:* m", "b 8:0 rw", "c 136:* rwm"),
  );
});

test("only what differs is written, and what opens comes before what closes", () => {
  const from = nothingBut("c 1:3 rwm", "c 1:5 r", "b 8:0 r");
  const to = nothingBut("c 1:3 rwm", "c 1:5 w", "c 1:7 rm");
  assert.equal(texts(from, from), []);
  assert.equal(texts(from, to), [
    "allow c 1:5 w",
    "allow c 1:7 rm",
    "deny c 1:5 r",
    "deny b 8:0 r",
  ]);
  assert.equal(texts(nothingBut("c 1:3 r"), nothingBut("c 1:3 r", "c 1:3 wr")), ["allow c 1:3 w"]);
});

test("where everything is open the exceptions are what is closed", () => {
  const from = { everything: true, exceptions: [entry("c 1:3 rw")] };
  const to = { everything: true, exceptions: [entry("c 1:3 w"), entry("b 8:0 m")] };
  assert.equal(texts(from, to), ["allow c 1:3 r", "deny b 8:0 m"]);
});

test("from one side to the other the way leads over everything or nothing", () => {
  const open = { everything: true, exceptions: [entry("c 1:3 rw")] };
  assert.equal(texts(open, nothingBut("c 1:5 r")), ["deny a *:* rwm", "allow c 1:5 r"]);
  assert.equal(texts(nothingBut("c 1:5 r"), open), ["allow a *:* rwm", "deny c 1:3 rw"]);
});

test("a cgroup is in the hierarchy that is mounted nearest above it", () => {
  const hierarchy = (mount: string, ...controllers: string[]) => ({ controllers, mount, own: "/" });
  const v2 = hierarchy("/sys/fs/cgroup");
  const pids = hierarchy("/sys/fs/cgroup/pids", "pids");
  const places = placesOf(["/sys/fs/cgroup/pids/a", "/sys/fs/cgroup/b", "/elsewhere/c"], {
    mode: "hybrid",
    hierarchies: [v2, pids],
  });
  assert.equal(places, [
    { ...pids, directory: "/sys/fs/cgroup/pids/a" },
    { ...v2, directory: "/sys/fs/cgroup/b" },
  ]);
});

test.run();

function texts(from: DeviceList, to: DeviceList): string[] {
  return deviceTransitions(from, to).map(({ file, value }) => `${file.split(".")[1]} ${value}`);
}

function nothingBut(...texts: string[]): DeviceList {
  return { everything: false, exceptions: texts.map(entry) };
}

function entry(text: string): DeviceEntry {
  const [type = "", major = "", minor = "", access = ""] = text.split(/[ :]/);
  return { type: type === "b" ? "b" : "c", major, minor, access };
}
