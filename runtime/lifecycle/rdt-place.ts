// Where resctrl has a container, if it has it.

import { rdtDirectories } from "../clauses/intel-rdt.ts";
import { parseConfig } from "../config/parse.ts";
import { directoryOf, type Place } from "../store/directory.ts";
import { readFile } from "../sys/file.ts";
import type { RdtPlace } from "./rdt-stats.ts";

/**
 * By the configuration that the container was made of.
 *
 * @param resctrl where the filesystem is mounted
 */
export function rdtPlace(place: Place, resctrl: string): RdtPlace | undefined {
  const copy = `${directoryOf(place)}/config.json`;
  const intelRdt = parseConfig(readFile(copy), copy).linux?.intelRdt;
  if (intelRdt === undefined) return undefined;
  const [directory = resctrl, group] = rdtDirectories(intelRdt, resctrl, place.id);
  return { mount: resctrl, directory, monitor: group ?? directory };
}
