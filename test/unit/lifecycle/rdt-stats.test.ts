import { test } from "uvu";
import * as assert from "uvu/assert";
import { rdtStats } from "../../../runtime/lifecycle/rdt-stats.ts";

const place = { mount: "/r", directory: "/r/c", monitor: "/r/c/mon_groups/c" };

function statsOf(texts: Readonly<Record<string, string>>) {
  const names = (path: string): string[] => {
    const below = Object.keys(texts).filter((name) => name.startsWith(`${path}/`));
    return [...new Set(below.map((name) => name.slice(path.length + 1).split("/")[0] ?? ""))];
  };
  return rdtStats({ read: (path) => texts[path] ?? "", names }, place);
}

test("a class tells its schemata beside those of the root, and what the processor can do", () => {
  assert.equal(
    statsOf({
      "/r/info/L3/cbm_mask": "7ff\n",
      "/r/info/L3/min_cbm_bits": "1\n",
      "/r/info/L3/num_closids": "16\n",
      "/r/info/MB/min_bandwidth": "10\n",
      "/r/info/MB/bandwidth_gran": "10\n",
      "/r/info/MB/delay_linear": "1\n",
      "/r/info/MB/num_closids": "8\n",
      "/r/schemata": "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n",
      "/r/c/schemata": "    L3:0=f;1=7ff\n    MB:0=20;1=100\n",
    }),
    {
      l3_cache_info: { cbm_mask: "7ff", min_cbm_bits: 1, num_closids: 16 },
      l3_cache_schema_root: "L3:0=7ff;1=7ff",
      l3_cache_schema: "L3:0=f;1=7ff",
      mem_bw_info: { bandwidth_gran: 10, delay_linear: 1, min_bandwidth: 10, num_closids: 8 },
      mem_bw_schema_root: "MB:0=100;1=100",
      mem_bw_schema: "MB:0=20;1=100",
    },
  );
});

test("a monitoring group tells what it has counted in each domain", () => {
  const data = "/r/c/mon_groups/c/mon_data";
  assert.equal(
    statsOf({
      "/r/info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n",
      [`${data}/mon_L3_00/llc_occupancy`]: "5\n",
      [`${data}/mon_L3_00/mbm_total_bytes`]: "7\n",
      [`${data}/mon_L3_00/mbm_local_bytes`]: "6\n",
      [`${data}/mon_L3_01/llc_occupancy`]: "Unavailable\n",
    }),
    {
      mbm_stats: [
        { mbm_total_bytes: 7, mbm_local_bytes: 6 },
        { mbm_total_bytes: 0, mbm_local_bytes: 0 },
      ],
      cmt_stats: [{ llc_occupancy: 5 }, { llc_occupancy: 0 }],
    },
  );
});

test("a host without any of it tells nothing", () => {
  assert.equal(statsOf({}), {});
});

test.run();
