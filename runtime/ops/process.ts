// What makes a process the container's: session, keyring, limits, and what it may not do.

import { RuntimeError, SyscallError } from "../errors.ts";
import { closeFd, O_WRONLY, open, tryWriteOnce } from "../sys/file.ts";
import { tryAddKeyPermissions, tryJoinSessionKeyring } from "../sys/namespace.ts";
import {
  setLimit as callPrlimit,
  newSession as callSetsid,
  setUmask as callUmask,
  type Limit,
  PR_SET_DUMPABLE,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  prctl,
  SIGKILL,
} from "../sys/process.ts";
import { defineOp } from "./op.ts";

type Nothing = Record<string, never>;

const EPERM = 1;
const EACCES = 13;
const ENOSYS = 38;

/**
 * Before anything else in init: it dies with the process that makes it, nobody in a namespace that
 * it joins can trace or read it (PR_SET_DUMPABLE), and it makes files with the modes it is told.
 */
export const protectProcess = defineOp<Nothing>({
  name: "process.protect",
  print: () => "dies with its maker, cannot be traced, umask 0",
  run: () => {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
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
  run: () => prctl(PR_SET_PDEATHSIG, 0),
});

/** setsid(2). */
export const newSession = defineOp<Nothing>({
  name: "session.new",
  print: () => "",
  run: () => callSetsid(),
});

/** keyctl(2): a session keyring of the container's own; kernels and filters without it are fine. */
export const joinKeyring = defineOp<{ name: string }>({
  name: "keyring.join",
  print: ({ name }) => name,
  run: ({ name }) => {
    const key = tryJoinSessionKeyring(name);
    if (key === -ENOSYS) return;
    if (key < 0) throw new SyscallError(`keyctl(KEYCTL_JOIN_SESSION_KEYRING, "${name}")`, -key);
    // KEY_USR_SEARCH: runc lets the user's processes find the keyring too.
    const KEY_USR_SEARCH = 0x80000;
    const changed = tryAddKeyPermissions(key, KEY_USR_SEARCH);
    if (changed < 0) throw new SyscallError(`keyctl(KEYCTL_SETPERM, ${key})`, -changed);
  },
});

/** /proc/PID/oom_score_adj (proc_pid_oom_score_adj(5)), written by the host for init. */
export const setOomScoreAdj = defineOp<{ value: number }>({
  name: "oom_score_adj.set",
  print: ({ value }) => String(value),
  run: ({ value }, context) => {
    const path = `/proc/${context.initPid()}/oom_score_adj`;
    const fd = open(path, O_WRONLY);
    const result = tryWriteOnce(fd, String(value));
    closeFd(fd);
    if (result < 0) {
      const hint = result === -EACCES ? " (hint: lowering it takes CAP_SYS_RESOURCE)" : "";
      throw new RuntimeError(
        `${new SyscallError(`write("${path}", "${value}")`, -result).message}${hint}`,
      );
    }
  },
});

/** prlimit(2). */
export const setLimit = defineOp<{ type: string; resource: number; soft: string; hard: string }>({
  name: "limit.set",
  print: ({ type, soft, hard }) => `${type} ${soft} ${hard}`,
  run: ({ type, resource, soft, hard }) => {
    const limit: Limit = { soft: BigInt(soft), hard: BigInt(hard) };
    try {
      callPrlimit(resource, limit);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== EPERM) throw error;
      throw new RuntimeError(
        `${type}: ${error.message} (hint: raising a hard limit takes CAP_SYS_RESOURCE)`,
      );
    }
  },
});

/** prctl(PR_SET_NO_NEW_PRIVS). */
export const forbidNewPrivileges = defineOp<Nothing>({
  name: "no_new_privs.set",
  print: () => "",
  run: () => prctl(PR_SET_NO_NEW_PRIVS, 1),
});

/** umask(2). */
export const setUmask = defineOp<{ mask: number }>({
  name: "umask.set",
  print: ({ mask }) => `0${mask.toString(8).padStart(3, "0")}`,
  run: ({ mask }) => {
    callUmask(mask);
  },
});
