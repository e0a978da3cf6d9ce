// What is asked of the mounts of a root filesystem, read before a worker makes them: options as
// those of a configuration's mounts, and what containerd has besides.

import { type MountOptions, mountOptions } from "../runtime/clauses/mount-options.ts";
import { RuntimeError } from "../runtime/errors.ts";
import type { IdMapping, IdMappings } from "../runtime/ops/id-map.ts";
import type { Mount } from "./proto/common.ts";
import type { ValueOf } from "./proto/message.ts";

export interface RootfsMount extends MountOptions {
  type: string;
  source: string;
  target: string;
  /** For errors. */
  name: string;
  /** Of uidmap and gidmap. */
  ids: IdMappings | undefined;
  /** Whether the source is a file that is mounted as a disk, and how that is read and written. */
  loop: { direct: boolean } | undefined;
}

/** @throws RuntimeError about what the shim cannot do */
export function rootfsMounts(given: readonly ValueOf<typeof Mount>[]): RootfsMount[] {
  return given.map(({ type, source, target, options }, index) => {
    // Options are long where there are many layers.
    const text = options.join(",").replace(/^(.{200}).+$/s, "$1…");
    const words = [type, source, text].filter(Boolean).join(" ");
    const name = `${words} (mount ${index + 1} of ${given.length}) on ${target || "/"}`;
    return naming(name, () => ({ type, source, target, name, ...optionsOf(type, options) }));
  });
}

/** Makes a mount, or reads what is asked of it, and names it where that fails. */
export function naming<T>(name: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new RuntimeError(`${name}: ${error.message}`);
  }
}

const OF_LOOP = ["loop", "direct-io"];

function optionsOf(
  type: string,
  options: readonly string[],
): Omit<RootfsMount, "type" | "source" | "target" | "name"> {
  const [, helper] = /^(fuse3?)\./.exec(type) ?? [];
  if (helper !== undefined) {
    throw new RuntimeError(`the type needs mount.${helper}, which the shim does not run`);
  }
  const foreign = options.find((option) => option.startsWith("X-containerd."));
  if (foreign !== undefined) throw new RuntimeError(`option ${foreign} is containerd's own`);
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
