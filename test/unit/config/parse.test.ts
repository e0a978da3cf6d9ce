// Parsing a configuration: what is accepted, exact integers, and all problems at once.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig, parseProcess, parseResources } from "../../../runtime/config/parse.ts";
import { ConfigError, problemText } from "../../../runtime/errors.ts";
import { sampleConfig } from "../schemas/sample-config.ts";
import { configText, refusals, refused, withProcess } from "./refused.ts";

test("a configuration with every field is accepted as it is", () => {
  assert.equal(parseConfig(JSON.stringify(sampleConfig), "config.json"), sampleConfig);
});

test("unknown properties are accepted", () => {
  const changes = { "org.example": { any: [1] }, linux: { unheard: true } };
  assert.equal(parseConfig(configText(changes), "config.json").linux, { unheard: true });
});

test("integers beyond 2^53 arrive to the last digit", () => {
  const text = configText(
    withProcess({ rlimits: [{ type: "RLIMIT_AS", soft: "SOFT", hard: "HARD" }] }),
  );
  const config = parseConfig(
    text.replace('"SOFT"', "9007199254740993").replace('"HARD"', "18446744073709551615"),
    "config.json",
  );
  assert.equal(config.process?.rlimits, [
    { type: "RLIMIT_AS", soft: 9007199254740993n, hard: 18446744073709551615n },
  ]);
});

test("smaller integers stay numbers beside larger ones", () => {
  const text = '{"memory": {"limit": 9223372036854775807, "swap": 9007199254740991}}';
  const resources = parseResources(text, "resources.json");
  assert.equal(resources.memory, { limit: 9223372036854775807n, swap: 9007199254740991 });
});

test("the lowest 64-bit integer is accepted and the one below refused", () => {
  const text = (limit: string) => `{"pids": {"limit": ${limit}}}`;
  const { pids } = parseResources(text("-9223372036854775808"), "resources.json");
  assert.is(pids?.limit, -9223372036854775808n);
  const problems = refusals(() => parseResources(text("-9223372036854775809"), "resources.json"));
  assert.equal(problems.map(problemText), [
    "/pids/limit: found -9223372036854775809, wanted an integer from -9223372036854775808 to 9223372036854775807 (tasks)",
  ]);
});

test("an integer one beyond 64 bits is refused and shown exactly", () => {
  const text = configText(
    withProcess({ rlimits: [{ type: "RLIMIT_AS", soft: 0, hard: "HARD" }] }),
  ).replace('"HARD"', "18446744073709551616");
  const [problem] = refusals(() => parseConfig(text, "config.json"));
  assert.is(problem?.pointer, "/process/rlimits/0/hard");
  assert.match(
    problem?.message ?? "",
    /^found 18446744073709551616, wanted .* 18446744073709551615/,
  );
});

test("a large integer is refused where only small ones fit", () => {
  const text = configText(withProcess({ user: { uid: "UID", gid: 0 } })).replace(
    '"UID"',
    "99999999999999999999",
  );
  const [problem] = refusals(() => parseConfig(text, "config.json"));
  assert.match(problem?.message ?? "", /^found 99999999999999999999, wanted an integer from 0 to/);
});

test("all problems come at once, each with its pointer", () => {
  const problems = refusals(() =>
    parseConfig(
      configText({
        root: {},
        ...withProcess({ cwd: "here", args: [] }),
        mounts: [{ source: 5 }],
        linux: { sysctl: { "a/b": 1 }, namespaces: [{ type: "none" }] },
      }),
      "config.json",
    ),
  );
  assert.equal(problems.map(({ pointer }) => pointer).sort(), [
    "/linux/namespaces/0/type",
    "/linux/sysctl/a~1b",
    "/mounts/0",
    "/mounts/0/source",
    "/process/args",
    "/process/cwd",
    "/root",
  ]);
});

test("rules between fields are checked beside a problem in the process", () => {
  const [first, second] = refused({
    ...withProcess({ cwd: "here" }),
    linux: { namespaces: [{ type: "pid" }, { type: "pid" }] },
  });
  assert.match(first ?? "", /^\/process\/cwd: /);
  assert.match(second ?? "", /^\/linux\/namespaces\/1\/type: found pid again/);
});

test("rules of the process are checked beside a problem elsewhere", () => {
  const rlimit = { type: "RLIMIT_AS", soft: 1, hard: 1 };
  const [first, second] = refused({ hostname: 1, ...withProcess({ rlimits: [rlimit, rlimit] }) });
  assert.match(first ?? "", /^\/hostname: /);
  assert.match(second ?? "", /^\/process\/rlimits\/1\/type: found RLIMIT_AS again/);
});

test("the error names the file and cites the specification", () => {
  const [problem] = refusals(() => parseConfig(configText({ root: 1 }), "config.json"));
  assert.is(problem?.spec, "config.md#root");
  assert.throws(
    () => parseConfig("1", "/bundle/config.json"),
    (error: unknown) =>
      error instanceof ConfigError &&
      error.message === "/bundle/config.json: found 1, wanted an object",
  );
});

test("a value is shown short and without control characters", () => {
  const [long] = refused({ root: { path: ["x".repeat(100)] }, ociVersion: "y".repeat(100) });
  assert.ok((long ?? "").length < 200, long);
  const [escaped] = refused({ ociVersion: "\u001b[31m\u0007\u202e" });
  assert.match(escaped ?? "", 'found "\\u001b[31m\\u0007\\u202e"');
});

test("NUL characters are refused where the kernel gets the string", () => {
  const changes = {
    ...withProcess({ args: ["sh\0x"] }),
    annotations: { "a\0": "b\0" },
    linux: { sysctl: { "a\0b": "1" } },
    unheard: "\0",
  };
  const problems = refused(changes);
  assert.equal(problems, [
    '/process/args/0: found "sh\\u0000x", wanted text without NUL characters',
    '/linux/sysctl: found "a\\u0000b", wanted text without NUL characters',
  ]);
});

test("a process and resources are parsed alone", () => {
  const process = { cwd: "/", args: ["id"] };
  assert.equal(parseProcess(JSON.stringify(process), "process.json"), process);
  const problems = refusals(() => parseProcess('{"cwd": "/", "args": [""], "env": 1}', "p"));
  assert.equal(problems.map(problemText), ["/env: found 1, wanted an array"]);
});

test.run();
