// What a controller makes of linux.resources: writes to its files, or what is wrong with the values.

import type { Resources } from "../../config/types.gen.ts";
import type { Problem } from "../../errors.ts";
import type { ControlFiles, Stats } from "../stats.ts";

/** One write to a file of the container's cgroup. */
export interface Write {
  /** Controller whose hierarchy has the file. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** JSON pointer of what asks for it; "" when every container has it. */
  readonly pointer: string;
  /** Written where the kernel has no such file; null: nothing is. Absent: the file has to be there. */
  readonly otherwise?: { readonly file: string; readonly value: string } | null;
}

export interface Limits {
  /** In the order that works for a new cgroup. */
  readonly writes: readonly Write[];
  readonly problems: readonly Problem[];
  /** Accepted without effect, as sentences. */
  readonly warnings: readonly string[];
}

/** One controller of the table; a file each. */
export interface Controller {
  readonly name: string;
  /** What has to be written on cgroup v1. */
  v1(resources: Resources): Limits;
  /** What has to be written on cgroup v2. */
  v2(resources: Resources): Limits;
  /** What systemd has to know besides, so that it does not take it back when it writes by itself. */
  systemd?(resources: Resources, host: SystemdHost): readonly Property[];
  /** What a refused write usually means: by file, or by controller for all its files, and by errno. */
  readonly hints?: Readonly<Record<string, Readonly<Record<number, string>>>>;
  /** Files with a line for each device or interface: what to write of one that is to have no line. */
  readonly perDevice?: Readonly<Record<string, string>>;
  /** What its files say the container has used, on either layout. */
  readonly stats?: {
    v1(files: ControlFiles): Partial<Stats>;
    v2(files: ControlFiles): Partial<Stats>;
  };
  /** What an update writes to a file that nothing is written to any more. */
  readonly resets?: Readonly<Record<string, string>>;
}

/** What the properties of a unit depend on. */
export interface SystemdHost {
  readonly layout: "v1" | "v2";
  /** Of systemd. */
  readonly version: number;
}

/** A property of a systemd unit (org.freedesktop.systemd1(5)), as plain data. */
export interface Property {
  readonly name: string;
  /** Type in the letters of D-Bus, such as `t` or `a(ss)`. */
  readonly type: string;
  readonly value: PropertyValue;
}

/** Numbers of 64 bits may be text. */
export type PropertyValue = boolean | number | string | PropertyVariant | readonly PropertyValue[];

export interface PropertyVariant {
  readonly type: string;
  readonly value: PropertyValue;
}

export const NO_LIMITS: Limits = { writes: [], problems: [], warnings: [] };

/** A file, its value, and the key of config.json it comes from; an undefined value is not written. */
export type FileValue = readonly [
  file: string,
  value: number | bigint | string | undefined,
  key: string,
];

/** Writes of the values that are there. `pointer` is that of the object with the keys. */
export function writesOf(
  controller: string,
  pointer: string,
  values: readonly FileValue[],
): Write[] {
  const writes: Write[] = [];
  for (const [file, value, key] of values) {
    if (value === undefined) continue;
    writes.push({ controller, file, value: `${value}`, pointer: `${pointer}/${key}` });
  }
  return writes;
}

/** A limit of v2: -1 is none. */
export function orMax(value: number | bigint | undefined): number | bigint | string | undefined {
  return value !== undefined && value < 0 ? "max" : value;
}

/** CGROUP_LIMIT_MAX and USEC_INFINITY of systemd: the greatest number of 64 bits. */
export const INFINITY = "18446744073709551615";

/** Numbers of 64 bits by the name of their property; negative ones are no limit, absent ones left out. */
export function numberProperties(
  values: readonly (readonly [name: string, value: number | bigint | undefined])[],
): Property[] {
  return values.flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, type: "t", value: value < 0 ? INFINITY : `${value}` }],
  );
}

/** Values that a layout has no file for. */
export function inexpressible(
  layout: "v1" | "v2",
  values: readonly (readonly [pointer: string, value: unknown])[],
): Problem[] {
  return values
    .filter(([, value]) => value !== undefined && value !== 0 && value !== false)
    .map(([pointer]) => ({
      pointer,
      message: `cgroup ${layout}, which this host has, cannot do this`,
    }));
}

/** Engines write 0 for a limit that nobody asked for, and runc and crun take it so. */
export function unlessZero(value: number | bigint | undefined): number | bigint | undefined {
  return value === 0 ? undefined : value;
}
