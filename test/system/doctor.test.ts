// runt doctor on this machine, as root, as an ordinary user, and where something is missing.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { freshDirectory } from "../support/room.ts";
import { runt, runtime } from "../support/runt.ts";
import { foreignRuntime, runTests, test as runtTest, skip } from "../support/suite.ts";

function test(name: string, body: () => Promise<void>): void {
  if (foreignRuntime) skip(name, "other runtimes have no such command");
  else runtTest(name, body);
}

interface Report {
  usable: boolean;
  findings: { area: string; topic: string; verdict: string; found: string }[];
}

/** The report of a command that begins with another program, such as unshare. */
function reportBy(command: readonly string[], env: Record<string, string> = {}) {
  const [program = "", ...rest] = command;
  const { status, stdout, stderr } = spawnSync(
    program,
    [...rest, runtime, "--root", join(freshDirectory(), "root"), "doctor", "--json"],
    { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env }, encoding: "utf8" },
  );
  assert.is(stderr, "");
  const report: Report = JSON.parse(stdout);
  return { code: status, ...report };
}

function verdictOf({ findings }: Pick<Report, "findings">, topic: string): string | undefined {
  return findings.find((finding) => finding.topic === topic)?.verdict;
}

test("doctor says of this machine that containers can run, and leaves it as it was", async () => {
  const { code, stdout, stderr } = await runt(["doctor"]);
  assert.is(code, 0, stdout);
  assert.is(stderr, "");
  assert.match(stdout, /^Containers can run; \d+ of \d+ findings limit what they can have\.$/m);
  assert.match(stdout, /^ {2}ok {7}version {2,}Linux \d/m);
});

test("as JSON it has an area, a topic, a verdict and what was found for each", async () => {
  const { code, usable, findings } = reportBy(["env"]);
  assert.is(code, 0);
  assert.is(usable, true);
  assert.ok(findings.length > 20);
  for (const { area, topic, verdict, found } of findings) {
    assert.match(verdict, /^(good|limited)$/, `${area} ${topic}: ${found}`);
  }
});

test("every capability that is taken away is named", async () => {
  const report = reportBy(["setpriv", "--bounding-set=-chown,-mknod"]);
  const { found } = report.findings.find(({ topic }) => topic === "capabilities") ?? {};
  assert.match(found ?? "", /CAP_CHOWN.*CAP_MKNOD/);
});

test("a user namespace without a mount namespace is examined too", async () => {
  const report = reportBy(["unshare", "--user", "--map-root-user"]);
  assert.is(verdictOf(report, "version"), "good");
  assert.is(verdictOf(report, "system calls"), "good");
});

test("a limit of no namespaces at all is fatal, and found in the place where it is set", async () => {
  const script = 'echo 0 > /proc/sys/user/max_mnt_namespaces; exec "$0" "$@"';
  const report = reportBy(["unshare", "--user", "--map-root-user", "sh", "-c", script]);
  assert.equal({ code: report.code, usable: report.usable }, { code: 1, usable: false });
  assert.is(verdictOf(report, "limits"), "fatal");
  assert.is(verdictOf(report, "new ones"), "fatal");
});

test("a state folder that cannot be made is fatal", async () => {
  const { code, stdout } = await runt(["--root", "/dev/null/root", "doctor"]);
  assert.is(code, 1);
  assert.match(stdout, /FATAL +state folder/);
  assert.match(stdout, /^Containers cannot run \(caller: state folder\)\.$/m);
});

runTests();
