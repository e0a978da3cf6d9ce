// Network namespaces of tests, so that the host's own network is never touched: a caller in one of
// them (`through`) takes it for the host's.

import { freshName } from "./room.ts";

export interface TestNetwork {
  /** Path of the namespace, as configurations join it. */
  path: string;
  /** Command that runs another one in the namespace, for `RuntOptions.through`. */
  through: string[];
  /** Runs a command in the namespace; it has to succeed. Returns what it prints. */
  does(...command: string[]): string;
}

/** A network namespace with `lo` up, for as long as a test uses it. */
export async function withNetwork(use: (network: TestNetwork) => Promise<void>): Promise<void> {
  const name = freshName();
  const path = `/run/netns/${name}`;
  const through = ["nsenter", `--net=${path}`];
  const network = { path, through, does: (...words: string[]) => ran([...through, ...words]) };
  ran(["ip", "netns", "add", name]);
  try {
    network.does("ip", "link", "set", "lo", "up");
    await use(network);
  } finally {
    ran(["ip", "netns", "delete", name]);
  }
}

function ran(command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr}`);
  return `${stdout}`;
}
