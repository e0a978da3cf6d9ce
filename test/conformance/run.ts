// Entry of the conformance run: builds the suite, then runs it in a mount namespace of its own.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.ts";
import { endOutlivedHierarchies } from "./hierarchies.ts";
import { options } from "./options.ts";

const programs = 58;

const { runtime } = options(process.argv.slice(2));
const reason = process.getuid?.() === 0 ? build() : "the suite needs root";
if (reason !== undefined) {
  console.log(`SKIP ${reason}`);
  console.log(`0 passed, 0 failed, ${programs} skipped`);
  process.exit(0);
}
if (!existsSync(runtime)) {
  console.error(`${runtime} does not exist: build it, or name a runtime with --runtime=PATH`);
  process.exit(1);
}

// The suite's cgroups have fixed names: one run at a time on a machine. A namespace, so that the
// hierarchies mounted for the suite go however the run ends.
const suite = Bun.spawn(
  [
    ...["flock", "--timeout=600", "/run/lock/runt-conformance"],
    ...["unshare", "--mount", process.execPath, join(import.meta.dirname, "suite.ts")],
    ...process.argv.slice(2),
  ],
  { stdio: ["ignore", "inherit", "inherit"] },
);
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => suite.kill(name));
}
const exitCode = await suite.exited;
endOutlivedHierarchies();
process.exit(exitCode);
