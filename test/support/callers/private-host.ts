// A host within the host for daemons: a network with nothing but `lo`, and mounts of its own, with
// an empty /run and /opt. It is gone with its last process.

import { bareEnvironment } from "../program.ts";

export interface PrivateHost {
  /** Programs before a command that shall run there. */
  within: readonly string[];
  end(): Promise<void>;
}

/**
 * Makes one.
 *
 * @param files what is seen there in place of files and folders of the machine: sources by targets
 * @throws Error with what failed
 */
export async function startPrivateHost(files: Record<string, string>): Promise<PrivateHost> {
  const script = [
    // As service managers leave it.
    "mount --make-rshared /",
    "mount -t tmpfs tmpfs /run",
    "mount -t tmpfs tmpfs /opt",
    ...Object.entries(files).map(([target, source]) => `mount --bind ${source} ${target}`),
    "ip link set lo up",
    "echo ready",
    "exec sleep infinity",
  ].join(" && ");
  const child = Bun.spawn(["unshare", "--net", "--mount", "sh", "-c", script], {
    env: bareEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) throw new Error(await new Response(child.stderr).text());
  return {
    within: ["nsenter", `--target=${child.pid}`, "--net", "--mount"],
    end: async () => {
      child.kill();
      await child.exited;
    },
  };
}
