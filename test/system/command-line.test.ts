// The command line as far as it goes without a container.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { version } from "../../package.json";
import { parseConfig } from "../../runtime/config/parse.ts";
import { parseJson } from "../../runtime/config/parse-json.ts";
import { validateFeatures } from "../../runtime/config/validate.gen.ts";
import { defaultSpec } from "../../runtime/lifecycle/spec.ts";
import { runtime } from "../support/runt.ts";

const directory = mkdtempSync(join(tmpdir(), "runt-command-line-"));
test.after(() => rmSync(directory, { recursive: true }));

const HEADER = "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n";

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function call(line: string, options: { env?: Record<string, string>; through?: string[] } = {}) {
  const args = line.split(" ").filter((word) => word !== "");
  const [program = "", ...rest] = [...(options.through ?? []), runtime, ...args];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    cwd: directory,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env },
    encoding: "utf8",
  });
  return { code: status, stdout, stderr } satisfies Outcome;
}

test("the version has the lines that Docker and containerd look for", () => {
  for (const flag of ["--version", "-v"]) {
    const { code, stdout, stderr } = call(flag);
    assert.equal({ code, stderr }, { code: 0, stderr: "" });
    const [first, commit, spec, ...rest] = stdout.split("\n");
    assert.is(first, `runt version ${version}`);
    assert.match(commit ?? "", /^commit: \S+$/);
    assert.is(spec, "spec: 1.3.0");
    assert.equal(rest, [""]);
  }
});

test("help is on standard output and is no failure", () => {
  for (const line of ["", "help", "--help", "-h"]) {
    const { code, stdout, stderr } = call(line);
    assert.equal({ code, stderr }, { code: 0, stderr: "" }, line);
    assert.match(stdout, "Usage: runt [global flags] COMMAND");
  }
  for (const line of ["help create", "create --help", "create -h x y z", "--help create"]) {
    assert.match(call(line).stdout, "Usage: runt create [flags] <ID>", line);
  }
});

test("a person who mistypes is told what is wrong and shown the usage", () => {
  const { code, stdout, stderr } = call("create --bogus x");
  assert.equal({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^time="[^"]+Z" level=error msg="create: unknown flag --bogus"\n/);
  assert.match(stderr, "Usage: runt create [flags] <ID>");
});

test("a wrong command line ends with 1 and says what is wrong", () => {
  const wrong: [string, string][] = [
    ["bogus", 'unknown command \\"bogus\\"'],
    ["help bogus", 'unknown command \\"bogus\\"'],
    ["--bogus list", "unknown flag --bogus"],
    ["state", "requires <ID>, but got nothing"],
    ["start a b", "requires <ID>"],
    ["list --format yaml", "must be one of table, json"],
    ["--log-format xml list", "must be one of text, json"],
    ["--root= list", "--root is empty"],
    ["--root / list", "must not be /"],
    ["kill x BOGUS", 'unknown signal \\"BOGUS\\"'],
    ["kill x", "does not exist"],
    ["--rootless=maybe list", "must be one of auto, true, false"],
    ["completion tcsh", 'no completion for \\"tcsh\\"'],
  ];
  for (const [line, message] of wrong) {
    const { code, stdout, stderr } = call(line);
    assert.equal({ code, stdout }, { code: 1, stdout: "" }, line);
    assert.ok(stderr.includes(message), `${line}: ${stderr}`);
    assert.match(stderr, "level=error", line);
  }
});

test("an id of the wrong form is refused before anything is made", () => {
  const root = join(directory, "no-root");
  for (const id of ["a/b", "..", "\x1b[31m"]) {
    for (const command of ["create", "run", "start", "state", "kill", "delete", "delete --force"]) {
      const { code, stderr } = call(`--root ${root} ${command} ${id}`);
      assert.is(code, 1);
      assert.match(stderr, "invalid container ID format");
      assert.not(stderr.includes("\x1b"), "control characters reach no terminal");
    }
  }
  assert.not(existsSync(root));
});

test("--rootless is accepted with each of its values", () => {
  for (const value of ["true", "false", "auto"]) {
    assert.is(call(`--rootless=${value} features`).code, 0);
  }
});

test("with a log, programs read the log and people standard error", () => {
  const file = join(directory, "log.json");
  for (const format of ["json", "json", "text"]) {
    const { code, stderr } = call(`--log ${file} --log-format ${format} state ..`);
    assert.is(code, 1);
    assert.match(stderr, /^invalid container ID format[^\n]*\n$/);
  }
  const [first = "", second = "", third = ""] = readFileSync(file, "utf8").split("\n");
  for (const line of [first, second]) {
    assert.match(line, /^\{"level":"error","msg":"invalid container ID format.*","time":".*Z"\}$/);
  }
  assert.match(third, /^time="[^"]+Z" level=error msg="invalid container ID format/);
});

test("JSON on standard error is one line, without usage", () => {
  const { stderr } = call("--log-format json create --bogus");
  assert.match(
    stderr,
    /^\{"level":"error","msg":"create: unknown flag --bogus","time":"[^"]+"\}\n$/,
  );
});

test("an unknown global flag is told to the log as well", () => {
  const file = join(directory, "log2.json");
  assert.is(call(`--bogus --log ${file} --log-format json create x`).code, 1);
  assert.match(readFileSync(file, "utf8"), '"msg":"unknown flag --bogus"');
});

