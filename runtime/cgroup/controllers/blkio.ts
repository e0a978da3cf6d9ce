// The blkio controller of v1, io of v2 (config-linux.md#block-io; cgroup-v1/blkio-controller.rst,
// cgroup-v2.rst, block/bfq-iosched.rst).

import type { BlockIO, Resources, ThrottleDevice, WeightDevice } from "../../config/types.gen.ts";
import { EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from "../../errno.ts";
import type { Problem } from "../../errors.ts";
import {
  amount,
  type BlkioEntry,
  type BlkioKey,
  type BlkioStats,
  type ControlFiles,
  type Stats,
  withPressure,
} from "../stats.ts";
import {
  type Controller,
  inexpressible,
  type Limits,
  NO_LIMITS,
  numberProperties,
  type Property,
  type SystemdHost,
  type Write,
} from "./limits.ts";

const POINTER = "/linux/resources/blockIO";
const NO_DEVICE = "there is no such block device on the host";
const NO_WEIGHT = "the kernel has no scheduler that weighs: bfq has to be built in";
const NOT_BFQ = "the device has another scheduler: write bfq to its queue/scheduler in /sys/block";
const NO_COST_MODEL = "the device has no cost model: see io.cost.qos in the root cgroup";

export const blkio: Controller = {
  name: "blkio",
  v1,
  v2,
  systemd,
  stats: { v1: statsV1, v2: statsV2 },
  hints: {
    "blkio.bfq.weight": { [ENOENT]: NO_WEIGHT },
    "blkio.bfq.weight_device": {
      [ENOENT]: NO_WEIGHT,
      [ENODEV]: NO_DEVICE,
      [EOPNOTSUPP]: NOT_BFQ,
    },
    "blkio.leaf_weight": { [ENOENT]: "the kernel dropped leaf weights in 5.0" },
    "blkio.leaf_weight_device": { [ENOENT]: "the kernel dropped leaf weights in 5.0" },
    "io.weight": { [ENOENT]: NO_WEIGHT, [ENODEV]: NO_DEVICE, [EOPNOTSUPP]: NO_COST_MODEL },
    "io.bfq.weight": { [ENOENT]: NO_WEIGHT, [ENODEV]: NO_DEVICE, [EOPNOTSUPP]: NOT_BFQ },
    "io.max": {
      [ENODEV]: NO_DEVICE,
      [EINVAL]: "the kernel takes numbers above 0, and whole disks",
    },
    "blkio.throttle.read_bps_device": { [ENODEV]: NO_DEVICE },
    "blkio.throttle.write_bps_device": { [ENODEV]: NO_DEVICE },
    "blkio.throttle.read_iops_device": { [ENODEV]: NO_DEVICE },
    "blkio.throttle.write_iops_device": { [ENODEV]: NO_DEVICE },
  },
  perDevice: {
    "blkio.weight_device": "0",
    "blkio.bfq.weight_device": "0",
    "blkio.leaf_weight_device": "0",
    "blkio.throttle.read_bps_device": "0",
    "blkio.throttle.write_bps_device": "0",
    "blkio.throttle.read_iops_device": "0",
    "blkio.throttle.write_iops_device": "0",
    "io.bfq.weight": "0",
    "io.weight": "default",
    "io.max": "rbps=max wbps=max riops=max wiops=max",
  },
};

type ThrottleKey = Extract<keyof BlockIO, `throttle${string}`>;

/** The key, the file of v1, and the word in io.max of v2. */
const THROTTLES: readonly (readonly [ThrottleKey, string, string])[] = [
  ["throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"],
  ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"],
  ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"],
  ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"],
];

function v1({ blockIO }: Resources): Limits {
  if (blockIO === undefined) return NO_LIMITS;
  const { weight = 0, leafWeight = 0, weightDevice = [] } = blockIO;
  const writes: Write[] = [
    ...(weight === 0 ? [] : [weighed("blkio.weight", "blkio.bfq.weight", `${weight}`, "weight")]),
    ...(leafWeight === 0
      ? []
      : [plain("blkio.leaf_weight", `${leafWeight}`, `${POINTER}/leafWeight`)]),
    ...weightDevice.flatMap((device, index) => deviceWeights(device, index)),
    ...throttles(blockIO, (file, _word, device) => [file, `${numbers(device)} ${device.rate}`]),
  ];
  return { writes, problems: weightProblems(blockIO), warnings: [] };
}

function v2({ blockIO }: Resources): Limits {
  if (blockIO === undefined) return NO_LIMITS;
  const { weight = 0, leafWeight, weightDevice = [] } = blockIO;
  const writes: Write[] = [
    ...(weight === 0
      ? []
      : [
          {
            ...plain("io.bfq.weight", `${weight}`, `${POINTER}/weight`),
            otherwise: { file: "io.weight", value: `${ioWeightFrom(weight)}` },
          },
        ]),
    ...weightDevice.flatMap((device, index) =>
      device.weight === undefined
        ? []
        : [
            {
              ...plain(
                "io.bfq.weight",
                `${numbers(device)} ${device.weight}`,
                `${POINTER}/weightDevice/${index}`,
              ),
              otherwise: {
                file: "io.weight",
                value: `${numbers(device)} ${ioWeightFrom(device.weight)}`,
              },
            },
          ],
    ),
    ...throttles(blockIO, (_file, word, device) => [
      "io.max",
      `${numbers(device)} ${word}=${device.rate === 0 || device.rate === 0n ? "max" : device.rate}`,
    ]),
  ];
  const leaves = weightDevice.map(
    (device, index) => [`${POINTER}/weightDevice/${index}/leafWeight`, device.leafWeight] as const,
  );
  const problems = [
    ...weightProblems(blockIO),
    ...inexpressible("v2", [[`${POINTER}/leafWeight`, leafWeight], ...leaves]),
  ];
  return { writes, problems, warnings: [] };
}

/** Weights of single devices and throttles are in the files alone, which systemd leaves as they are. */
function systemd({ blockIO }: Resources, { layout }: SystemdHost): Property[] {
  const weight = blockIO?.weight ?? 0;
  if (weight === 0) return [];
  return layout === "v1"
    ? numberProperties([["BlockIOWeight", weight]])
    : numberProperties([["IOWeight", ioWeightFrom(weight)]]);
}

/** 10 to 1000 as 1 to 10000. */
function ioWeightFrom(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function deviceWeights(device: WeightDevice, index: number): Write[] {
  const pointer = `weightDevice/${index}`;
  const text = (weight: number): string => `${numbers(device)} ${weight}`;
  const { weight, leafWeight } = device;
  return [
    ...(weight === undefined
      ? []
      : [weighed("blkio.weight_device", "blkio.bfq.weight_device", text(weight), pointer)]),
    ...(leafWeight === undefined
      ? []
      : [plain("blkio.leaf_weight_device", text(leafWeight), `${POINTER}/${pointer}`)]),
  ];
}

function throttles(
  blockIO: BlockIO,
  write: (file: string, word: string, device: ThrottleDevice) => readonly [string, string],
): Write[] {
  return THROTTLES.flatMap(([key, file, word]) =>
    (blockIO[key] ?? []).map((device, index) => {
      const [name, value] = write(file, word, device);
      return plain(name, value, `${POINTER}/${key}/${index}`);
    }),
  );
}

/** Since Linux 5.0 only bfq weighs on v1. */
function weighed(file: string, bfq: string, value: string, key: string): Write {
  return { ...plain(file, value, `${POINTER}/${key}`), otherwise: { file: bfq, value } };
}

function plain(file: string, value: string, pointer: string): Write {
  return { controller: "blkio", file, value, pointer };
}

function numbers({ major, minor }: ThrottleDevice | WeightDevice): string {
  return `${major}:${minor}`;
}

function weightProblems({ weight = 0, leafWeight = 0, weightDevice = [] }: BlockIO): Problem[] {
  const values: (readonly [string, number])[] = [
    ["weight", weight],
    ["leafWeight", leafWeight],
    ...weightDevice.flatMap((device, index) => [
      [`weightDevice/${index}/weight`, device.weight ?? 0] as const,
      [`weightDevice/${index}/leafWeight`, device.leafWeight ?? 0] as const,
    ]),
  ];
  return values
    .filter(([, value]) => value !== 0 && (value < 10 || value > 1000))
    .map(([key, value]) => ({
      pointer: `${POINTER}/${key}`,
      message: `found ${value}, wanted 10 to 1000`,
      spec: "config-linux.md#block-io",
    }));
}

const COUNTERS: readonly (readonly [BlkioKey, string])[] = [
  ["ioServiceBytesRecursive", "io_service_bytes"],
  ["ioServicedRecursive", "io_serviced"],
  ["ioQueueRecursive", "io_queued"],
  ["ioServiceTimeRecursive", "io_service_time"],
  ["ioWaitTimeRecursive", "io_wait_time"],
  ["ioMergedRecursive", "io_merged"],
  ["ioTimeRecursive", "time"],
  ["sectorsRecursive", "sectors"],
];

/** bfq counts what goes through it, and throttling counts the rest. */
function statsV1({ read, readUnified }: ControlFiles): Partial<Stats> {
  const blkio: BlkioStats = withPressure(readUnified("io.pressure"));
  for (const [key, name] of COUNTERS) {
    for (const by of ["bfq.", "throttle.", ""]) {
      const entries = entriesIn(read(`blkio.${by}${name}_recursive`));
      if (entries.length === 0) continue;
      blkio[key] = entries;
      break;
    }
  }
  return { blkio };
}

/** Lines such as `8:0 Read 4096` or `8:0 4096`; the sum over all devices is left out. */
function entriesIn(text: string): BlkioEntry[] {
  return text.split("\n").flatMap((line) => {
    const [, major, minor, op, value] = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line) ?? [];
    if (value === undefined) return [];
    const numbers = { major: Number(major), minor: Number(minor) };
    return [{ ...numbers, ...(op === undefined ? {} : { op }), value: amount(value) }];
  });
}

const OPERATIONS: readonly (readonly [string, BlkioKey, string])[] = [
  ["rbytes", "ioServiceBytesRecursive", "Read"],
  ["wbytes", "ioServiceBytesRecursive", "Write"],
  ["dbytes", "ioServiceBytesRecursive", "Discard"],
  ["rios", "ioServicedRecursive", "Read"],
  ["wios", "ioServicedRecursive", "Write"],
  ["dios", "ioServicedRecursive", "Discard"],
];

/** Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 …`. */
function statsV2({ read }: ControlFiles): Partial<Stats> {
  const blkio: BlkioStats = withPressure(read("io.pressure"));
  for (const line of read("io.stat").split("\n")) {
    const [, major, minor] = /^(\d+):(\d+) /.exec(line) ?? [];
    for (const [word, key, op] of OPERATIONS) {
      const value = new RegExp(` ${word}=(\\d+)`).exec(line)?.[1];
      if (minor === undefined || value === undefined) continue;
      const entry = { major: Number(major), minor: Number(minor), op, value: amount(value) };
      blkio[key] = [...(blkio[key] ?? []), entry];
    }
  }
  return { blkio };
}
