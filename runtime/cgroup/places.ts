// A container's cgroups as its record has them, with the hierarchies they are in. Pure.

import type { CgroupLayout } from "./layout.ts";
import type { CgroupDirectory } from "./paths.ts";

/** Each directory with the hierarchy that it is in; those of hierarchies that are gone are left out. */
export function placesOf(directories: readonly string[], layout: CgroupLayout): CgroupDirectory[] {
  return directories.flatMap((directory) => {
    const hierarchy = layout.hierarchies
      .filter(({ mount }) => directory.startsWith(`${mount}/`))
      .toSorted((one, other) => other.mount.length - one.mount.length)[0];
    return hierarchy === undefined ? [] : [{ ...hierarchy, directory }];
  });
}
