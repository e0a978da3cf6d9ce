// The program: found when the container is created, executed when it is started.

import { ENOENT, ENOTDIR, errnoText } from "../errno.ts";
import { RuntimeError, withHint } from "../errors.ts";
import { type ProgramImage, prepareExec } from "../sys/exec.ts";
import {
  closeFd,
  keepOnExec,
  markCloseOnExec,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  readText,
  tryOpenInRoot,
} from "../sys/file.ts";
import { getPid } from "../sys/process.ts";
import { resetSignals } from "../sys/signal.ts";
import { mountFlagsOf, S_IFDIR, S_IFMT, S_IFREG, statusOf, tryAccess } from "../sys/status.ts";
import { defineOp, type OpContext } from "./op.ts";
import { isProcfs } from "./proc-guard.ts";

interface Resolve {
  name: string;
  /** Directories of PATH, in order. */
  searchPath: readonly string[];
  cwd: string;
}

/**
 * Finds the program as execvp(3) would, inside the container, and keeps its path for the exec step:
 * what may not be executed is passed over, and is the error when there is nothing else. A missing or
 * non-executable program fails `create`, before anything of it has run.
 */
export const resolveProgram = defineOp<Resolve>({
  name: "exec.resolve",
  print: ({ name }) => name,
  // The child tries what is there. Where none of it can be executed, it is to be said why.
  onTape: (args, { slots, found }, recording) => {
    const root = slots.get("$root");
    found.set(
      "candidates",
      candidatesOf(args)
        .map((path) => recording.find(root, path))
        .join(" "),
    );
  },
  run: (args, { slots, found }) => {
    const root = slots.get("$root");
    let fault: Fault | undefined;
    for (const candidate of candidatesOf(args)) {
      const verdict = executable(root, candidate);
      if (verdict === "yes") {
        found.set("program", candidate);
        return;
      }
      if (verdict !== "missing") fault ??= verdict;
    }
    const { text, hint } = fault ?? missing(args);
    throw withHint(new RuntimeError(`exec: "${args.name}": ${text}`), hint);
  },
});

/** Callers make exit codes of the text: the hint must not have words of another one. */
interface Fault {
  text: string;
  hint?: string | undefined;
}

function missing({ name, searchPath }: Resolve): Fault {
  const isLine = name.includes(" ");
  if (name.includes("/")) {
    const hint = isLine ? ONE_WORD : "it is looked for in the container, not on the host";
    return { text: `stat ${name}: no such file or directory`, hint };
  }
  const hint = isLine ? ONE_WORD : `PATH is ${searchPath.join(":")}, in the container`;
  return { text: "executable file not found in $PATH", hint };
}

const ONE_WORD = "this is one name with a space in it: write each argument as one of its own";

/** Paths to try, absolute, in order; a relative PATH entry or program is meant from the cwd. */
function candidatesOf({ name, searchPath, cwd }: Resolve): string[] {
  const absolute = (path: string): string => (path.startsWith("/") ? path : `${cwd}/${path}`);
  if (name === "") return [];
  if (name.includes("/")) return [absolute(name)];
  return searchPath.map((directory) => absolute(`${directory === "" ? "." : directory}/${name}`));
}

function executable(root: number, path: string): "yes" | "missing" | Fault {
  const X_OK = 1;
  const fd = tryOpenInRoot(root, path, O_PATH);
  if (fd < 0) return fd === -ENOENT || fd === -ENOTDIR ? "missing" : { text: errnoText(-fd) };
  try {
    const { mode } = statusOf(fd);
    const type = mode & S_IFMT;
    if (type === S_IFDIR) return { text: "is a directory (permission denied)" };
    if (type === S_IFREG && tryAccess(fd, X_OK) === 0) return "yes";
    return { text: "permission denied", hint: type === S_IFREG ? whyNot(fd, mode) : undefined };
  } finally {
    closeFd(fd);
  }
}

function whyNot(fd: number, mode: number): string | undefined {
  const ST_NOEXEC = 8;
  if ((mode & 0o111) === 0) return "nobody may execute the file: chmod +x";
  return (mountFlagsOf(fd) & ST_NOEXEC) === 0 ? undefined : 'its mount has the option "noexec"';
}

/**
 * Everything above the streams and the preserved descriptors closes at execve(2), or now what is of
 * no more use: before somebody in the container can look at the process.
 */
