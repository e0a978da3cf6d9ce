// linux.seccomp (config-linux.md#seccomp): the profile compiled, ready for the last step.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { allowTaking, checkListener } from "../ops/listener.ts";
import { type Step, step } from "../plan/step.ts";
import type { SeccompFilter } from "../seccomp/compile.ts";
import { isSeccompEnabled, notifies, type Seccomp } from "../seccomp/profile.ts";
import type { ProcessContainer } from "./container.ts";

const SPEC = "config-linux.md#seccomp";

/** Whether a filter will be loaded. */
export function filters(config: Config): boolean {
  const profile = config.linux?.seccomp;
  return profile !== undefined && isSeccompEnabled(profile);
}

/** Where the listener goes when the container is started; undefined if no rule notifies. */
export function listenerFrom(
  { linux }: Config,
  bundle: string,
): { path: string; metadata?: string } | undefined {
  const profile = linux?.seccomp;
  const { listenerPath = "", listenerMetadata: metadata } = profile ?? {};
  if (profile === undefined || listenerPath === "" || !notifies(profile)) return undefined;
  const path = listenerPath.startsWith("/") ? listenerPath : `${bundle}/${listenerPath}`;
  return { path, ...(metadata !== undefined && { metadata }) };
}

export interface ListenerSteps {
  /** Before anything is made: whether the agent is there. */
  check: readonly Step[];
  /** Before the last calls, when init has given up its rights. */
  allow: readonly Step[];
}

export function listenerSteps(
  config: Config,
  facts: HostFacts,
  { bundle }: ProcessContainer,
): ListenerSteps {
  const listener = listenerFrom(config, bundle);
  if (listener === undefined) return { check: [], allow: [] };
  const because = "/linux/seccomp/listenerPath";
  const mayTrace = facts.capabilities.includes("CAP_SYS_PTRACE");
  return {
    check: [step("host", checkListener({ path: listener.path }), because)],
    allow: mayTrace ? [] : [step("init", allowTaking({}), because)],
  };
}

/** The compiled filter, or what is wrong with the profile. */
export function seccomp(
  config: Config,
  facts: HostFacts,
): { filter: SeccompFilter | undefined; problems: readonly Problem[] } {
  const profile = config.linux?.seccomp;
  if (profile === undefined) return { filter: undefined, problems: [] };
  // The compiler and its tables are loaded for those who ask for a filter.
  const {
    seccompProblems,
  }: typeof import("../seccomp/refuse.ts") = require("../seccomp/refuse.ts");
  const {
    compileSeccomp,
  }: typeof import("../seccomp/compile.ts") = require("../seccomp/compile.ts");
  const problems = [...seccompProblems(profile), ...flagProblems(profile, facts)];
  if (problems.length > 0) return { filter: undefined, problems };
  if (facts.machine !== "x86_64" && facts.machine !== "aarch64") {
    const message = `there is no table of system calls for the machine ${facts.machine}`;
    return { filter: undefined, problems: [{ pointer: "/linux/seccomp", message }] };
  }
  return { filter: compileSeccomp(profile, facts.machine), problems: [] };
}

/** Flags that are known and that this kernel does not take. */
function flagProblems({ flags = [] }: Seccomp, facts: HostFacts): Problem[] {
  const { FLAG_VALUES }: typeof import("../seccomp/names.ts") = require("../seccomp/names.ts");
  return flags.flatMap((name, position) => {
    const isTaken = ((FLAG_VALUES.get(name) ?? 0) & ~facts.seccompFlags) === 0;
    const message = `the kernel does not take ${name}`;
    return isTaken ? [] : [{ pointer: `/linux/seccomp/flags/${position}`, message, spec: SPEC }];
  });
}
