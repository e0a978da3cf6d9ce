// The cgroup that the runtime's options want the shim itself in.

import { probeHost } from "../../runtime/host/probe.ts";
import { makeDirectories } from "../../runtime/sys/directory.ts";
import { writeFile } from "../../runtime/sys/file.ts";
import { type AnyMessage, optionsFrom } from "../options.ts";

/** Moves the shim into options.shimCgroup, in each hierarchy there is. */
export function joinShimCgroup(options: AnyMessage, pid: number): void {
  const { shimCgroup } = optionsFrom(options);
  if (shimCgroup === "") return;
  for (const { mount } of probeHost().cgroup.hierarchies) {
    const directory = `${mount}/${shimCgroup}`;
    makeDirectories(directory, 0o755);
    writeFile(`${directory}/cgroup.procs`, `${pid}`, 0);
  }
}
