// bpf(2), for the device programs of cgroup v2. Linux 4.15; replacing a program 5.6.

import { check, mapPrivate, memoryAt, syscall, unmap } from "./libc.ts";
import { cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_PROG_QUERY = 16;

const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;

/** Loads a program of eight bytes an instruction; returns its descriptor. */
export function loadDeviceProgram(program: Uint8Array): number {
  const code = mapPrivate(program.length);
  memoryAt(code, program.length).set(program);
  const attributes = piece(72);
  attributes.bytes.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
  attributes.bytes.writeUInt32LE(program.length / 8, 4);
  attributes.bytes.writeBigUInt64LE(BigInt(code), 8);
  attributes.bytes.writeBigUInt64LE(BigInt(cstr("Apache")), 16);
  const result = syscall(NR.bpf, BPF_PROG_LOAD, attributes.address, 72);
  unmap(code, program.length);
  return check(result, () => "bpf(BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE)");
}

/** Attaches a device program to a cgroup, in the place of another one if that is given. */
export function attachDeviceProgram(cgroup: number, program: number, instead?: number): void {
  const attributes = piece(32);
  const flags = instead === undefined ? BPF_F_ALLOW_MULTI : BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
  attributes.bytes.writeUInt32LE(cgroup, 0);
  attributes.bytes.writeUInt32LE(program, 4);
  attributes.bytes.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
  attributes.bytes.writeUInt32LE(flags, 12);
  attributes.bytes.writeUInt32LE(instead ?? 0, 16);
  check(
    syscall(NR.bpf, BPF_PROG_ATTACH, attributes.address, 32),
    () => "bpf(BPF_PROG_ATTACH, BPF_CGROUP_DEVICE)",
  );
}

/** Takes a device program off a cgroup. */
export function detachDeviceProgram(cgroup: number, program: number): void {
  const attributes = piece(32);
  attributes.bytes.writeUInt32LE(cgroup, 0);
  attributes.bytes.writeUInt32LE(program, 4);
  attributes.bytes.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
  check(
    syscall(NR.bpf, BPF_PROG_DETACH, attributes.address, 32),
    () => "bpf(BPF_PROG_DETACH, BPF_CGROUP_DEVICE)",
  );
}

/** Descriptors of the device programs that are attached to a cgroup itself. */
export function attachedDevicePrograms(cgroup: number): number[] {
  const PROGRAMS_MAX = 64;
  const ids = piece(PROGRAMS_MAX * 4);
  const attributes = piece(64);
  attributes.bytes.writeUInt32LE(cgroup, 0);
  attributes.bytes.writeUInt32LE(BPF_CGROUP_DEVICE, 4);
  attributes.bytes.writeBigUInt64LE(BigInt(ids.address), 16);
  attributes.bytes.writeUInt32LE(PROGRAMS_MAX, 24);
  check(
    syscall(NR.bpf, BPF_PROG_QUERY, attributes.address, 64),
    () => "bpf(BPF_PROG_QUERY, BPF_CGROUP_DEVICE)",
  );
  const count = attributes.bytes.readUInt32LE(24);
  return Array.from({ length: count }, (_, index) =>
    openProgram(ids.bytes.readUInt32LE(index * 4)),
  );
}

function openProgram(id: number): number {
  const attributes = piece(16);
  attributes.bytes.writeUInt32LE(id, 0);
  return check(
    syscall(NR.bpf, BPF_PROG_GET_FD_BY_ID, attributes.address, 16),
    () => `bpf(BPF_PROG_GET_FD_BY_ID, ${id})`,
  );
}
