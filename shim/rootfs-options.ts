// What the options of a root filesystem's mount ask for: those of a configuration's mounts, and what
// containerd has besides.

import { type MountOptions, mountOptions } from "../runtime/clauses/mount-options.ts";
import { RuntimeError } from "../runtime/errors.ts";
import type { IdMapping, IdMappings } from "../runtime/ops/id-map.ts";

export interface RootfsOptions extends MountOptions {
  /** Of uidmap and gidmap. */
  ids: IdMappings | undefined;
  /** Whether the source is a file that is mounted as a disk, and how that is read and written. */
  loop: { direct: boolean } | undefined;
}

const OF_LOOP = ["loop", "direct-io"];

/** @throws RuntimeError about what the shim cannot do */
export function rootfsOptions({
  type,
  options,
}: {
  type: string;
  options: readonly string[];
}): RootfsOptions {
  const [, helper] = /^(fuse3?)\./.exec(type) ?? [];
  if (helper !== undefined) {
    throw new RuntimeError(
      `type ${type} is mounted by mount.${helper}, which the shim does not run`,
    );
  }
  const foreign = options.find((option) => option.startsWith("X-containerd."));
  if (foreign !== undefined) throw new RuntimeError(`mount option ${foreign} is containerd's own`);
  const known = mountOptions(options);
  if (known.remount || known.idMap !== undefined || known.copyUp) {
    throw new RuntimeError("a root filesystem takes none of remount, idmap, ridmap and tmpcopyup");
  }
  const [uidMappings, gidMappings] = [mappings(known, "uidmap="), mappings(known, "gidmap=")];
  const isMapped = uidMappings.length > 0;
  if (isMapped !== gidMappings.length > 0) {
    throw new RuntimeError("found one of uidmap and gidmap, wanted both or neither");
  }
  const isLoop = known.data.includes("loop");
  return {
    ...known,
    data: known.data.filter(
      (option) => !/^[ug]idmap=/.test(option) && !(isLoop && OF_LOOP.includes(option)),
    ),
    ids: isMapped ? { uidMappings, gidMappings } : undefined,
    loop: isLoop ? { direct: known.data.includes("direct-io") } : undefined,
  };
}

/** As FIRST-INSIDE:FIRST-OUTSIDE:COUNT, with commas between. */
function mappings({ data }: MountOptions, key: string): IdMapping[] {
  const texts = data.filter((option) => option.startsWith(key));
  return texts.flatMap((text) => text.slice(key.length).split(",").map(mappingOf));
}

function mappingOf(text: string): IdMapping {
  const match = /^(\d+):(\d+):(\d+)$/.exec(text);
  if (match === null) throw new RuntimeError(`"${text}" is not a mapping of ids`);
  const [containerID = 0, hostID = 0, size = 0] = match.slice(1).map(Number);
  return { containerID, hostID, size };
}
