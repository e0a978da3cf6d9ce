// The controllers net_cls and net_prio of v1: tags and priorities of packets (config-linux.md#network;
// cgroup-v1/net_cls.rst, net_prio.rst). v2 leaves both to eBPF programs and iptables.

import type { Resources } from "../../config/types.gen.ts";
import { ENODEV } from "../../errno.ts";
import {
  type Controller,
  inexpressible,
  type Limits,
  NO_LIMITS,
  unlessZero,
  writesOf,
} from "./limits.ts";

const POINTER = "/linux/resources/network";

export const netCls: Controller = {
  name: "net_cls",
  v1: ({ network }) => {
    const classID = unlessZero(network?.classID);
    const writes = writesOf("net_cls", POINTER, [["net_cls.classid", classID, "classID"]]);
    return { writes, problems: [], warnings: [] };
  },
  v2: ({ network }) => ({
    ...NO_LIMITS,
    problems: inexpressible("v2", [[`${POINTER}/classID`, network?.classID]]),
  }),
};

export const netPrio: Controller = {
  name: "net_prio",
  v1: ({ network }: Resources): Limits => {
    const writes = (network?.priorities ?? []).map(({ name, priority }, index) => ({
      controller: "net_prio",
      file: "net_prio.ifpriomap",
      value: `${name} ${priority}`,
      pointer: `${POINTER}/priorities/${index}`,
    }));
    return { writes, problems: [], warnings: [] };
  },
  v2: ({ network }) => {
    const asked = (network?.priorities ?? []).length > 0;
    return { ...NO_LIMITS, problems: inexpressible("v2", [[`${POINTER}/priorities`, asked]]) };
  },
  hints: { "net_prio.ifpriomap": { [ENODEV]: "there is no such interface on the host" } },
  perDevice: { "net_prio.ifpriomap": "0" },
};
