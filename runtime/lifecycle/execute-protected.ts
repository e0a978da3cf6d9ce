// Executes the program again, from a read-only mount of itself.

import { readonlyView } from "../engine/readonly-view.ts";
import { EACCES, ENOSPC, EPERM, EROFS, EUSERS } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import { mountReadonly } from "../host/executable.ts";
import { loadFilterAndExec } from "../sys/exec.ts";
import { isOpen, keepOnExec } from "../sys/file.ts";
import { mapShared } from "../sys/libc.ts";
import type { ExecutableOptions } from "./executable.ts";

/** Never returns: see {@link import("./executable.ts").requireProtectedExecutable}. */
export function executeProtected({ environment, preserveFds }: ExecutableOptions): never {
  // Before anything of ours is opened. The engine has set close-on-exec when it started.
  for (let fd = 3; fd < 3 + preserveFds; fd++) if (isOpen(fd)) keepOnExec(fd);
  const program = process.execPath;
  const path = protectedPath(program);
  const isView = path.startsWith("/proc/");
  loadFilterAndExec({
    image: {
      paths: [path],
      // By its first argument the program knows where it stands (sys/libc.ts).
      argv: [isView ? program : path, ...process.argv.slice(2)],
      env: Object.entries(environment).map(([name, value]) => `${name}=${value ?? ""}`),
    },
    resultAddress: mapShared(8),
  });
}

function protectedPath(program: string): string {
  return mountedPath(program) ?? `/proc/self/fd/${viewOf(program)}`;
}

/** Undefined for who may not mount, or not where it belongs. */
function mountedPath(program: string): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  try {
    return mountReadonly(program);
  } catch (error) {
    const mayNot = error instanceof SyscallError && [EPERM, EACCES, EROFS].includes(error.errno);
    if (!mayNot) throw unprotected(error);
    return undefined;
  }
}

function viewOf(program: string): number {
  try {
    return readonlyView(program);
  } catch (error) {
    throw unprotected(error);
  }
}

function unprotected(error: unknown): unknown {
  if (!(error instanceof RuntimeError)) return error;
  const isForbidden =
    error instanceof SyscallError && [EPERM, ENOSPC, EUSERS].includes(error.errno);
  const hint = isForbidden
    ? " (hint: user namespaces have to be allowed: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
    : "";
  return new RuntimeError(
    `cannot keep the program out of the container's reach: ${error.message}${hint}`,
  );
}
