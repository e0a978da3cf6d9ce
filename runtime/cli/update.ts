// runt update

import { RuntimeError } from "../errors.ts";
import { containerId } from "../lifecycle/container-id.ts";
import { type UpdateOptions, update } from "../lifecycle/update.ts";
import { absolutePath } from "./absolute-path.ts";
import { byteCount, wholeNumber } from "./amount.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** Changes the resources of a container and prints nothing. */
export function updateCommand(given: Arguments, { root, log, environment }: Surroundings): number {
  const file = given.text("resources");
  const schemata = ["l3-cache-schema", "mem-bw-schema"].flatMap((flag) => given.text(flag) ?? []);
  update({
    root,
    id: containerId(given.positionals[0] ?? ""),
    change: file === undefined ? { resources: resourcesFrom(given) } : { file: pathOrDash(file) },
    schemata,
    environment,
    log,
  });
  return 0;
}

function pathOrDash(file: string): string {
  return file === "-" ? file : absolutePath(file);
}

type Resources = Extract<UpdateOptions["change"], { resources: unknown }>["resources"];

function resourcesFrom(given: Arguments): Resources {
  const number = (flag: string) => parsed(given, flag, wholeNumber);
  const bytes = (flag: string) => parsed(given, flag, byteCount);
  const memory: Resources["memory"] = withoutAbsent({
    limit: bytes("memory"),
    reservation: bytes("memory-reservation"),
    swap: bytes("memory-swap"),
    kernel: bytes("kernel-memory"),
    kernelTCP: bytes("kernel-memory-tcp"),
  });
  const cpu: Resources["cpu"] = withoutAbsent({
    shares: number("cpu-share"),
    quota: number("cpu-quota"),
    burst: number("cpu-burst"),
    period: number("cpu-period"),
    realtimeRuntime: number("cpu-rt-runtime"),
    realtimePeriod: number("cpu-rt-period"),
    cpus: given.text("cpuset-cpus"),
    mems: given.text("cpuset-mems"),
    idle: number("cpu-idle"),
  });
  const weight = number("blkio-weight");
  const limit = number("pids-limit");
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(weight === undefined ? {} : { blockIO: { weight: Number(weight) } }),
    ...(limit === undefined ? {} : { pids: { limit } }),
  };
}

function parsed<T>(
  given: Arguments,
  flag: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  const text = given.text(flag);
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value === undefined) throw new RuntimeError(`invalid value for ${flag}: "${text}"`);
  return value;
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Fields that were not given are not there at all. */
function withoutAbsent<T extends object>(fields: T): Present<T> {
  const present: Present<T> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) Object.assign(present, { [key]: value });
  }
  return present;
}
