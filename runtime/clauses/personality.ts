// linux.personality (config-linux.md#personality): which machine uname(2) names.

import type { Config, PersonalityDomain } from "../config/types.gen.ts";
import { changePersonality } from "../ops/process.ts";
import { type Clause, nothing, problems, step, steps } from "../plan/step.ts";

/** linux/personality.h */
const PERSONAS: Readonly<Record<PersonalityDomain, number>> = { LINUX: 0, LINUX32: 8 };

export function personality(config: Config): Clause {
  const wanted = config.linux?.personality;
  if (wanted === undefined) return nothing;
  const { domain, flags = [] } = wanted;
  if (flags.length > 0) {
    return problems({
      pointer: "/linux/personality/flags",
      message: `found ${flags.join(", ")}, and the specification has no flag`,
      spec: "config-linux.md#personality",
    });
  }
  const op = changePersonality({ domain, persona: PERSONAS[domain] });
  return steps([step("init", op, "/linux/personality")]);
}
