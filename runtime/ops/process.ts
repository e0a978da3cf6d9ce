// What makes a process the container's: session, keyring, limits, and what it may not do.

import { EACCES, ENOSYS, EPERM } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import {
  closeFd,
  O_WRONLY,
  open,
  RESOLVE_NO_XDEV,
  tryOpenInRoot,
  tryWriteOnce,
} from "../sys/file.ts";
import { tryAddKeyPermissions, tryJoinSessionKeyring } from "../sys/namespace.ts";
import {
  setLimit as callPrlimit,
  newSession as callSetsid,
  setUmask as callUmask,
  getLimit,
  type Limit,
  PR_SET_DUMPABLE,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  prctl,
  SIGKILL,
} from "../sys/process.ts";
import { setPersonality } from "../sys/scheduling.ts";
import { defineOp } from "./op.ts";
import { openProc } from "./proc.ts";

type Nothing = Record<string, never>;

/**
 * Nobody traces the host, nor what it clones, who lacks CAP_SYS_PTRACE outside of all containers. The
 * owner of a user namespace has every capability in it: to a root without any, in a container beside,
 * a process that has just been cloned into one would be open, with the host's files (ptrace(2)).
 */
export const hideProcess = defineOp<Nothing>({
  name: "process.hide",
  print: () => "cannot be traced, nor what it clones",
  run: () => prctl(PR_SET_DUMPABLE, 0),
});

/**
 * Before anything else in init: it dies with the process that makes it, nobody in a namespace that
 * it joins can trace or read it (PR_SET_DUMPABLE), and it makes files with the modes it is told.
 */
export const protectProcess = defineOp<Nothing>({
  name: "process.protect",
  print: () => "dies with its maker, cannot be traced, umask 0",
  onTape: true,
  run: (_args, context) => {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // No signal comes from a maker that has ended before.
    context.requireHost();
    prctl(PR_SET_DUMPABLE, 0);
    callUmask(0);
  },
});

/**
 * From here on init outlives its maker, whose death it would otherwise share: the record knows init
 * by now, and until the start the end of the baton tells it that its maker is gone.
 */
export const releaseProcess = defineOp<Nothing>({
  name: "process.release",
  print: () => "outlives its maker",
  onTape: true,
  run: () => prctl(PR_SET_PDEATHSIG, 0),
});

/** setsid(2). */
export const newSession = defineOp<Nothing>({
  name: "session.new",
  print: () => "",
  run: () => callSetsid(),
});

/** linux/keyctl.h: KEY_SPEC_SESSION_KEYRING, this process's. */
const SESSION_KEYRING = -3;

/** keyctl(2): a session keyring of the container's own; kernels and filters without it are fine. */
export const joinKeyring = defineOp<{ name: string }>({
  name: "keyring.join",
  print: ({ name }) => name,
  onTape: true,
  run: ({ name }) => {
    const key = tryJoinSessionKeyring(name);
    if (key === -ENOSYS) return;
    if (key < 0) throw new SyscallError(`keyctl(KEYCTL_JOIN_SESSION_KEYRING, "${name}")`, -key);
    // KEY_USR_SEARCH: runc lets the user's processes find the keyring too.
    const KEY_USR_SEARCH = 0x80000;
    const changed = tryAddKeyPermissions(SESSION_KEYRING, KEY_USR_SEARCH);
    if (changed < 0) throw new SyscallError("keyctl(KEYCTL_SETPERM)", -changed);
  },
});

/** /proc/PID/oom_score_adj (proc_pid_oom_score_adj(5)), written by the host for init. */
export const setOomScoreAdj = defineOp<{ value: number }>({
  name: "oom_score_adj.set",
  print: ({ value }) => String(value),
  run: ({ value }, context) => {
    const path = `/proc/${context.initPid()}/oom_score_adj`;
    const result = tryWriteScore(open(path, O_WRONLY), value);
    if (result < 0) throw new RuntimeError(scoreFault(path, value, -result));
  },
});

/**
 * As {@link setOomScoreAdj}, by init itself, for who may not write to its files from outside. What
 * takes a privilege is left as it is.
 */
export const tryOomScoreAdj = defineOp<{ value: number }>({
  name: "oom_score_adj.try",
  print: ({ value }) => String(value),
  run: ({ value }, context) => {
    const proc = openProc();
    const path = "self/oom_score_adj";
    const fd = tryOpenInRoot(proc, path, O_WRONLY, RESOLVE_NO_XDEV);
    const result = fd < 0 ? fd : tryWriteScore(fd, value);
    closeFd(proc);
    if (result < 0) {
      context.warn(`oomScoreAdj is left as it is: ${scoreFault(`/proc/${path}`, value, -result)}`);
    }
  },
});

/** Writes to the opened file and closes it; 0 or the negative errno. */
function tryWriteScore(fd: number, value: number): number {
  const result = tryWriteOnce(fd, String(value));
  closeFd(fd);
  return result;
}

function scoreFault(path: string, value: number, errno: number): string {
  const hint = errno === EACCES ? " (hint: lowering it takes CAP_SYS_RESOURCE)" : "";
  return `${new SyscallError(`write("${path}", "${value}")`, errno).message}${hint}`;
}

/** prlimit(2). */
export const setLimit = defineOp<{ type: string; resource: number; soft: string; hard: string }>({
  name: "limit.set",
  print: ({ type, soft, hard }) => `${type} ${soft} ${hard}`,
  onTape: true,
  run: ({ type, resource, soft, hard }) => {
    const limit: Limit = { soft: BigInt(soft), hard: BigInt(hard) };
    try {
      callPrlimit(resource, limit);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== EPERM) throw error;
      const most = type === "RLIMIT_NOFILE" ? ", and fs.nr_open is the most" : "";
      throw new RuntimeError(
        `${type}: ${error.message} (hint: raising a hard limit takes CAP_SYS_RESOURCE${most})`,
      );
    }
  },
});

/** prlimit(2) of init by the host: what init may not raise from within a user namespace. */
export const raiseLimit = defineOp<{ type: string; resource: number; hard: string }>({
  name: "limit.raise",
  print: ({ type, hard }) => `${type} to ${hard}`,
  run: ({ resource, hard }, context) => {
    const now = getLimit(resource, context.initPid());
    if (now.hard >= BigInt(hard)) return;
    callPrlimit(resource, { soft: now.soft, hard: BigInt(hard) }, context.initPid());
  },
});

/** personality(2), kept over execve(2). */
export const changePersonality = defineOp<{ domain: string; persona: number }>({
  name: "personality.set",
  print: ({ domain }) => domain,
  run: ({ persona }) => setPersonality(persona),
});

/** prctl(PR_SET_NO_NEW_PRIVS). */
export const forbidNewPrivileges = defineOp<Nothing>({
  name: "no_new_privs.set",
  print: () => "",
  onTape: true,
  run: () => prctl(PR_SET_NO_NEW_PRIVS, 1),
});

/** umask(2). */
export const setUmask = defineOp<{ mask: number }>({
  name: "umask.set",
  print: ({ mask }) => `0${mask.toString(8).padStart(3, "0")}`,
  onTape: true,
  run: ({ mask }) => {
    callUmask(mask);
  },
});