export const closeDescriptors = defineOp<{ preserve: number; now: boolean }>({
  name: "descriptors.close-on-exec",
  print: ({ preserve, now }) => `from ${3 + preserve}${now ? ", now" : ""}`,
  onTape: true,
  run: ({ preserve, now }, context) => {
    for (let fd = 3; fd < 3 + preserve; fd++) keepOnExec(fd);
    if (now) {
      context.slots.closeAll();
      context.closeOthers(3 + preserve);
    }
    markCloseOnExec(3 + preserve);
  },
});

/** HOME as login(1) would set it, from the container's own /etc/passwd; "/" for an unknown user. */
export const findHome = defineOp<{ uid: number }>({
  name: "home.find",
  print: ({ uid }) => `of ${uid} in /etc/passwd`,
  onTape: true,
  run: ({ uid }, { slots, found }) => {
    const line = passwdLines(slots.get("$root")).find((one) => one.split(":")[2] === String(uid));
    const home = line?.split(":")[5] ?? "";
    found.set("home", home === "" ? "/" : home);
  },
});

/** LISTEN_PID where only the process itself knows its pid (sd_listen_fds(3)). */
export const findPid = defineOp<Record<string, never>>({
  name: "pid.find",
  print: () => "for LISTEN_PID",
  run: (_args, { found }) => {
    found.set("pid", String(getPid()));
  },
});

function passwdLines(root: number): string[] {
  const PASSWD_BYTES_MAX = 1024 * 1024;
  const fd = tryOpenInRoot(root, "/etc/passwd", O_RDONLY | O_NONBLOCK);
  if (fd < 0) return [];
  try {
    const { mode, size } = statusOf(fd);
    const isFile = (mode & S_IFMT) === S_IFREG && !isProcfs(fd);
    if (!isFile || size > PASSWD_BYTES_MAX) return [];
    return readText(fd).split("\n");
  } finally {
    closeFd(fd);
  }
}

/** A compiled filter, as base64 so that the plan stays plain data. */
export interface FilterText {
  program: string;
  flags: number;
  instructions: number;
}

interface Exec {
  argv: readonly string[];
  env: readonly string[];
  filter: FilterText | null;
  /** A new process executes it, in the pid namespace that has been joined; null: this one. */
  clone: {
    terminal: boolean;
    waits: boolean;
    tasks: { soft: string; hard: string } | null;
  } | null;
}

/** What earlier steps may have found for the environment. */
const FOUND_VARIABLES = [
  ["home", "HOME"],
  ["pid", "LISTEN_PID"],
] as const;

/**
 * Lays out everything that seccomp(2) and execve(2) will need: from here to the last step no memory
 * and no descriptor is asked for, so that the smallest limits can be set in between.
 */
export const prepareProgram = defineOp<Exec>({
  name: "exec.prepare",
  print: ({ argv, filter }) =>
    `${filter === null ? "" : `seccomp (${filter.instructions} instructions), `}${argv.join(" ")}`,
  onTape: (args, context) => {
    prepare(args, context, (context.found.get("candidates") ?? "").split(" ").map(Number));
  },
  run: (args, context) => {
    const path = context.found.get("program");
    if (path === undefined) throw new Error("exec.prepare without exec.resolve");
    prepare(args, context, [path]);
  },
});

function prepare(
  { argv, env, filter, clone }: Exec,
  context: OpContext,
  paths: ProgramImage["paths"],
): void {
  const foundEnv = FOUND_VARIABLES.flatMap(([name, variable]) => {
    const value = context.found.get(name);
    return value === undefined ? [] : [`${variable}=${value}`];
  });
  context.keepCall(
    prepareExec({
      image: { paths, argv, env: [...env, ...foundEnv] },
      resultAddress: context.resultAddress(),
      ...(filter && {
        filter: { program: Buffer.from(filter.program, "base64"), flags: filter.flags },
      }),
      ...(clone && { clone }),
    }),
  );
}

/** The last step: seccomp(2) and execve(2), with nothing in between (sys/exec.ts). */
export const executeProgram = defineOp<{ name: string }>({
  name: "exec",
  print: ({ name }) => name,
  onTape: true,
  run: (_args, context) => {
    resetSignals();
    context.keptCall()();
  },
});
