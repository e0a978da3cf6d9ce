// Which demands of the specification (test/spec/demands.txt) a clean program of the suite shows.

import { appendFileSync } from "node:fs";
import { newRecord } from "../spec/shown.ts";
import { isClean, type ProgramResult } from "./run-program.ts";

const DEMANDS: Readonly<Record<string, readonly string[]>> = {
  config_updates_without_affect: ["runtime.lifecycle.config-fixed"],
  create: ["runtime.create.arguments", "runtime.create.bad-id", "runtime.create.container"],
  default: ["runtime.lifecycle.create", "runtime.create.properties", "linux.filesystems"],
  delete: ["runtime.delete.no-id", "runtime.delete.not-stopped", "runtime.delete.resources"],
  delete_only_create_resources: ["runtime.delete.foreign-resources"],
  hooks_stdin: ["config.hooks.stdin"],
  kill: ["runtime.kill.no-id", "runtime.kill.not-alive"],
  killsig: ["runtime.kill.signal"],
  kill_no_effect: ["runtime.kill.not-alive"],
  linux_cgroups_devices: ["linux.resources.devices.order"],
  linux_devices: ["linux.devices"],
  linux_ns_path: ["linux.namespaces.path"],
  linux_ns_path_type: ["linux.namespaces.path.type"],
  linux_seccomp: ["linux.seccomp.action"],
  mounts: ["config.mounts.order"],
  poststart: ["runtime.lifecycle.poststart", "hooks.poststart.when"],
  poststop: ["runtime.lifecycle.poststop", "hooks.poststop.when"],
  poststop_fail: ["runtime.lifecycle.poststop-fails"],
  prestart: ["runtime.lifecycle.prestart"],
  prestart_fail: ["runtime.lifecycle.prestart-fails"],
  process_oom_score_adj: ["config.process.oomScoreAdj"],
  root_readonly_true: ["config.root.readonly"],
  state: ["runtime.query-state.unknown", "runtime.query-state.state"],
};

/** Says which demands the clean programs of a whole run have shown. */
export function recordShown(results: readonly ProgramResult[]): void {
  const record = newRecord("test/conformance");
  for (const { name } of results.filter(isClean)) {
    for (const id of DEMANDS[name] ?? []) {
      appendFileSync(record, `${JSON.stringify({ id, test: name })}\n`);
    }
  }
}
