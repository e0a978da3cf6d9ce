// linux.netDevices (config-linux.md#network-devices): devices of the host that the container gets.

import type { Config } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import { type Clause, step } from "../plan/step.ts";
import { type Container, pointerTo } from "./container.ts";
import { hasNamespace, isolates } from "./namespaces.ts";

const SPEC = "config-linux.md#network-devices";
const FIELD = "/linux/netDevices";
/** IFNAMSIZ of linux/if.h, less the NUL. */
const NAME_BYTES_MAX = 15;

interface Entry {
  device: string;
  name: string;
  pointer: string;
}

export function netDevices(config: Config, facts: HostFacts, container: Container): Clause {
  const entries = Object.entries(config.linux?.netDevices ?? {}).map(([device, { name }]) => ({
    device,
    name: name ?? device,
    pointer: pointerTo(FIELD, device),
  }));
  if (entries.length === 0) return { steps: [], problems: [] };
  const ops: typeof import("../ops/net-device.ts") = require("../ops/net-device.ts");
  return {
    steps: [
      step("host", ops.openContainerNetlink({}), FIELD),
      ...entries.flatMap(({ device, name, pointer }) => [
        step("host", ops.moveNetDevice({ device, name }), pointer),
        step("host", ops.addNetDeviceAddresses({ device }), pointer),
        step("host", ops.setNetDeviceUp({ device }), pointer),
      ]),
    ],
    problems: [
      ...placeProblems(config, container),
      ...privilegeProblems(facts),
      ...entries.flatMap((entry) => nameProblems(entry, entries)),
    ],
  };
}

function placeProblems(config: Config, container: Container): Problem[] {
  if (isolates(config, container, "network")) return [];
  const [message, hint] = hasNamespace(config, "network")
    ? ["the container joins the network namespace that they are in", "name another /path"]
    : ["a container without a network namespace has them already", 'add {"type": "network"}'];
  return [{ pointer: FIELD, message, spec: SPEC, hint: `${hint} in /linux/namespaces` }];
}

function privilegeProblems({ capabilities }: HostFacts): Problem[] {
  const missing = ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"].filter((name) => !capabilities.includes(name));
  if (missing.length === 0) return [];
  const message = `moving network devices takes ${missing.join(" and ")}, which the caller has not`;
  return [{ pointer: FIELD, message, spec: SPEC }];
}

/** What the schema, which counts characters and knows each name alone, lets through. */
function nameProblems({ device, name, pointer }: Entry, entries: readonly Entry[]): Problem[] {
  const problems: Problem[] = [];
  const wrong = (at: string, message: string): void => {
    problems.push({ pointer: at, message, spec: SPEC });
  };
  const field = name === device ? pointer : `${pointer}/name`;
  for (const [text, at] of new Map([
    [device, pointer],
    [name, field],
  ])) {
    const length = Buffer.byteLength(text);
    if (length > NAME_BYTES_MAX) {
      wrong(at, `found "${text}" of ${length} bytes, wanted at most ${NAME_BYTES_MAX}`);
    }
  }
  if (field !== pointer && name.includes("%") && !/^[^%]*%d[^%]*$/.test(name)) {
    wrong(field, `found "${name}", wanted no % but in one %d`);
  }
  const first = entries.find((entry) => entry.name === name);
  if (first !== undefined && first.device !== device && !name.includes("%")) {
    wrong(field, `found "${name}" again, wanted another name than that of ${first.pointer}`);
  }
  return problems;
}
