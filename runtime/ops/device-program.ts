// Device rules of cgroup v2: a program on the container's cgroup.

import { type DeviceList, deviceProgram } from "../cgroup/device-program.ts";
import {
  attachDeviceProgram,
  attachedDevicePrograms,
  detachDeviceProgram,
  loadDeviceProgram,
} from "../sys/bpf.ts";
import { closeFd, O_DIRECTORY, O_RDONLY, open } from "../sys/file.ts";
import { defineOp } from "./op.ts";

/** The program on a new cgroup. */
export const attachDevices = defineOp<{ directory: string; list: DeviceList }>({
  name: "devices.attach",
  print: ({ directory, list: { everything, exceptions } }) =>
    `${directory}: ${everything ? "everything" : "nothing"} but ${exceptions.length} entries`,
  run: ({ directory, list }) => attachDeviceList(directory, list),
});

/**
 * Loads and attaches the program, without a moment in which more is allowed than before or after:
 * in the place of the one that is there, or beside several, which the kernel takes all together,
 * until those are taken off.
 */
export function attachDeviceList(directory: string, list: DeviceList): void {
  const cgroup = open(directory, O_RDONLY | O_DIRECTORY);
  const program = loadDeviceProgram(deviceProgram(list));
  const old = attachedDevicePrograms(cgroup);
  if (old.length === 1) attachDeviceProgram(cgroup, program, old[0]);
  else {
    attachDeviceProgram(cgroup, program);
    for (const one of old) detachDeviceProgram(cgroup, one);
  }
  for (const fd of [...old, program, cgroup]) closeFd(fd);
}
