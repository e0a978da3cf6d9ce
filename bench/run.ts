// Entry of the benchmark: checks what it needs, then runs it in a mount namespace of its own.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { endOutlivedHierarchies } from "../test/conformance/hierarchies.ts";

const usage = `Usage: bun bench/run.ts [--runtime=PATH] [--only=TEXT]

Compares a runtime (default: build/runt) with the host's runc and crun, and with a current runc that
is built where Go is installed, as root: by themselves, and by Docker and Podman where they are
installed; our shim with that of containerd, where it is built. Times are medians of interleaved runs, without rest and with 0.4 s of rest before each.
Takes some 12 minutes; --only measures what has a text in its title: a case, "memory", "shim" or "steps".
Budgets are ratios to the faster runc in the runs without rest; crun's ratio is the aim. Ends with the
time of every step of one \`runt run\`, and of those of its cgroup with limits of every controller.
`;

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "build/runt" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const command = resolve(values.runtime);
const problem = hindrance();
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}

// A namespace, so that the cgroup hierarchies mounted for the peers go however the run ends.
const child = Bun.spawn(
  [
    "unshare",
    "--mount",
    process.execPath,
    join(import.meta.dirname, "compare.ts"),
    command,
    values.only,
  ],
  { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, RUNTIME: command } },
);
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => child.kill(name));
}
const exitCode = await child.exited;
endOutlivedHierarchies();
process.exit(exitCode);

function hindrance(): string | undefined {
  if (!existsSync(command)) return `${command} does not exist (hint: make build)`;
  return process.getuid?.() === 0 ? undefined : "the benchmark needs root";
}
