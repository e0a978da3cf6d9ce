// What a child is to do, written down beforehand. A fork that runs JavaScript has hundreds of pages
// copied, its own and its maker's, and warms code that is lost with it. A tape is a program: some
// pages of machine code, system calls and what they point to, in a memfd, and nothing of its maker's.
//
// While a tape is recorded, what changes the caller is written down, and answered as if it had gone
// well; what only asks is asked at once, of what the child will see as well. A call that is neither
// cannot be recorded, nor can an answer that would have to be waited for.

import { EAGAIN, EINVAL, EXDEV } from "../errno.ts";
import { prepareLastCall } from "./exec.ts";
import {
  O_CLOEXEC,
  O_PATH,
  O_RDWR,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from "./file.ts";
import { ask, MAP_SHARED, memoryAt, PROT_READ_WRITE, withDeck } from "./libc.ts";
import { type Area, allocateIn, cstr, piece } from "./memory.ts";
import { NR } from "./nr.ts";
import { PR_CAPBSET_DROP } from "./process.ts";
import { ignoredSignals } from "./signal.ts";
import {
  CALL_BYTES,
  CALL_WORDS,
  DATA,
  PLAY_BYTES,
  REPORT,
  TAPE,
  tapeMemory,
  writeCall,
  writePlay,
} from "./tape-player.ts";
import { orUntaped, Untaped } from "./untaped.ts";

/** A tape in its memory, until the next one is recorded. */
export interface Tape {
  /** Bytes of it. */
  length: number;
  /** Descriptors that it plays with. */
  kept: readonly number[];
  /** Where its maker reads what is reported; see RESULT of exec.ts. */
  resultAddress: number;
  /** Closes what was opened for it; who plays it has its own. */
  close(): void;
}

/** linux/prctl.h */
const PR_CAPBSET_READ = 23;

const F_GETFD = 1;
/** linux/keyctl.h, and what it says of a new session keyring (session-keyring(7)). */
const KEYCTL_DESCRIBE = 6;
const NEW_KEYRING = "keyring;0;0;3f130000;";
/** linux/openat2.h: struct open_how. */
const RESOLVE_CACHED = 0x20;
const HOW_BYTES = 24;
const RESOLVE = 16;

const QUESTIONS: ReadonlySet<number> = new Set([NR.statx, NR.faccessat2, NR.read, NR.fstatfs]);

const EFFECTS: ReadonlySet<number> = new Set([
  NR.write,
  NR.setns,
  NR.prctl,
  NR.setresuid,
  NR.setresgid,
  NR.setgroups,
  NR.capset,
  NR.keyctl,
  NR.fchdir,
  NR.fchownat,
  NR.umask,
  NR.dup3,
  NR.close,
  NR.close_range,
  NR.prlimit64,
  NR.ppoll,
  NR.rt_sigaction,
  NR.rt_sigprocmask,
]);

const CALLS_MAX = 512;
const MAP_FIXED = 0x10;
const PAGE_BYTES = 4096;

let last: number | undefined;

/** The greatest that the kernel knows. */
function lastCapability(): number {
  if (last === undefined) {
    last = 0;
    while (ask(NR.prctl, PR_CAPBSET_READ, last + 1) !== -EINVAL) last++;
  }
  return last;
}

/** Which the engine, or who started it, has said once and for all. */
let ignored: ReadonlySet<number> | undefined;

/** The end of a recording. */
class Recorded extends Error {}

export interface Recording {
  /** A call of the child's that is no caller's here, and the only number that it may return. */
  add(nr: number, args: readonly number[], result?: number): void;
  /**
   * A path below a root that must not lead by a magic link, such as /proc/self/exe.
   * @returns the address of the path, which is made empty if there is no such file
   */
  find(root: number, path: string): number;
}

interface Played {
  /** Descriptors that it needs. */
  fds: readonly number[];
  /** The page where it reports (RESULT of exec.ts), and the descriptor that it is a mapping of. */
  report: { address: number; fd: number };
}

/** Where calls are collected: they come last on the tape. */
let calls: Int32Array | undefined;

/**
 * Records what `act` does, up to the call of {@link loadFilterAndExec} in a new process.
 * @throws Untaped when that cannot be recorded
 */
export function recordTape({ fds, report }: Played, act: (recording: Recording) => void): Tape {
  const bytes = orUntaped(tapeMemory);
  const area: Area = { base: TAPE, bytes, top: DATA + PLAY_BYTES, comesRound: false };
  calls ??= new Int32Array(CALLS_MAX * CALL_WORDS);
  const collected = calls;
  const opened = new Set<number>();
  let count = 0;
  let argument = 0;
  ignored ??= ignoredSignals();
  prepareLastCall();
  try {
    orUntaped(record);
    return finished();
  } catch (error) {
    close();
    throw error;
  }

  function record(): void {
    // It replaces a page of the tape's own.
    const flags = MAP_SHARED | MAP_FIXED;
    add(NR.mmap, [REPORT, PAGE_BYTES, PROT_READ_WRITE, flags, report.fd], REPORT);
    try {
      withDeck({ hear, hearCode }, () => allocateIn(area, () => act({ add, find })));
    } catch (error) {
      if (!(error instanceof Recorded)) throw error;
    }
  }

  function finished(): Tape {
    const first = area.top;
    const length = first + count * CALL_BYTES;
    if (TAPE + length > REPORT) throw new Untaped("the tape is full");
    new Int32Array(bytes.buffer).set(collected.subarray(0, count * CALL_WORDS), first / 4);
    const resultAddress = REPORT;
    writePlay(bytes, DATA, { first: TAPE + first, end: TAPE + length, argument, resultAddress });
    const kept = [...fds, ...opened, report.fd];
    return { length, kept, resultAddress: report.address, close };
  }

  function close(): void {
    for (const fd of opened) ask(NR.close, fd);
  }

  function hearCode(_code: number, given: number): never {
    argument = given;
    throw new Recorded();
  }

  function hear(nr: number, args: readonly number[]): number | undefined {
    const [first = 0, second = 0, third = 0] = args;
    if (nr === NR.close && opened.has(first)) return 0;
    if (nr === NR.fcntl && second === F_GETFD) return undefined;
    if (nr === NR.munmap) return 0;
    if (nr === NR.mmap) return piece(second).address;
    if (nr === NR.openat2) return look(first, second, third);
    if (nr === NR.getcwd) return answer(first, "/\0");
    if (nr === NR.keyctl && first === KEYCTL_DESCRIBE) return answer(third, NEW_KEYRING);
    if (nr === NR.prctl && first === PR_CAPBSET_DROP && second > lastCapability()) return -EINVAL;
    // Of a program that is executed only what is ignored is left (execve(2)).
    if (nr === NR.rt_sigaction && ignored?.has(first) === false) return 0;
    if (QUESTIONS.has(nr)) return undefined;
    if (!EFFECTS.has(nr)) throw new Untaped(`system call ${nr}`);
    add(nr, args);
    return 0;
  }

  function add(nr: number, args: readonly number[], result?: number): void {
    append(nr, args, result === undefined ? 0 : result + 1);
  }

  function find(root: number, path: string): number {
    const how = piece(HOW_BYTES);
    how.bytes.writeUInt32LE(O_PATH | O_CLOEXEC, 0);
    how.bytes.writeUInt32LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, RESOLVE);
    const address = cstr(path);
    append(NR.openat2, [root, address, how.address, HOW_BYTES], -address);
    return address;
  }

  function append(nr: number, args: readonly number[], wanted: number): void {
    if (count === CALLS_MAX) throw new Untaped(`more than ${CALLS_MAX} calls`);
    writeCall(collected, count++ * CALL_WORDS, nr, args, wanted);
  }

  /** Only what can be found without waiting, for a disk or for a server that the container may be. */
  function look(root: number, path: number, how: number): number {
    const howBytes = memoryAt(how, HOW_BYTES);
    const isWritten = (howBytes.readUInt32LE(0) & O_RDWR) !== 0;
    const more = RESOLVE_CACHED | (isWritten ? 0 : RESOLVE_NO_XDEV);
    howBytes.writeUInt32LE(howBytes.readUInt32LE(RESOLVE) | more, RESOLVE);
    const fd = ask(NR.openat2, root, path, how, HOW_BYTES);
    if ([EAGAIN, EXDEV, EINVAL].includes(-fd)) throw new Untaped("a path has to be waited for");
    if (fd >= 0) opened.add(fd);
    return fd;
  }

  function answer(address: number, text: string): number {
    return memoryAt(address, text.length).write(text);
  }
}
