import { test } from "uvu";
import * as assert from "uvu/assert";
import { HOOK_KINDS, hookRuns, hooks } from "../../../runtime/clauses/hooks.ts";
import type { Config, Hook } from "../../../runtime/config/types.gen.ts";
import type { HookRun } from "../../../runtime/ops/hook.ts";
import { configOf, pointers, reasons } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

const one: Hook = { path: "/hook" };
const all = configOf({
  annotations: { a: "b" },
  process: { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 }, env: ["IN=container"] },
  hooks: Object.fromEntries(HOOK_KINDS.map((kind) => [kind, [one, one]])),
});

test("hooks before start are steps, those of the runtime by the host and the others by init", () => {
  const { runtime, createContainer, startContainer } = hooks(all, demo);
  assert.equal(reasons(runtime), [
    "/hooks/prestart/0",
    "/hooks/prestart/1",
    "/hooks/createRuntime/0",
    "/hooks/createRuntime/1",
  ]);
  assert.equal(reasons(createContainer), ["/hooks/createContainer/0", "/hooks/createContainer/1"]);
  assert.equal(reasons(startContainer), ["/hooks/startContainer/0", "/hooks/startContainer/1"]);
  assert.ok(runtime.every(({ who }) => who === "host"));
  assert.ok([...createContainer, ...startContainer].every(({ who }) => who === "init"));
});

test("createContainer hooks are refused where their path would be somebody else's", () => {
  const joining = (path: string): Config => ({
    ...all,
    linux: { namespaces: [{ type: "mount", ...(path !== "" && { path }) }] },
  });
  assert.equal(pointers(hooks(joining("/proc/7/ns/mnt"), demo).problems), [
    "/hooks/createContainer/0",
    "/hooks/createContainer/1",
  ]);
  const own = { ...demo, callerNamespaces: ["mount"] };
  assert.equal(hooks(joining("/proc/self/ns/mnt"), own).problems, []);
  assert.equal(hooks(joining(""), demo).problems, []);
  assert.equal(hooks({ ...joining("/proc/7/ns/mnt"), hooks: {} }, demo).problems, []);
});

test("a hook is told the container's state", () => {
  const [run] = hookRuns("poststop", { config: all, container: demo, status: "stopped" });
  const { ociVersion, ...state } = run?.state ?? {};
  assert.match(String(ociVersion), /^1\./);
  assert.equal(state, {
    id: "demo",
    status: "stopped",
    bundle: "/bundles/demo",
    annotations: { a: "b" },
  });
});

test("hooks are told created until the program runs, and start in the bundle but for startContainer's", () => {
  const { runtime, createContainer, startContainer } = hooks(all, demo);
  const steps = [...runtime, ...createContainer, ...startContainer];
  const expected = Array.from({ length: 8 }, () => ["created", "/bundles/demo"] as unknown[]);
  expected.splice(6, 2, ["created", null], ["created", null]);
  assert.equal(
    steps.map(({ op }) => {
      const { state, cwd }: Partial<HookRun> = op.args;
      return [state?.["status"], cwd];
    }),
    expected,
  );
});

test("args and timeout are the hook's, and argv[0] is the path where it has none", () => {
  const runs = (hook: Hook) =>
    hookRuns("poststart", {
      config: { hooks: { poststart: [hook] } },
      container: demo,
      status: "running",
    }).map(({ args, timeoutMs }) => [args, timeoutMs]);
  assert.equal(runs(one), [[["/hook"], null]]);
  assert.equal(runs({ ...one, args: [] }), [[["/hook"], null]]);
  assert.equal(runs({ ...one, args: ["me", "-x"], timeout: 2 }), [[["me", "-x"], 2000]]);
});

test("without env a hook has the caller's variables, at start the container's", () => {
  const env = (kind: (typeof HOOK_KINDS)[number]) =>
    hookRuns(kind, { config: all, container: demo, status: "created" })[0]?.env;
  assert.equal(env("createRuntime"), ["PATH=/usr/bin"]);
  assert.equal(env("poststop"), ["PATH=/usr/bin"]);
  assert.equal(env("createContainer"), []);
  assert.equal(env("startContainer"), ["IN=container"]);
});

test.run();
