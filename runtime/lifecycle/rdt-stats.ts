// What resctrl tells of a container's class of service and monitoring group (filesystems/resctrl.rst),
// under the names of `runc events`.

import { type Amount, amount } from "../cgroup/stats.ts";

export interface RdtStats {
  l3_cache_info?: { cbm_mask: string; min_cbm_bits: Amount; num_closids: Amount };
  l3_cache_schema_root?: string;
  l3_cache_schema?: string;
  mem_bw_info?: {
    bandwidth_gran: Amount;
    delay_linear: Amount;
    min_bandwidth: Amount;
    num_closids: Amount;
  };
  mem_bw_schema_root?: string;
  mem_bw_schema?: string;
  /** One a domain of the cache. */
  mbm_stats?: { mbm_total_bytes: Amount; mbm_local_bytes: Amount }[];
  cmt_stats?: { llc_occupancy: Amount }[];
}

export interface RdtFiles {
  /** Text of a file; "" when there is none. */
  read(path: string): string;
  /** Names in a directory; none when there is none. */
  names(path: string): readonly string[];
}

export interface RdtPlace {
  mount: string;
  /** The class. */
  directory: string;
  /** What monitors the container: a group, or the class. */
  monitor: string;
}

export function rdtStats({ read, names }: RdtFiles, place: RdtPlace): RdtStats {
  const { mount, directory, monitor } = place;
  const info = (file: string): string => read(`${mount}/info/${file}`).trim();
  const schema = (where: string, resource: string): string => {
    const lines = read(`${where}/schemata`).split("\n");
    return lines.map((line) => line.trim()).find((line) => line.startsWith(`${resource}:`)) ?? "";
  };
  const domains = names(`${monitor}/mon_data`).filter((name) => name.startsWith("mon_L3_"));
  const counted = (domain: string, file: string): Amount =>
    amount(read(`${monitor}/mon_data/${domain}/${file}`));
  const features = info("L3_MON/mon_features").split("\n");
  return {
    ...(info("L3/cbm_mask") !== "" && {
      l3_cache_info: {
        cbm_mask: info("L3/cbm_mask"),
        min_cbm_bits: amount(info("L3/min_cbm_bits")),
        num_closids: amount(info("L3/num_closids")),
      },
      l3_cache_schema_root: schema(mount, "L3"),
      l3_cache_schema: schema(directory, "L3"),
    }),
    ...(info("MB/min_bandwidth") !== "" && {
      mem_bw_info: {
        bandwidth_gran: amount(info("MB/bandwidth_gran")),
        delay_linear: amount(info("MB/delay_linear")),
        min_bandwidth: amount(info("MB/min_bandwidth")),
        num_closids: amount(info("MB/num_closids")),
      },
      mem_bw_schema_root: schema(mount, "MB"),
      mem_bw_schema: schema(directory, "MB"),
    }),
    ...(features.includes("mbm_total_bytes") && {
      mbm_stats: domains.map((domain) => ({
        mbm_total_bytes: counted(domain, "mbm_total_bytes"),
        mbm_local_bytes: counted(domain, "mbm_local_bytes"),
      })),
    }),
    ...(features.includes("llc_occupancy") && {
      cmt_stats: domains.map((domain) => ({ llc_occupancy: counted(domain, "llc_occupancy") })),
    }),
  };
}
