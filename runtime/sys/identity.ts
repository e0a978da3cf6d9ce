// User, groups and capabilities of this process. Raw system calls: libc's wrappers would signal
// every thread, and there is one.

import { check, mapPrivate, memoryAt, syscall, unmap } from "./libc.ts";
import { piece } from "./memory.ts";
import { NR } from "./nr.ts";
import { PR_CAP_AMBIENT, PR_CAPBSET_DROP } from "./process.ts";

/** setgroups(2); returns 0 or the negative errno. */
export function trySetGroups(gids: readonly number[]): number {
  if (gids.length === 0) return syscall(NR.setgroups, 0, 0);
  // There may be 65,536 (NGROUPS_MAX), too many for the memory that calls share.
  const length = gids.length * 4;
  const address = mapPrivate(length);
  new Uint32Array(memoryAt(address, length).buffer).set(gids);
  const result = syscall(NR.setgroups, gids.length, address);
  unmap(address, length);
  return result;
}

/** setresgid(2), all three ids. */
export function setGid(gid: number): void {
  check(syscall(NR.setresgid, gid, gid, gid), () => `setresgid(${gid}, ${gid}, ${gid})`);
}

/** setresuid(2), all three ids. */
export function setUid(uid: number): void {
  check(syscall(NR.setresuid, uid, uid, uid), () => `setresuid(${uid}, ${uid}, ${uid})`);
}

/** Capability sets as bit masks; bit n is capability n of linux/capability.h. */
export interface CapabilitySets {
  effective: bigint;
  permitted: bigint;
  inheritable: bigint;
}

/** The effective set of this process (capget(2)). */
export function effectiveCapabilities(): bigint {
  const { address, bytes } = piece(24);
  check(syscall(NR.capget, capabilityHeader(), address), () => "capget()");
  return BigInt(bytes.readUInt32LE(0)) | (BigInt(bytes.readUInt32LE(12)) << 32n);
}

/** capset(2) of this process. */
export function setCapabilities(sets: CapabilitySets): void {
  const data = piece(24);
  const masks = [sets.effective, sets.permitted, sets.inheritable];
  for (const [index, mask] of masks.entries()) {
    data.bytes.writeUInt32LE(Number(mask & 0xffffffffn), index * 4);
    data.bytes.writeUInt32LE(Number(mask >> 32n), 12 + index * 4);
  }
  check(
    syscall(NR.capset, capabilityHeader(), data.address),
    () => `capset(${masks.map((mask) => `0x${mask.toString(16)}`).join(", ")})`,
  );
}

/** struct __user_cap_header_struct for this process. */
function capabilityHeader(): number {
  const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
  const { address, bytes } = piece(8);
  bytes.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  return address;
}

/** prctl(PR_CAPBSET_DROP), returning 0 or the negative errno. */
export function tryDropBounding(capability: number): number {
  return syscall(NR.prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/** prctl(PR_CAP_AMBIENT_CLEAR_ALL). Linux 4.3. */
export function clearAmbient(): void {
  const PR_CAP_AMBIENT_CLEAR_ALL = 4;
  check(
    syscall(NR.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
    () => "prctl(PR_CAP_AMBIENT_CLEAR_ALL)",
  );
}

/** prctl(PR_CAP_AMBIENT_RAISE), returning 0 or the negative errno. */
export function tryRaiseAmbient(capability: number): number {
  const PR_CAP_AMBIENT_RAISE = 2;
  return syscall(NR.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}