test("a log that cannot be opened does not hide the error", () => {
  const { code, stderr } = call(`--log ${directory}/none/log state ..`);
  assert.is(code, 1);
  assert.match(stderr, "cannot open the log");
  assert.match(stderr, "invalid container ID format");
});

test("all problems of a configuration are told at once, one a line, and in one message of the log", () => {
  const bundle = join(directory, "broken");
  const file = join(directory, "problems.json");
  mkdirSync(bundle);
  writeFileSync(join(bundle, "config.json"), '{"ociVersion":1,"root":2,"hostname":3}');
  const create = `create --bundle ${bundle} x`;
  const root = `--root ${directory}/broken-root`;
  const pointers = ["/ociVersion", "/root", "/hostname"];
  for (const log of ["", `--log ${file} --log-format json`]) {
    const { code, stdout, stderr } = call(`${root} ${log} ${create}`);
    assert.equal({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, /runt create failed: the configuration has \d problems/);
    for (const pointer of pointers) assert.match(stderr, new RegExp(`^  ${pointer}: .`, "m"));
  }
  const [line = "", ...rest] = readFileSync(file, "utf8").split("\n");
  assert.equal(rest, [""]);
  for (const pointer of pointers) assert.match(line, `${pointer}: `);
});

test("an empty root has an empty list", () => {
  const root = join(directory, "empty");
  mkdirSync(root);
  assert.equal(call(`--root ${root} list`), { code: 0, stdout: HEADER, stderr: "" });
  assert.is(call(`--root ${root} list --format json`).stdout, "null\n");
  assert.is(call(`--root ${root} list --quiet`).stdout, "");
});

test("a root that was named must be there", () => {
  const { code, stdout, stderr } = call(`--root ${directory}/none list`);
  assert.equal({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, "no such file or directory");
});

// The default root of root may hold the containers of others.
const nobody = process.geteuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
const usable = call("--version", { through: nobody }).code === 0;
if (!usable) console.log("SKIP list of another user: that user cannot run the program");
(usable ? test : test.skip)("a default root that is missing has an empty list", () => {
  const env = { XDG_RUNTIME_DIR: join(directory, "xdg") };
  assert.equal(call("list", { env, through: nobody }), { code: 0, stdout: HEADER, stderr: "" });
});

test("spec writes a valid config.json, with tabs, and never over another", () => {
  const bundle = join(directory, "bundle");
  mkdirSync(bundle);
  const file = join(bundle, "config.json");
  assert.equal(call(`spec --bundle ${bundle}`), { code: 0, stdout: "", stderr: "" });
  const text = readFileSync(file, "utf8");
  assert.match(text, '{\n\t"ociVersion": "1.3.0",\n');
  assert.equal(parseConfig(text, file, { strict: true }), defaultSpec());
  writeFileSync(file, "mine");
  const second = call(`spec --bundle ${bundle}`);
  assert.is(second.code, 1);
  assert.match(second.stderr, `File ${file} exists. Remove it first`);
  assert.is(readFileSync(file, "utf8"), "mine");
});

test("spec writes into the working directory by default", () => {
  assert.is(call("spec").code, 0);
  assert.ok(existsSync(join(directory, "config.json")));
  assert.match(call("spec").stderr, "File config.json exists. Remove it first");
});

test("features are valid, and indented by four spaces", () => {
  const { code, stdout } = call("features");
  assert.is(code, 0);
  assert.match(stdout, '{\n    "ociVersionMin": "1.0.0",\n    "ociVersionMax": "1.3.0",\n');
  assert.ok(
    validateFeatures(parseJson(stdout, "features")),
    JSON.stringify(validateFeatures.errors),
  );
});

test("explain tells of a field, as text and as JSON, and of a wrong one what was meant", () => {
  const { code, stdout, stderr } = call("explain linux.seccomp.syscalls.args.op");
  assert.equal({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /^linux\.seccomp\.syscalls\.args\.op\n/);
  assert.match(stdout, /^allowed .*SCMP_CMP_NE/m);
  const json: unknown = JSON.parse(
    call("explain --json /linux/seccomp/syscalls/0/args/0/op").stdout,
  );
  assert.is(Object(json).pointer, "/linux/seccomp/syscalls/*/args/*/op");
  assert.match(call("explain").stdout, /^ {2}hostname {2}/m);
  const wrong = call("explain linux.secomp");
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, 'linux has no field \\"secomp\\" (hint: did you mean linux.seccomp?)');
});

test("completion prints a script that its shell can read", () => {
  const { code, stdout } = call("completion bash");
  assert.is(code, 0);
  const { status, stderr } = spawnSync("bash", ["-n"], { input: stdout, encoding: "utf8" });
  assert.equal({ status, stderr }, { status: 0, stderr: "" });
  assert.match(stdout, "runt --get-yargs-completions");
  assert.match(call("completion zsh").stdout, "#compdef runt");
  assert.match(call("completion", { env: { SHELL: "/usr/bin/zsh" } }).stdout, "#compdef runt");
});

test("a tab is answered with words", () => {
  assert.match(call("--get-yargs-completions runt cr").stdout, /^create$/m);
  assert.match(call("--get-yargs-completions runt run --").stdout, /^--detach$/m);
});

test.run();
