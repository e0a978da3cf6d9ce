// What a container has used, under the names that `runc events` gives to it, and the forms in which
// the kernel's files tell it. Pure.

/** Exact beyond 2^53. */
export type Amount = number | bigint;

/** No limit at all, as runc says it. */
export const NO_LIMIT: Amount = 2n ** 64n - 1n;

/** Pressure stall information (accounting/psi.rst): shares of time in percent, microseconds in all. */
export interface Pressure {
  some: PressureTimes;
  full: PressureTimes;
}

export interface PressureTimes {
  avg10: number;
  avg60: number;
  avg300: number;
  total: Amount;
}

export interface Bounded {
  limit: Amount;
  usage: Amount;
  /** The most that it has been. */
  max: Amount;
  failcnt: Amount;
}

export interface BlkioEntry {
  major: number;
  minor: number;
  op?: string;
  value: Amount;
}

export interface Stats {
  /** Nanoseconds. */
  cpu: {
    usage: {
      total: Amount;
      percpu?: Amount[];
      percpu_kernel?: Amount[];
      percpu_user?: Amount[];
      kernel: Amount;
      user: Amount;
    };
    throttling: { periods: Amount; throttledPeriods: Amount; throttledTime: Amount };
    psi?: Pressure;
  };
  cpuset: {
    cpus?: number[];
    cpu_exclusive: Amount;
    mems?: number[];
    mem_hardwall: Amount;
    mem_exclusive: Amount;
    memory_migrate: Amount;
    memory_spread_page: Amount;
    memory_spread_slab: Amount;
    memory_pressure: Amount;
    sched_load_balance: Amount;
    sched_relax_domain_level: Amount;
  };
  /** Bytes. */
  memory: {
    cache: Amount;
    usage: Bounded;
    /** Memory and swap together. */
    swap: Bounded;
    kernel: Bounded;
    kernelTCP: Bounded;
    raw: Record<string, Amount>;
    psi?: Pressure;
  };
  /** A limit of 0 is none. */
  pids: { current: Amount; limit: Amount };
  blkio: BlkioStats;
  /** By page size. */
  hugetlb: Record<string, { usage: Amount; max: Amount; failcnt: Amount }>;
}

export type BlkioKey =
  | "ioServiceBytesRecursive"
  | "ioServicedRecursive"
  | "ioQueueRecursive"
  | "ioServiceTimeRecursive"
  | "ioWaitTimeRecursive"
  | "ioMergedRecursive"
  | "ioTimeRecursive"
  | "sectorsRecursive";

export type BlkioStats = { [Key in BlkioKey]?: BlkioEntry[] } & { psi?: Pressure };

/** The files of a container's cgroup in one hierarchy. */
export interface ControlFiles {
  /** Text of a file; "" when there is none. */
  read(file: string): string;
  /** As `read`, in the hierarchy of v2 that v1's hierarchies have beside them, too. */
  readUnified(file: string): string;
  /** Names of the files of a controller. */
  names(controller: string): readonly string[];
}

/** A number of the kernel's; 0 where there is none, and for "max" what `max` says. */
export function amount(text: string | undefined, max: Amount = NO_LIMIT): Amount {
  const word = text?.trim() ?? "";
  if (word === "max") return max;
  if (!/^-?\d+$/.test(word)) return 0;
  const number = Number(word);
  return Number.isSafeInteger(number) ? number : BigInt(word);
}

/** Sum and multiple, exact. */
export function plus(one: Amount, other: Amount): Amount {
  return exact(BigInt(one) + BigInt(other));
}

export function times(one: Amount, factor: number): Amount {
  return exact(BigInt(one) * BigInt(factor));
}

function exact(value: bigint): Amount {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Lines of a name and a number. */
export function flatKeyed(text: string): Record<string, Amount> {
  const values: Record<string, Amount> = {};
  for (const line of text.split("\n")) {
    const [name = "", value] = line.split(" ");
    if (value !== undefined) values[name] = amount(value);
  }
  return values;
}

/** "0-2,5" as numbers. */
export function numberList(text: string): number[] {
  return text
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      const numbers: number[] = [];
      for (let number = first; number <= last; number++) numbers.push(number);
      return numbers;
    });
}

/** The lines `some` and `full`; undefined where the kernel does not account for pressure. */
export function pressure(text: string): Pressure | undefined {
  const timesOf = (kind: string): PressureTimes => {
    const words = (text.split("\n").find((one) => one.startsWith(`${kind} `)) ?? "").split(" ");
    const value = (key: string) =>
      words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
    return {
      avg10: Number(value("avg10") ?? 0),
      avg60: Number(value("avg60") ?? 0),
      avg300: Number(value("avg300") ?? 0),
      total: amount(value("total")),
    };
  };
  return text === "" ? undefined : { some: timesOf("some"), full: timesOf("full") };
}

/** Under `psi`, if there is any. */
export function withPressure(text: string): { psi?: Pressure } {
  const psi = pressure(text);
  return psi === undefined ? {} : { psi };
}
