// config.json files that cannot be used: each is a clear error, in time.

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { bundle, config, defaultMounts, type Patch, rawBundle } from "../support/bundle.ts";
import { refusesBundle } from "../support/refusal.ts";
import { freshDirectory } from "../support/room.ts";
import { runt } from "../support/runt.ts";
import { foreignRuntime, runTests, test as runtTest, skip } from "../support/suite.ts";

/** Other runtimes are less strict: their verdicts are of no use here. */
function test(name: string, body: () => Promise<void>): void {
  if (foreignRuntime) skip(name, "other runtimes are less strict");
  else runtTest(name, body);
}

test("text that is not JSON is refused with its place", async () => {
  await refusesBundle(rawBundle("this is no JSON"), /config\.json.*(line 1|1:1|column|position)/i);
  await refusesBundle(rawBundle(""), /config\.json/);
  await refusesBundle(rawBundle("\0\0\0\0"), /config\.json/);
  await refusesBundle(rawBundle('{"ociVersion": "1.0.2",}'), /config\.json/);
  await refusesBundle(rawBundle("// comment\n{}"), /config\.json/);
});

test("JSON that is cut anywhere is refused", async () => {
  const text = JSON.stringify(config());
  for (const part of [0.1, 0.3, 0.5, 0.7, 0.9, 0.999]) {
    await refusesBundle(rawBundle(text.slice(0, text.length * part)), /config\.json/);
  }
});

test("JSON that is no object is refused", async () => {
  for (const text of ["null", "[]", "1", '"text"', "true"]) {
    await refusesBundle(rawBundle(text), /object/);
  }
});

test("text that is no UTF-8 is refused or kept, and does not crash", async () => {
  const directory = freshDirectory();
  const bytes = Buffer.concat([Buffer.from('{"ociVersion": "'), Buffer.of(0xff, 0xfe, 0xc0)]);
  writeFileSync(join(directory, "config.json"), bytes);
  await refusesBundle(directory, /config\.json/);
});

