// User, groups and capabilities of the container's program.

import { EINVAL, EPERM } from "../errno.ts";
import { SyscallError, withHint } from "../errors.ts";
import {
  clearAmbient,
  setCapabilities,
  setGid,
  setUid,
  tryDropBounding,
  tryRaiseAmbient,
  trySetGroups,
} from "../sys/identity.ts";
import { PR_SET_DUMPABLE, PR_SET_KEEPCAPS, prctl } from "../sys/process.ts";
import { defineOp } from "./op.ts";

export interface Identity {
  uid: number;
  gid: number;
  additionalGids: readonly number[];
  /** Capability numbers. */
  bounding: readonly number[];
  effective: readonly number[];
  permitted: readonly number[];
  inheritable: readonly number[];
  ambient: readonly number[];
  /** Numbers of what init has until then. */
  held: readonly number[];
  /** Where the kernel may forbid setgroups(2), and there are no groups to set, the rest will do. */
  mayKeepGroups: boolean;
  /** Kept until execve(2) recomputes the sets, so that a filter may be loaded. */
  keepSysAdmin: boolean;
}

/** NGROUPS_MAX of linux/limits.h. */
const GROUPS_MAX = 65_536;
const CAP_SYS_ADMIN = 21;
const NOT_MAPPED = "the container's user namespace has to map the id";

/** The ids that init, or the joiner for it, makes the container with: the root of its namespace. */
export const becomeRoot = defineOp<{ uid: number; gid: number }>({
  name: "identity.become-root",
  print: ({ uid, gid }) => `${uid}:${gid}`,
  run: ({ uid, gid }) => {
    setGid(gid);
    setUid(uid);
  },
});

/**
 * User, groups and capabilities, in the one order that works: the bounding set while CAP_SETPCAP is
 * there, ids with the capabilities kept, then the sets, the ambient one last because it needs the
 * permitted and the inheritable (capabilities(7)).
 */
export const setIdentity = defineOp<Identity>({
  name: "identity.set",
  print: ({ uid, gid, additionalGids, bounding }) =>
    `${[uid, gid, ...additionalGids].join(":")} with ${bounding.length} capabilities`,
  onTape: true,
  run: (identity, context) => {
    inheritBeyondBounding(identity);
    dropBounding(identity.bounding);
    prctl(PR_SET_KEEPCAPS, 1);
    try {
      replaceGroups(identity);
      setGid(identity.gid);
      setUid(identity.uid);
    } catch (error) {
      const isUnmapped = error instanceof SyscallError && error.errno === EINVAL;
      throw isUnmapped ? withHint(error, NOT_MAPPED) : error;
    }
    // Changing ids has made the process dumpable again, or not: prctl(2) leaves it to a sysctl.
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_KEEPCAPS, 0);
    const extra = identity.keepSysAdmin ? [CAP_SYS_ADMIN] : [];
    setCapabilities({
      effective: maskOf([...identity.effective, ...extra]),
      permitted: maskOf([...identity.permitted, ...extra]),
      inheritable: maskOf(identity.inheritable),
    });
    clearAmbient();
    for (const capability of identity.ambient) {
      const result = tryRaiseAmbient(capability);
      if (result < 0) context.warn(`cannot raise ambient capability ${capability}`);
    }
  },
});

function replaceGroups({ additionalGids, mayKeepGroups }: Identity): void {
  const result = trySetGroups(additionalGids);
  if (result === -EPERM && mayKeepGroups && additionalGids.length === 0) return;
  if (result >= 0) return;
  const error = new SyscallError(`setgroups(${groupsText(additionalGids)})`, -result);
  throw withHint(
    error,
    additionalGids.length > GROUPS_MAX ? `${GROUPS_MAX} are the most` : undefined,
  );
}

function groupsText(gids: readonly number[]): string {
  return gids.length > 32 ? `${gids.length} groups` : `[${gids.join(", ")}]`;
}

/** Nothing can become inheritable that the bounding set has lost, but what is may stay so. */
function inheritBeyondBounding({ inheritable, bounding, held }: Identity): void {
  if (inheritable.every((capability) => bounding.includes(capability))) return;
  const all = maskOf(held);
  setCapabilities({ effective: all, permitted: all, inheritable: maskOf(inheritable) });
}

/** Drops all that the kernel has but what is kept, also what has no name here. */
function dropBounding(kept: readonly number[]): void {
  for (let capability = 0; ; capability++) {
    if (kept.includes(capability)) continue;
    const result = tryDropBounding(capability);
    if (result === -EINVAL) return;
    if (result < 0) throw new SyscallError(`prctl(PR_CAPBSET_DROP, ${capability})`, -result);
  }
}

function maskOf(capabilities: readonly number[]): bigint {
  let mask = 0n;
  for (const capability of capabilities) mask |= 1n << BigInt(capability);
  return mask;
}
