// Resources in force and a change to them, as update gets it: what the change does not speak of
// stays.

import type { BlockIO, CPU, Memory, Network, Resources } from "./types.gen.ts";

/**
 * The resources that are in force with a change. Engines write 0 or "" for most of what they do not
 * want to change, as runc takes it. Lists by device, page size or interface are merged by that; the
 * list of device rules, whose order matters, is replaced as a whole.
 */
export function mergeResources(current: Resources, change: Resources): Resources {
  const { devices, memory, cpu, blockIO, hugepageLimits, network, pids, rdma, unified } = change;
  return {
    ...current,
    ...(devices && { devices }),
    ...(memory && { memory: mergeMemory(current.memory, memory) }),
    ...(cpu && { cpu: overlay<CPU>(current.cpu, cpu, ["burst", "idle"]) }),
    ...(blockIO && { blockIO: mergeBlockIO(current.blockIO, blockIO) }),
    ...(hugepageLimits && {
      hugepageLimits: mergeLists(current.hugepageLimits, hugepageLimits, (one) => one.pageSize),
    }),
    ...(network && { network: mergeNetwork(current.network, network) }),
    ...(pids && { pids: { ...current.pids, ...pids } }),
    ...(rdma && { rdma: mergeByKey(current.rdma, rdma) }),
    ...(unified && { unified: { ...current.unified, ...unified } }),
  };
}

/** Without a limit on memory, one on memory and swap together has lost its sense. */
function mergeMemory(current: Memory | undefined, change: Memory): Memory {
  const merged = overlay<Memory>(current, change, ["swappiness"]);
  const isUnlimited = change.limit !== undefined && change.limit < 0;
  return isUnlimited && !change.swap && current?.swap ? { ...merged, swap: -1 } : merged;
}

/** Per device; see mergeLists. */
function mergeBlockIO(current: BlockIO | undefined, change: BlockIO): BlockIO {
  const merged = overlay<BlockIO>(current, change, []);
  const { weightDevice } = change;
  if (weightDevice !== undefined) {
    merged.weightDevice = mergeLists(current?.weightDevice, weightDevice, numbers);
  }
  for (const key of [
    "throttleReadBpsDevice",
    "throttleWriteBpsDevice",
    "throttleReadIOPSDevice",
    "throttleWriteIOPSDevice",
  ] as const) {
    const list = change[key];
    if (list !== undefined) merged[key] = mergeLists(current?.[key], list, numbers);
  }
  return merged;
}

function mergeNetwork(current: Network | undefined, change: Network): Network {
  const merged = overlay<Network>(current, change, []);
  if (change.priorities !== undefined) {
    merged.priorities = mergeLists(current?.priorities, change.priorities, (one) => one.name);
  }
  return merged;
}

function numbers({ major, minor }: { major: number | bigint; minor: number | bigint }): string {
  return `${major}:${minor}`;
}

/** Of the noughts only the named ones are values; others mean that nothing is wanted. */
function overlay<Part extends object>(
  current: Part | undefined,
  change: Part,
  noughtCounts: readonly (keyof Part & string)[],
): Part {
  const counts = new Set<string>(noughtCounts);
  const entries = Object.entries(change).filter(
    ([key, value]) => counts.has(key) || (value !== 0 && value !== 0n && value !== ""),
  );
  return { ...change, ...current, ...Object.fromEntries(entries) };
}

/** Entries that are there already take what is new of the change's; others are added. */
function mergeLists<Entry extends object>(
  current: readonly Entry[] | undefined,
  change: readonly Entry[],
  keyOf: (entry: Entry) => string,
): Entry[] {
  const merged = new Map<string, Entry>();
  for (const entry of [...(current ?? []), ...change]) {
    merged.set(keyOf(entry), { ...merged.get(keyOf(entry)), ...entry });
  }
  return [...merged.values()];
}

function mergeByKey<Entry extends object>(
  current: Record<string, Entry> | undefined,
  change: Record<string, Entry>,
): Record<string, Entry> {
  const merged = { ...current };
  for (const [key, entry] of Object.entries(change)) merged[key] = { ...merged[key], ...entry };
  return merged;
}
