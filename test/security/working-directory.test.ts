// The working directory is often an untrusted bundle: nothing is read from it but what the caller
// names.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runtime } from "../support/runt.ts";

const directory = mkdtempSync(join(tmpdir(), "runt-bundle-"));
test.after(() => rmSync(directory, { recursive: true }));

// Each would show: by a failed parse, by this text in the output, or by a module that is run.
const HOSTILE: Readonly<Record<string, string>> = {
  "package.json": '{"name":"hostile","yargs":{"boolean-negation":true},"type":"commonjs"}',
  "bunfig.toml": 'preload = ["./hostile.js"]\n',
  ".env": "BUN_OPTIONS=--preload=./hostile.js\nXDG_RUNTIME_DIR=/hostile\n",
  ".env.local": "RUNT=hostile\n",
  ".env.production": "RUNT=hostile\n",
  "tsconfig.json": "{ hostile",
  "jsconfig.json": "{ hostile",
  "hostile.js": 'console.log("hostile"); process.exit(66);\n',
  "koffi.node": "hostile",
  "locales/en.json": '{"Options:":"hostile"}',
  "locales/en_US.json": '{"Options:":"hostile"}',
  "node_modules/pino/index.js": 'console.log("hostile"); process.exit(66);\n',
  "node_modules/yargs/index.js": 'console.log("hostile"); process.exit(66);\n',
  "node_modules/koffi/index.js": 'console.log("hostile"); process.exit(66);\n',
};
for (const [name, text] of Object.entries(HOSTILE)) {
  mkdirSync(join(directory, name, ".."), { recursive: true });
  writeFileSync(join(directory, name), text);
}

// A parse, every way to print, both log formats, a usage error, the addon's loader.
const LINES = [
  "--version",
  "help",
  "help create",
  "completion bash",
  "--get-yargs-completions runt cr",
  "features",
  "create --bogus",
  "--log-format json --debug state ..",
  "--root root list",
  "--root root state x",
  "--root root delete --force x",
];

const strace = spawnSync("strace", ["-V"], { encoding: "utf8" }).status === 0;
if (!strace) console.log("SKIP what the program opens in its working directory: no strace");

for (const line of LINES) {
  (strace ? test : test.skip)(`runt ${line} opens nothing of its working directory`, () => {
    const trace = join(directory, "..", `${directory.split("/").pop()}.trace`);
    const args = ["-f", "-y", "-s", "4096", "-o", trace, "-e", "trace=%file,chdir,fchdir"];
    const result = spawnSync("strace", [...args, runtime, ...line.split(" ")], {
      cwd: directory,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      encoding: "utf8",
    });
    const calls = readFileSync(trace, "utf8").split("\n");
    rmSync(trace);
    assert.ok(
      calls.some((call) => call.includes("/proc/self/")),
      "strace saw the program",
    );
    assert.equal(calls.filter(isSuspect), []);
    assert.not(`${result.stdout}${result.stderr}`.includes("hostile"));
    assert.not.equal(result.status, 66);
  });
}

const CONFIGURATION = /(package|[tj]sconfig)\.json$|bunfig\.toml$|\/\.env|node_modules|locales\//;

// Paths that are relative or lie in the directory, and files that tools look for in its parents.
// The directory's own path may be asked for, and --root is named.
function isSuspect(call: string): boolean {
  const paths = [...call.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? "");
  const [name] = /\w+(?=\()/.exec(call) ?? [];
  if (name === "getcwd" || name === "execve") return false;
  return paths.some(
    (path) =>
      (path !== "" && !path.startsWith("/")) ||
      CONFIGURATION.test(path) ||
      (path.startsWith(`${directory}/`) && !path.startsWith(`${directory}/root`)),
  );
}

test.run();
