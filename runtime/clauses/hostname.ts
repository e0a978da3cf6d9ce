// hostname and domainname (config.md#hostname, config.md#domainname).

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import { setDomainname, setHostname } from "../ops/namespace.ts";
import { type Clause, type Step, step } from "../plan/step.ts";
import type { Container } from "./container.ts";
import { isolates } from "./namespaces.ts";

export function hostname(config: Config, container: Container): Clause {
  const steps: Step[] = [];
  const problems: Problem[] = [];
  const own = isolates(config, container, "uts");
  for (const [key, op] of [
    ["hostname", setHostname],
    ["domainname", setDomainname],
  ] as const) {
    const name = config[key];
    if (name === undefined || name === "") continue;
    if (own) steps.push(step("init", op({ name }), `/${key}`));
    else problems.push(needsUts(key));
  }
  return { steps, problems };
}

function needsUts(key: string): Problem {
  return {
    pointer: `/${key}`,
    message: "needs a uts namespace of the container's own",
    hint: 'add {"type": "uts"} to /linux/namespaces',
    spec: `config.md#${key}`,
  };
}
