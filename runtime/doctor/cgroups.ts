// cgroups: the layout, the controllers, and what of them this caller may use.

import { type CgroupLayout, cgroupLayout, type Hierarchy } from "../cgroup/layout.ts";
import type { Machine } from "../host/machine.ts";
import { good, type Judgement, listText } from "./check.ts";

/** The part of linux.resources that each controller is for. */
const V1_CONTROLLERS: readonly Part[] = [
  ["cpu", "cpu"],
  ["cpuset", "cpu.cpus and cpu.mems"],
  ["memory", "memory"],
  ["pids", "pids"],
  ["devices", "devices"],
  ["blkio", "blockIO"],
  ["hugetlb", "hugepageLimits"],
  ["rdma", "rdma"],
  ["net_cls", "network.classID"],
  ["net_prio", "network.priorities"],
];

/** A program stands in for devices; the network has none. */
const V2_CONTROLLERS: readonly Part[] = [
  ["cpu", "cpu"],
  ["cpuset", "cpu.cpus and cpu.mems"],
  ["memory", "memory"],
  ["pids", "pids"],
  ["io", "blockIO"],
  ["hugetlb", "hugepageLimits"],
  ["rdma", "rdma"],
];

type Part = readonly [name: string, fields: string];

export function layout(machine: Machine): Judgement {
  const { mode, hierarchies } = layoutOf(machine);
  if (mode === "none") {
    return {
      verdict: "limited",
      found: "none is mounted",
      effect: "creates containers without cgroups, and refuses limits",
      advice: "mount -t cgroup2 none /sys/fs/cgroup",
    };
  }
  if (mode === "v2") return good("version 2 alone");
  return good(`${mode === "v1" ? "version 1" : "hybrid"}, ${hierarchies.length} hierarchies`);
}

export function controllers(machine: Machine): Judgement {
  const there = controllersOf(machine);
  const isV2 = layoutOf(machine).mode === "v2";
  const wanted = isV2 ? V2_CONTROLLERS : V1_CONTROLLERS;
  const missing = wanted.filter(([name]) => !there.includes(name));
  if (missing.length === 0) return good(listText(wanted.map(([name]) => name)));
  return {
    verdict: "limited",
    found: `there: ${listText(there)}; missing: ${missing.map(([name]) => name).join(" ")}`,
    effect: `refuses ${missing.map(([, fields]) => `linux.resources.${fields}`).join(", ")}`,
    advice: isV2
      ? adviceOnV2(machine)
      : `mount them: mount -t cgroup -o ${missing[0]?.[0]} cgroup /sys/fs/cgroup/${missing[0]?.[0]}`,
  };
}

/** Root passes on itself what the kernel has; others depend on what is passed on to them. */
function adviceOnV2({ uid }: Machine): string {
  return uid === 0
    ? "boot a kernel with them, or unmount their hierarchies of version 1"
    : "have root delegate more: a drop-in for user@.service with [Service] Delegate=cpu cpuset io memory pids";
}

export function delegation(machine: Machine): Judgement {
  const { hierarchies } = layoutOf(machine);
  const closed = hierarchies.filter((one) => !machine.isWritable(directoryOf(one)));
  if (hierarchies.length === 0) return good("there is nothing to delegate");
  if (closed.length === 0) return good("this caller may make cgroups in all hierarchies");
  const names = closed.map(({ controllers: [first] }) => first ?? "version 2");
  return {
    verdict: "limited",
    found: `this caller may not make cgroups in: ${names.join(" ")}`,
    effect: "leaves containers in the caller's cgroup, and refuses limits and cgroupsPath",
    advice:
      "have systemd delegate one: systemd-run --user --scope -p Delegate=yes, or call as root",
  };
}

export function realtime(machine: Machine): Judgement {
  const cpu = layoutOf(machine).hierarchies.find((one) => one.controllers.includes("cpu"));
  if (cpu === undefined || machine.text(`${directoryOf(cpu)}/cpu.rt_runtime_us`) === undefined) {
    return good("real-time tasks are not grouped by cgroup");
  }
  return {
    verdict: "limited",
    found: "the kernel groups real-time tasks by cgroup",
    effect: "has SCHED_FIFO and SCHED_RR refused where the container's cgroup has no real-time",
    advice: "set linux.resources.cpu.realtimeRuntime beside such a process.scheduler",
  };
}

function layoutOf({ text }: Machine): CgroupLayout {
  return cgroupLayout(text("/proc/self/mountinfo") ?? "", text("/proc/self/cgroup") ?? "");
}

function controllersOf(machine: Machine): string[] {
  return layoutOf(machine).hierarchies.flatMap((one) =>
    one.controllers.length > 0
      ? one.controllers.filter((name) => !name.startsWith("name="))
      : (
          machine.text(`${machine.uid === 0 ? one.mount : directoryOf(one)}/cgroup.controllers`) ??
          ""
        )
          .trim()
          .split(" ")
          .filter(Boolean),
  );
}

function directoryOf({ mount, own }: Hierarchy): string {
  return own === "/" ? mount : `${mount}${own}`;
}
