// The runtimes to compare with: runc and crun of the host, and a current runc where Go can build it.

import { existsSync } from "node:fs";
import { resolve } from "node:path";

const runcVersion = "v1.5.2";
const folder = resolve(import.meta.dirname, "../build/peers");

export interface Runtime {
  name: string;
  /** Absolute path. */
  command: string;
}

/** The peers that this host has, in a fixed order; says what is missing and why. */
export function peers(): Runtime[] {
  const installed = ["runc", "crun"].flatMap((name) => {
    const command = Bun.which(name);
    if (command === null) console.log(`SKIP ${name}: not installed`);
    return command === null ? [] : [{ name: `${name} ${versionOf(command)}`, command }];
  });
  const command = buildRunc();
  return command === undefined
    ? installed
    : [...installed, { name: `runc ${versionOf(command)}`, command }];
}

function buildRunc(): string | undefined {
  const command = resolve(folder, runcVersion, "runc");
  if (existsSync(command)) return command;
  const go = Bun.which("go") ?? Bun.which("/usr/local/go/bin/go");
  if (go === null) {
    console.log(`SKIP runc ${runcVersion}: Go is not installed`);
    return undefined;
  }
  console.log(`building runc ${runcVersion}`);
  const { exitCode, stderr } = Bun.spawnSync(
    [go, "install", "-tags", "seccomp", `github.com/opencontainers/runc@${runcVersion}`],
    // Outside of this project: Go would read a go.mod that it finds above the working directory.
    { cwd: "/", env: { ...process.env, CGO_ENABLED: "1", GOBIN: resolve(folder, runcVersion) } },
  );
  if (exitCode === 0) return command;
  console.log(`SKIP runc ${runcVersion}: not built (does it lack libseccomp-dev?)\n${stderr}`);
  return undefined;
}

function versionOf(command: string): string {
  const text = Bun.spawnSync([command, "--version"]).stdout.toString();
  return /version (\d+(?:\.\d+)*)/.exec(text)?.[1] ?? "of an unknown version";
}
