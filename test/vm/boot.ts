// Boots a virtual machine, which runs tests and switches itself off.

import { join } from "node:path";

export interface Machine {
  /** The folder of image.sh. */
  images: string;
  jobDisk: string;
  /** Words of the kernel's command line. */
  kernel: readonly string[];
  /** Where the kernel's messages go. */
  log: string;
  limitMs: number;
}

/**
 * Boots and waits for the end. No write reaches the disks. The emulator ends with us, however we do.
 *
 * @param signal ends the machine
 * @returns what came out of the second serial port
 */
export async function boot(machine: Machine, signal: AbortSignal): Promise<string> {
  const { images, kernel, log, limitMs } = machine;
  const disk = (file: string): string[] => [
    "-drive",
    `file=${file},if=virtio,format=raw,cache=unsafe,snapshot=on`,
  ];
  const words = [
    "console=ttyS0",
    "quiet",
    // The emulator translates code once that is at the same address in every process.
    "norandmaps",
    "panic=-1",
    "apparmor=1",
    "security=apparmor",
    ...kernel,
  ];
  // Without KVM: it may be there and hang, where this machine is a virtual one itself.
  const command = [
    ...["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"],
    ...["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1536"],
    ...["-display", "none", "-monitor", "none", "-no-reboot", "-nic", "none"],
    ...["-serial", `file:${log}`, "-serial", "stdio"],
    ...["-kernel", join(images, "vmlinuz"), "-initrd", join(images, "initramfs.img")],
    ...["-append", words.join(" "), ...disk(join(images, "disk.img")), ...disk(machine.jobDisk)],
  ];
  const child = Bun.spawn(command, {
    stdio: ["ignore", "pipe", "inherit"],
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    killSignal: "SIGKILL",
  });
  const text = await new Response(child.stdout).text();
  await child.exited;
  return text;
}
