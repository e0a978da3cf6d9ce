// Files with a line for each device, such as `8:0 rbytes=4096 wbytes=0` or `mlx4_0 hca_handle=max`.

import { type Amount, amount } from "../../runtime/cgroup/stats.ts";

export interface Device {
  device: string;
  /** What the line says, by key; `max` is what "max" stands for. */
  values: Readonly<Record<string, Amount>>;
}

export function devicesIn(text: string, max?: Amount): Device[] {
  return text.split("\n").flatMap((line) => {
    const [device = "", ...words] = line.trim().split(" ");
    const pairs = words.map((word) => word.split("="));
    const values = Object.fromEntries(pairs.map(([key = "", value]) => [key, amount(value, max)]));
    return device === "" ? [] : [{ device, values }];
  });
}
