// Loop devices: files that are mounted as if they were disks (loop(4)).

import { EBUSY } from "../errno.ts";
import { SyscallError } from "../errors.ts";
import { closeFd, O_RDONLY, O_RDWR, open } from "./file.ts";
import { check, syscall } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";
import { sleep } from "./process.ts";

const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CTL_GET_FREE = 0x4c82;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
const LO_FLAGS_DIRECT_IO = 16;
/** Size of struct loop_config, and where the flags in it are. */
const CONFIG_BYTES = 304;
const FLAGS_AT = 60;
/** How often a device is looked for that nobody else takes at the same time. */
const ATTEMPTS = 100;

export interface LoopDevice {
  path: string;
  /** Keeps the device until it is mounted. */
  fd: number;
}

/**
 * Attaches a file to a free device, which lets go of it when it is neither open nor mounted any
 * more. LOOP_CONFIGURE, Linux 5.8.
 */
export function attachLoop(
  file: string,
  { readOnly, direct }: { readOnly: boolean; direct: boolean },
): LoopDevice {
  const mode = readOnly ? O_RDONLY : O_RDWR;
  const flags =
    LO_FLAGS_AUTOCLEAR | (readOnly ? LO_FLAGS_READ_ONLY : 0) | (direct ? LO_FLAGS_DIRECT_IO : 0);
  const backing = open(file, mode);
  try {
    for (let attempt = 1; ; attempt++) {
      const path = `/dev/loop${freeDevice()}`;
      const fd = open(path, mode);
      const result = tryConfigure(fd, backing, flags);
      if (result >= 0) return { path, fd };
      closeFd(fd);
      if (result !== -EBUSY || attempt === ATTEMPTS) {
        throw new SyscallError(`ioctl("${path}", LOOP_CONFIGURE, "${file}")`, -result);
      }
      sleep(Math.random() * attempt);
    }
  } finally {
    closeFd(backing);
  }
}

function freeDevice(): number {
  const control = open("/dev/loop-control", O_RDWR);
  try {
    return check(
      syscall(NR.ioctl, control, LOOP_CTL_GET_FREE, 0),
      () => 'ioctl("/dev/loop-control", LOOP_CTL_GET_FREE)',
    );
  } finally {
    closeFd(control);
  }
}

function tryConfigure(fd: number, backing: number, flags: number): number {
  const { address, bytes } = piece(CONFIG_BYTES);
  bytes.writeUInt32LE(backing, 0);
  bytes.writeUInt32LE(flags, FLAGS_AT);
  return syscall(NR.ioctl, fd, LOOP_CONFIGURE, address);
}
