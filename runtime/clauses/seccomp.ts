// linux.seccomp (config-linux.md#seccomp): the profile compiled, ready for the last step.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { SeccompFilter } from "../seccomp/compile.ts";
import { isSeccompEnabled } from "../seccomp/profile.ts";

/** Whether a filter will be loaded. */
export function filters(config: Config): boolean {
  const profile = config.linux?.seccomp;
  return profile !== undefined && isSeccompEnabled(profile);
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
  const problems = seccompProblems(profile);
  if (problems.length > 0) return { filter: undefined, problems };
  if (facts.machine !== "x86_64") {
    const message = `filters for the machine ${facts.machine} are not supported yet`;
    return { filter: undefined, problems: [{ pointer: "/linux/seccomp", message }] };
  }
  return { filter: compileSeccomp(profile, facts.machine), problems: [] };
}
