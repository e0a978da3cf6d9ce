// What create and run share: from flags to options of lifecycle/create.ts.

import { containerId } from "../lifecycle/container-id.ts";
import type { CreateOptions } from "../lifecycle/create.ts";
import { absolutePath } from "./absolute-path.ts";
import type { Arguments, Surroundings } from "./command.ts";

/** The options of create. Paths become absolute; the bundle is the working directory by default. */
export function createOptions(given: Arguments, surroundings: Surroundings): CreateOptions {
  const pidFile = given.text("pid-file");
  const consoleSocket = given.text("console-socket");
  const pidfdSocket = given.text("pidfd-socket");
  const { rootless } = surroundings;
  return {
    root: surroundings.root,
    ...(rootless === undefined ? {} : { rootless }),
    id: containerId(given.positionals[0] ?? ""),
    bundle: absolutePath(given.text("bundle") ?? "."),
    ...(pidFile === undefined ? {} : { pidFile: absolutePath(pidFile) }),
    ...(consoleSocket === undefined ? {} : { consoleSocket: absolutePath(consoleSocket) }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket: absolutePath(pidfdSocket) }),
    systemdCgroup: surroundings.systemdCgroup,
    noPivot: given.on("no-pivot"),
    noNewKeyring: given.on("no-new-keyring"),
    preserveFds: given.count("preserve-fds"),
    strict: given.on("strict"),
    log: surroundings.log,
    environment: surroundings.environment,
  };
}
