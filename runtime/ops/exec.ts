// The program: found when the container is created, executed when it is started.

import { RuntimeError } from "../errors.ts";
import { loadFilterAndExec } from "../sys/exec.ts";
import {
  closeFd,
  closesOnExec,
  markCloseOnExec,
  O_PATH,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  statusOf,
  tryAccess,
  tryOpenInRoot,
} from "../sys/file.ts";
import { resetSignals } from "../sys/signal.ts";
import { defineOp } from "./op.ts";

interface Resolve {
  name: string;
  /** Directories of PATH, in order. */
  searchPath: readonly string[];
  cwd: string;
}

/**
 * Finds the program as execvp(3) would, inside the container, and keeps its path for the exec step. A missing or non-executable program fails `create`, before anything of it has run.
 */
export const resolveProgram = defineOp<Resolve>({
  name: "exec.resolve",
  print: ({ name }) => name,
  run: (args, { slots, found }) => {
    const root = slots.get("$root");
    for (const candidate of candidatesOf(args)) {
      const verdict = executable(root, candidate);
      if (verdict === "yes") {
        found.set("program", candidate);
        return;
      }
      if (verdict !== "missing" && args.name.includes("/")) {
        throw new RuntimeError(`exec: "${args.name}": ${verdict}`);
      }
    }
    throw new RuntimeError(
      args.name.includes("/")
        ? `exec: "${args.name}": stat ${args.name}: no such file or directory`
        : `exec: "${args.name}": executable file not found in $PATH`,
    );
  },
});

/** Paths to try, absolute, in order; a relative PATH entry or program is meant from the cwd. */
export function candidatesOf({ name, searchPath, cwd }: Resolve): string[] {
  const absolute = (path: string): string => (path.startsWith("/") ? path : `${cwd}/${path}`);
  if (name.includes("/")) return [absolute(name)];
  return searchPath.map((directory) => absolute(`${directory === "" ? "." : directory}/${name}`));
}

function executable(root: number, path: string): "yes" | "missing" | string {
  const X_OK = 1;
  const fd = tryOpenInRoot(root, path, O_PATH);
  if (fd < 0) return "missing";
  try {
    const type = statusOf(fd).mode & S_IFMT;
    if (type === S_IFDIR) return "is a directory";
    if (type !== S_IFREG) return "permission denied";
    const access = tryAccess(fd, X_OK);
    return access === 0 ? "yes" : "permission denied";
  } finally {
    closeFd(fd);
  }
}

/** Everything above the streams and the preserved descriptors closes at execve(2). */
export const closeDescriptors = defineOp<{ preserve: number }>({
  name: "descriptors.close-on-exec",
  print: ({ preserve }) => `from ${3 + preserve}`,
  run: ({ preserve }) => {
    for (let fd = 3; fd < 3 + preserve; fd++) {
      // What the engine has opened itself closes at execve; what was inherited does not.
      if (closesOnExec(fd) !== false) {
        throw new RuntimeError(`descriptor ${fd} is to be preserved and is not open`);
      }
    }
    markCloseOnExec(3 + preserve);
  },
});

interface Exec {
  argv: readonly string[];
  env: readonly string[];
  /** Compiled filter, as base64 so that the plan stays plain data. */
  filter: { program: string; flags: number } | null;
}

/**
 * The last step: signals to their defaults, then seccomp(2) and execve(2) with nothing in between.
 * It reports in the recorder's result words, which takes no system call.
 */
export const executeProgram = defineOp<Exec>({
  name: "exec",
  print: ({ argv, filter }) => `${filter === null ? "" : "seccomp, then "}${argv.join(" ")}`,
  run: ({ argv, env, filter }, context) => {
    const path = context.found.get("program");
    if (path === undefined) throw new Error("exec without exec.resolve");
    resetSignals();
    loadFilterAndExec({
      image: { path, argv, env },
      resultAddress: context.resultAddress(),
      ...(filter && {
        filter: { program: Buffer.from(filter.program, "base64"), flags: filter.flags },
      }),
    });
  },
});
