// The seccomp profile that the validation programs of OCI runtime-tools give their containers.

import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Seccomp } from "../../runtime/seccomp/profile.ts";
import { buildFolder } from "../conformance/build.ts";

/**
 * Runs a validation program against a runtime that keeps its config.json and does nothing.
 *
 * @param folder Where that is kept.
 * @returns undefined where the suite is not built.
 */
export function suiteProfile(folder: string): Seccomp | undefined {
  const program = join(buildFolder, "bin/default");
  if (!existsSync(program)) return undefined;
  const kept = join(folder, "config.json");
  const runtime = join(folder, "runtime");
  const take = `while [ $# -gt 0 ]; do [ "$1" != --bundle ] || cp "$2/config.json" ${kept}; shift; done`;
  writeFileSync(runtime, `#!/bin/sh\n${take}\nexit 1\n`);
  chmodSync(runtime, 0o755);
  Bun.spawnSync([program], {
    cwd: join(buildFolder, "work"),
    env: { PATH: process.env["PATH"] ?? "", RUNTIME: runtime, TMPDIR: folder },
    timeout: 20_000,
  });
  return JSON.parse(readFileSync(kept, "utf8")).linux.seccomp;
}
