// Builds the validation programs and runtimetest of OCI runtime-tools, once, into build/conformance.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const moduleName = "github.com/opencontainers/runtime-tools";
// The newest that the module proxy serves; the last tag, v0.9.0, is years older.
const moduleVersion = "v0.9.1-0.20251114084447-edf4cb3d2116";

/** Where everything is built and written: programs in bin/, their working directory in work/. */
export const buildFolder = resolve(import.meta.dirname, "../../build/conformance");

/**
 * Builds everything unless it is there already.
 *
 * @returns undefined, or the reason why nothing can be built on this machine
 * @throws Error with Go's own words where Go is there and fails
 */
export function build(): string | undefined {
  const stamp = join(buildFolder, "version");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === moduleVersion) return undefined;
  // The suite brings no root filesystem for another architecture.
  if (process.arch !== "x64") return `runtime-tools has no rootfs for ${process.arch}`;
  const go = Bun.which("go") ?? Bun.which("/usr/local/go/bin/go");
  if (go === null) return "Go is not installed";

  console.log(`building ${moduleName}@${moduleVersion}`);
  const work = join(buildFolder, "work");
  mkdirSync(work, { recursive: true });
  const bin = join(buildFolder, "bin");
  const env = { ...process.env, CGO_ENABLED: "0", GOBIN: bin, GOFLAGS: "-trimpath" };
  const download = ["mod", "download", "-json", `${moduleName}@${moduleVersion}`];
  const info: { Dir: string } = JSON.parse(run([go, ...download], env));
  const packages = ["validation/...", "cmd/runtimetest"];
  run([go, "install", ...packages.map((path) => `${moduleName}/${path}@${moduleVersion}`)], env);

  copyFileSync(join(info.Dir, "rootfs-amd64.tar.gz"), join(work, "rootfs-amd64.tar.gz"));
  copyFileSync(join(bin, "runtimetest"), join(work, "runtimetest"));
  writeFileSync(stamp, moduleVersion);
  return undefined;
}

function run(command: string[], env: NodeJS.ProcessEnv): string {
  // Outside of this project: Go would read a go.mod that it finds above the working directory.
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: "/", env });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}\n${stderr}`);
  return stdout.toString();
}
