// The process of an exec: a file that says all of it, or the container's own with changes.

import type { Config, Process } from "../config/types.gen.ts";
import { RuntimeError } from "../errors.ts";

/** Changes to the process that the container was created with. */
export interface ProcessChanges {
  args: readonly string[];
  terminal: boolean;
  cwd?: string;
  /** NAME=value; replaces one of the same name. */
  env: readonly string[];
  user?: { uid: number; gid?: number };
  additionalGids: readonly number[];
  /** Names, for the bounding, permitted and effective set. */
  capabilities: readonly string[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
}

/** A file that says all of it, or the text that would be in one, or changes. */
export type ExecProcess =
  | { file: string; terminal: boolean }
  | { text: string; terminal: boolean }
  | ProcessChanges;

/** The process, and what errors call it. */
export function execProcess(
  wanted: ExecProcess,
  config: Config,
): { process: Process; file: string } {
  if ("text" in wanted) {
    const process = { ...parsed(wanted.text, "process"), terminal: wanted.terminal };
    return { process, file: "process" };
  }
  return "file" in wanted
    ? { process: { ...confinementOf(config), ...processFrom(wanted) }, file: wanted.file }
    : { process: changed(wanted, config), file: "exec" };
}

/** What a file need not repeat: where it is silent, the process is bound as the container is. */
function confinementOf({ process = { cwd: "/", args: [] } }: Config): Partial<Process> {
  const { capabilities, rlimits, oomScoreAdj, apparmorProfile, selinuxLabel } = process;
  const { scheduler, ioPriority, execCPUAffinity } = process;
  return {
    ...(capabilities && { capabilities }),
    ...(rlimits && { rlimits }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
    ...(scheduler && { scheduler }),
    ...(ioPriority && { ioPriority }),
    ...(execCPUAffinity && { execCPUAffinity }),
  };
}

function processFrom({ file, terminal }: { file: string; terminal: boolean }): Process {
  const { readRegularFile }: typeof import("./bundle.ts") = require("./bundle.ts");
  const process = parsed(readRegularFile(file), file);
  return terminal ? { ...process, terminal } : process;
}

function parsed(text: string, file: string): Process {
  // The validators are loaded for those who bring something new.
  const { parseProcess }: typeof import("../config/parse.ts") = require("../config/parse.ts");
  return parseProcess(text, file);
}

function changed(changes: ProcessChanges, config: Config): Process {
  const { args, terminal, cwd, env, user, additionalGids } = changes;
  const { noNewPrivileges, apparmorProfile, selinuxLabel } = changes;
  const base: Partial<Process> = config.process ?? {};
  if (args.length === 0) throw new RuntimeError("there is nothing to execute");
  const groups = [...(base.user?.additionalGids ?? []), ...additionalGids];
  return {
    ...base,
    args: [...args],
    terminal,
    cwd: cwd ?? base.cwd ?? "/",
    env: [...(base.env ?? []), ...env],
    user: { uid: 0, gid: 0, ...base.user, ...user, additionalGids: groups },
    ...(changes.capabilities.length > 0 && { capabilities: withMore(base, changes.capabilities) }),
    ...(noNewPrivileges !== undefined && { noNewPrivileges }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
  };
}

/**
 * Never inheritable: a file with inheritable capabilities would give them to any user
 * (CVE-2022-29162). Ambient only where the container has said that they are inheritable.
 */
function withMore(
  { capabilities = {} }: Partial<Process>,
  names: readonly string[],
): NonNullable<Process["capabilities"]> {
  const { inheritable = [], ambient = [] } = capabilities;
  const add = (old: readonly string[] = []): string[] => [...new Set([...old, ...names])];
  return {
    ...capabilities,
    bounding: add(capabilities.bounding),
    permitted: add(capabilities.permitted),
    effective: add(capabilities.effective),
    ambient: [...ambient, ...names.filter((name) => inheritable.includes(name))],
  };
}
