import { test } from "uvu";
import * as assert from "uvu/assert";
import { processClause } from "../../../runtime/clauses/process.ts";
import type { Namespace, Process } from "../../../runtime/config/types.gen.ts";
import type { HostFacts } from "../../../runtime/host/facts.ts";
import type { Step } from "../../../runtime/plan/step.ts";
import { hybridRoot } from "../../hosts/hybrid-root.ts";
import { v2Rootless } from "../../hosts/v2-rootless.ts";
import { configOf, lines } from "../../support/clause.ts";
import { demo } from "../../support/container-facts.ts";

function compiled(parts: Partial<Process>, container = demo, facts: HostFacts = hybridRoot) {
  const process = { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 }, ...parts };
  return processClause(configOf({ process }), facts, container);
}

function argsOf(parts: Partial<Process>, name: string) {
  const { prepare, execute } = compiled(parts);
  return [...prepare, ...execute].find(({ op }) => op.name === name)?.op.args;
}

test("of a variable that is set twice the last value counts", () => {
  const env = ["A=1", "PATH=/one", "B=2", "A=3", "PATH=/a::/b"];
  const args: unknown = argsOf({ env }, "exec.resolve");
  assert.match(JSON.stringify(args), '"searchPath":["/a","","/b"]');
  assert.match(JSON.stringify(compiled({ env })), '"A=3","PATH=/a::/b","B=2"');
});

test("sockets that are handed over are told, with a pid that is 1 or has to be found", () => {
  const container = { ...demo, listenFds: 2, preserveFds: 3, listenFdNames: "web:log" };
  const prepare = (namespaces: Namespace[]) =>
    processClause(
      configOf({
        process: { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 }, env: ["LISTEN_PID=9"] },
        linux: { namespaces },
      }),
      hybridRoot,
      container,
    ).prepare;
  const envOf = (steps: readonly Step[]): unknown => {
    const { env }: { env?: unknown } =
      steps.find(({ op }) => op.name === "exec.prepare")?.op.args ?? {};
    return env;
  };
  const own = prepare([{ type: "pid" }]);
  assert.equal(envOf(own), ["LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=web:log"]);
  assert.not(lines(own).some((line) => line.startsWith("init pid.find")));
  for (const namespaces of [[], [{ type: "pid", path: "/proc/7/ns/pid" } as const]]) {
    const shared = prepare(namespaces);
    assert.equal(envOf(shared), ["LISTEN_FDS=2", "LISTEN_FDNAMES=web:log"]);
    assert.ok(lines(shared).some((line) => line.startsWith("init pid.find")));
  }
});

test("without PATH a program is looked for where execvp(3) looks", () => {
  for (const env of [[], ["PATHS=/x"]]) {
    assert.match(
      JSON.stringify(argsOf({ env }, "exec.resolve")),
      '"searchPath":["/bin","/usr/bin"]',
    );
  }
});

test("the score of the killer for memory is written by the host, also 0", () => {
  assert.equal(lines(compiled({ oomScoreAdj: 0 }).score), ["host oom_score_adj.set 0"]);
  assert.equal(compiled({ oomScoreAdj: 0 }).ownScore, []);
  assert.equal(compiled({}).score, []);
});

test("where the caller is not root of the machine, init tries to set its score itself", () => {
  for (const facts of [v2Rootless, { ...hybridRoot, userNamespace: true }]) {
    const { score, ownScore } = compiled({ oomScoreAdj: -5 }, demo, facts);
    assert.equal(score, []);
    assert.equal(lines(ownScore), ["init oom_score_adj.try -5"]);
  }
});

test("no new privileges come before the program and only when asked for", () => {
  const names = (parts: Partial<Process>) => compiled(parts).execute.map(({ op }) => op.name);
  assert.is(names({ noNewPrivileges: true })[0], "no_new_privs.set");
  assert.not(names({ noNewPrivileges: false }).includes("no_new_privs.set"));
  assert.is(names({}).at(-1), "exec");
});

test("the session keyring is the container's own unless the caller keeps theirs", () => {
  const names = (sessionKeyring: boolean) =>
    compiled({}, { ...demo, sessionKeyring }).session.map(({ op }) => op.name);
  assert.ok(names(true).includes("keyring.join"));
  assert.not(names(false).includes("keyring.join"));
});

test("a container without a process has nothing to execute", () => {
  const { execute, prepare } = processClause(configOf({}), hybridRoot, demo);
  assert.equal([execute, prepare], [[], []]);
});

test.run();
