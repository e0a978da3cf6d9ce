// Idmapped mounts: uidMappings and gidMappings of a mount, and the options idmap and ridmap
// (config.md#posix-platform-mounts).

import type { Config, IDMapping, Mount } from "../config/types.gen.ts";
import type { Problem } from "../errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { IdMappings } from "../ops/id-map.ts";
import { type MountIdMap, openIdMap } from "../ops/mount-id-map.ts";
import { type Step, step } from "../plan/step.ts";
import { mapProblems } from "./id-mappings.ts";
import type { MountOptions } from "./mount-options.ts";

const SPEC = "config.md#posix-platform-mounts";
/** Where namespaces that are joined by path stand. */
const JOINED = "$user-namespace";

export interface MappedMount {
  mount: Mount;
  options: MountOptions;
  pointer: string;
}

/** Whether the ids of a mount are mapped: it has mappings, or an option that asks for them. */
export function isMapped({ mount, options }: MappedMount): boolean {
  const { uidMappings = [], gidMappings = [] } = mount;
  return options.idMap !== undefined || uidMappings.length > 0 || gidMappings.length > 0;
}

/**
 * How the ids of a mount are mapped. Mappings alone mean `idmap`; an option alone means those of
 * the container's own user namespace.
 *
 * @param known slots by the mapping that they hold; a new one is added
 * @returns the step that makes the mapping, where no mount before has asked for the same
 */
export function mountIdMap(
  { mount, options, pointer }: MappedMount,
  config: Config,
  known: Map<string, string>,
): { open: Step[]; idMap: MountIdMap } {
  const recursive = options.idMap === "recursive";
  const mappings = mappingsOf(mount) ?? mappingsOf(config.linux ?? {});
  if (mappings === undefined) return { open: [], idMap: { map: JOINED, recursive } };
  const key = JSON.stringify(mappings);
  const map = known.get(key) ?? `$idmap${known.size}`;
  const open = known.has(key) ? [] : [step("host", openIdMap({ ...mappings, into: map }), pointer)];
  known.set(key, map);
  return { open, idMap: { map, recursive } };
}

/** Why the ids of a mount cannot be mapped, if they cannot. */
export function idMapProblems(
  { mount, options, pointer }: MappedMount,
  config: Config,
  facts: HostFacts,
): Problem[] {
  const problem = (at: string, message: string, hint?: string): Problem[] => [
    { pointer: `${pointer}${at}`, message, spec: SPEC, ...(hint !== undefined && { hint }) },
  ];
  const counts = [mount.uidMappings, mount.gidMappings].map((list) => (list ?? []).length > 0);
  if (counts[0] !== counts[1]) {
    const [found, other] = counts[0]
      ? ["uidMappings", "gidMappings"]
      : ["gidMappings", "uidMappings"];
    return problem(`/${found}`, `found ${found} without ${other}, wanted both or neither`);
  }
  if (options.remount) {
    return problem("/options", "the ids of a mount that is there already cannot be mapped");
  }
  if (/^cgroup2?$/.test(mount.type ?? "") && options.bind === undefined) {
    return problem("", "the ids of a cgroup hierarchy cannot be mapped");
  }
  const user = config.linux?.namespaces?.find(({ type }) => type === "user");
  if (mappingsOf(mount) === undefined && user === undefined) {
    const name = options.idMap === "recursive" ? "ridmap" : "idmap";
    const message = `found option ${name} without mappings, wanted uidMappings and gidMappings or a user namespace`;
    return problem("/options", message);
  }
  if (!facts.capabilities.includes("CAP_SYS_ADMIN")) {
    const hint = "run as root, or map the ids of the whole container with a user namespace";
    return problem("", "mapping the ids of a mount needs CAP_SYS_ADMIN", hint);
  }
  return (["uidMappings", "gidMappings"] as const).flatMap((field) =>
    mapProblems(mount[field] ?? [], `${pointer}/${field}`),
  );
}

function mappingsOf({
  uidMappings = [],
  gidMappings = [],
}: {
  uidMappings?: readonly IDMapping[];
  gidMappings?: readonly IDMapping[];
}): IdMappings | undefined {
  if (uidMappings.length === 0 || gidMappings.length === 0) return undefined;
  return { uidMappings, gidMappings };
}