test("JSON nested ten thousand deep is refused or ignored, and does not crash", async () => {
  const deep = "[".repeat(10_000) + "]".repeat(10_000);
  const text = JSON.stringify(config()).replace(/^\{/, `{"unknown":${deep},`);
  const { code, stderr } = await runt(["run", "--bundle", rawBundle(text), "deep"]);
  assert.ok(code === 0 || code === 1, `${code}: ${stderr.slice(0, 500)}`);
  if (code === 1) assert.match(stderr, /config\.json/);
});

test("a configuration of 50 megabytes is refused or run in time", async () => {
  const text = JSON.stringify(config({ annotations: { big: "x".repeat(50_000_000) } }));
  const { code, stderr } = await runt(["run", "--bundle", rawBundle(text), "big"], {
    limitMs: 10_000,
  });
  assert.ok(code === 0 || code === 1, `${code}: ${stderr.slice(0, 500)}`);
});

test("a configuration that is missing, a folder, a fifo, a device or a loop is refused", async () => {
  await refusesBundle(freshDirectory(), /config\.json.*no such file/i);
  const folder = freshDirectory();
  mkdirSync(join(folder, "config.json"));
  await refusesBundle(folder, /config\.json/);
  const fifo = freshDirectory();
  Bun.spawnSync(["mkfifo", join(fifo, "config.json")]);
  await refusesBundle(fifo, /config\.json/);
  for (const target of ["/dev/zero", "/dev/urandom", "/dev/tty", "config.json", "missing"]) {
    const linked = freshDirectory();
    symlinkSync(target, join(linked, "config.json"));
    await refusesBundle(linked, /config\.json/);
  }
});

test("a bundle that is missing, or a file, is refused", async () => {
  await refusesBundle("/no/such/bundle", /\/no\/such\/bundle/);
  const file = join(freshDirectory(), "file");
  writeFileSync(file, "");
  await refusesBundle(file, /config\.json|file/);
});

test("a configuration behind a symlink is read", async () => {
  const directory = bundle();
  const linked = freshDirectory();
  renameSync(join(directory, "config.json"), join(linked, "real.json"));
  symlinkSync("real.json", join(linked, "config.json"));
  const { code, stderr } = await runt(["run", "--bundle", linked, "linked"]);
  assert.is(code, 0, stderr);
});

const refused: [what: string, patch: Patch, pattern: RegExp][] = [
  ["no ociVersion", { ociVersion: undefined }, /ociVersion/],
  ["an ociVersion that is no version", { ociVersion: "one" }, /\/ociVersion.*one/],
  ["an ociVersion of the future", { ociVersion: "2.0.0" }, /\/ociVersion.*2\.0\.0/],
  ["an ociVersion that is a number", { ociVersion: 1 }, /\/ociVersion/],
  ["no root", { root: undefined }, /root/],
  ["a root without path", { root: { path: undefined } }, /\/root.*path/],
  ["empty args", { process: { args: [] } }, /\/process\/args/],
  ["no args", { process: { args: undefined } }, /args/],
  ["args that are no strings", { process: { args: ["/bin/true", 1] } }, /\/process\/args\/1/],
  ["no cwd", { process: { cwd: undefined } }, /cwd/],
  ["a relative cwd", { process: { cwd: "tmp" } }, /\/process\/cwd/],
  ["a NUL in an argument", { process: { args: ["/bin/true", "a\0b"] } }, /\/process\/args\/1/],
  ["a NUL in the environment", { process: { env: ["A=\0"] } }, /\/process\/env\/0/],
  ["a NUL in a path", { root: { path: "/tmp\0/x" } }, /\/root\/path/],
  ["env without =", { process: { env: ["NONSENSE"] } }, /\/process\/env\/0/],
  ["env with an empty name", { process: { env: ["=x"] } }, /\/process\/env\/0/],
  ["a negative uid", { process: { user: { uid: -1, gid: 0 } } }, /\/process\/user\/uid/],
  ["a uid beyond 32 bits", { process: { user: { uid: 4294967296, gid: 0 } } }, /\/user\/uid/],
  ["a fractional gid", { process: { user: { uid: 0, gid: 1.5 } } }, /\/process\/user\/gid/],
  ["a uid that is a string", { process: { user: { uid: "0", gid: 0 } } }, /\/process\/user\/uid/],
  [
    "an oomScoreAdj out of range",
    { process: { oomScoreAdj: 100000 } },
    /oomScoreAdj|oom_score_adj/,
  ],
  [
    "a mount without destination",
    { mounts: [...defaultMounts, { type: "tmpfs" }] },
    /\/mounts\/5.*destination/,
  ],
  [
    "a mount with an empty destination",
    { mounts: [...defaultMounts, { destination: "", type: "tmpfs" }] },
    /\/mounts\/5\/destination/,
  ],
  ["mounts that are no list", { mounts: { destination: "/x" } }, /\/mounts/],
  ["a hostname that is a number", { hostname: 5 }, /\/hostname/],
  ["an annotation without a name", { annotations: { "": "x" } }, /\/annotations/],
  ["an annotation that is no string", { annotations: { a: 1 } }, /\/annotations\/a/],
  [
    "a memory limit that is a string",
    { linux: { resources: { memory: { limit: "1G" } } } },
    /\/linux\/resources\/memory\/limit/,
  ],
  [
    "cpu shares below zero",
    { linux: { resources: { cpu: { shares: -5 } } } },
    /\/linux\/resources\/cpu\/shares/,
  ],
  [
    "swap below the limit",
    { linux: { resources: { memory: { limit: 20000000, swap: 10000000 } } } },
    /\/linux\/resources\/memory/,
  ],
  ["namespaces that are no list", { linux: { namespaces: {} } }, /\/linux\/namespaces/],
  [
    "a relative namespace path",
    { linux: { namespaces: [{ type: "mount" }, { type: "uts" }, { type: "ipc", path: "x" }] } },
    /\/linux\/namespaces\/2\/path/,
  ],
];

for (const [what, patch, pattern] of refused) {
  test(`${what} is refused with its place`, async () => {
    await refusesBundle(bundle(patch), pattern);
  });
}

test("all problems of a configuration are told at once", async () => {
  const patch = { ociVersion: 1, hostname: 2, process: { cwd: "x", args: [] } };
  const stderr = await refusesBundle(bundle(patch), /4 problems/);
  for (const pointer of ["/ociVersion", "/hostname", "/process/cwd", "/process/args"]) {
    assert.ok(stderr.includes(pointer), `${pointer} in ${stderr}`);
  }
});

test("--strict refuses unknown fields and suggests the known one", async () => {
  const directory = bundle({ process: { oomScoreAdjust: 1 } });
  const { code, stderr } = await runt(["create", "--strict", "--bundle", directory, "strict"]);
  assert.is(code, 1);
  assert.match(stderr, /\/process\/oomScoreAdjust/);
  assert.match(stderr, /oomScoreAdj\b/);
});

test("a huge number of problems is still a short error", async () => {
  const devices = Array.from({ length: 5000 }, () => ({ path: 1, type: "x" }));
  const directory = bundle({ linux: { devices } });
  const { code, stderr } = await runt(["create", "--bundle", directory, "many"]);
  assert.is(code, 1);
  assert.ok(stderr.length < 100_000, `${stderr.length} bytes`);
});

test("control characters of a configuration do not reach the terminal in an error", async () => {
  const red = String.fromCharCode(27);
  const stderr = await refusesBundle(bundle({ ociVersion: `${red}[31mred` }), /ociVersion/);
  assert.not.match(stderr, red);
});

runTests();
