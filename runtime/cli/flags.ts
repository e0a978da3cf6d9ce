// Flags: those before the command, and those that commands share or have many of.

import type { Flag, Positional } from "./command.ts";

export const HELP_FLAG: Flag = { name: "help", alias: "h", kind: "switch", help: "Show help" };

/** Flags that stand before the command. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "root",
    kind: "text",
    help: "Folder for the state of containers, best on a tmpfs",
    defaultText:
      "/run/runt, or $XDG_RUNTIME_DIR/runt or /run/user/UID/runt for other users than root",
  },
  { name: "log", kind: "text", help: "Append log lines to this file", defaultText: "stderr" },
  {
    name: "log-format",
    kind: "text",
    help: "Format of log lines",
    choices: ["text", "json"],
    defaultText: "text",
  },
  {
    name: "log-level",
    kind: "text",
    help: "Least severe lines to log",
    choices: ["debug", "warning", "error"],
    defaultText: "warning",
  },
  { name: "debug", kind: "switch", help: "Same as --log-level debug" },
  {
    name: "rootless",
    kind: "text",
    help: "Whether to do without cgroups that cannot be made and were not asked for; auto: unless root",
    choices: ["auto", "true", "false"],
    defaultText: "auto",
  },
  {
    name: "systemd-cgroup",
    kind: "switch",
    help: "Let systemd make the cgroup, as the unit that cgroupsPath (slice:prefix:name) names",
  },
  { name: "version", alias: "v", kind: "switch", help: "Show version" },
  HELP_FLAG,
  { name: "get-yargs-completions", kind: "switch", help: "Complete a command line", hidden: true },
];

export const ID: Positional = { name: "ID" };

export const BUNDLE: Flag = {
  name: "bundle",
  alias: "b",
  kind: "text",
  help: "Folder with config.json",
  defaultText: "the current folder",
};

export const STRICT: Flag = {
  name: "strict",
  kind: "switch",
  help: "Refuse fields and values of config.json that look misspelt",
};

export const CREATE_FLAGS: readonly Flag[] = [
  BUNDLE,
  {
    name: "console-socket",
    kind: "text",
    help: "Unix socket that receives the master of the terminal",
  },
  {
    name: "pidfd-socket",
    kind: "text",
    help: "Unix socket that receives a pidfd of the container's init",
  },
  { name: "pid-file", kind: "text", help: "File to write the process id of init to" },
  {
    name: "no-pivot",
    kind: "switch",
    help: "Do not use pivot_root, for root file systems on a ramdisk",
  },
  { name: "no-new-keyring", kind: "switch", help: "Keep the caller's session keyring" },
  {
    name: "preserve-fds",
    kind: "count",
    help: "Descriptors to pass on besides stdin, stdout, stderr and LISTEN_FDS",
    defaultText: "0",
  },
  STRICT,
];

export const EXEC_FLAGS: readonly Flag[] = [
  {
    name: "process",
    alias: "p",
    kind: "text",
    help: "File of the process as JSON, as in config.json; with it there is no COMMAND",
  },
  { name: "tty", alias: "t", kind: "switch", help: "Give the process a terminal" },
  {
    name: "detach",
    alias: "d",
    kind: "switch",
    help: "Return once the process runs, and leave it alone",
  },
  { name: "cwd", kind: "text", help: "Working directory in the container" },
  { name: "env", alias: "e", kind: "list", help: "NAME=value for its environment; repeatable" },
  { name: "user", alias: "u", kind: "text", help: "Numbers of user and group, UID[:GID]" },
  {
    name: "additional-gids",
    alias: "g",
    kind: "list",
    help: "Number of one more group; repeatable",
  },
  {
    name: "cap",
    alias: "c",
    kind: "list",
    help: "One more capability, such as CAP_NET_RAW; repeatable",
  },
  { name: "no-new-privs", kind: "switch", help: "It can gain no privileges by executing files" },
  { name: "apparmor", kind: "text", help: "AppArmor profile of the process" },
  { name: "process-label", kind: "text", help: "SELinux label of the process" },
  {
    name: "console-socket",
    kind: "text",
    help: "Unix socket that receives the master of the terminal",
  },
  { name: "pidfd-socket", kind: "text", help: "Unix socket that receives a pidfd of the process" },
  { name: "pid-file", kind: "text", help: "File to write the process id to" },
  {
    name: "preserve-fds",
    kind: "count",
    help: "Descriptors to pass on besides stdin, stdout and stderr",
    defaultText: "0",
  },
  {
    name: "cgroup",
    kind: "list",
    help: "Where below the container's cgroup: PATH, or CONTROLLER[,CONTROLLER]:PATH with cgroup v1; repeatable",
  },
  { name: "timeout", kind: "text", help: "Kill the process after this time, such as 1m30s" },
  { name: "ignore-paused", kind: "switch", help: "Wait in a paused container until it is resumed" },
];

export const UPDATE_FLAGS: readonly Flag[] = [
  {
    name: "resources",
    alias: "r",
    kind: "text",
    help: "File of resources as JSON, or - for standard input; other limits are ignored then",
  },
  { name: "blkio-weight", kind: "text", help: "Weight of block I/O, 10 to 1000" },
  { name: "cpu-period", kind: "text", help: "Length of the CPU period, in microseconds" },
  {
    name: "cpu-quota",
    kind: "text",
    help: "CPU time in each period, in microseconds; -1 for no limit",
  },
  {
    name: "cpu-burst",
    kind: "text",
    help: "CPU time that can be saved up beyond the quota, in microseconds",
  },
  { name: "cpu-share", kind: "text", help: "Relative share of CPU time, 1024 the usual" },
  {
    name: "cpu-rt-period",
    kind: "text",
    help: "Length of the real-time period, in microseconds; only cgroup v1",
  },
  {
    name: "cpu-rt-runtime",
    kind: "text",
    help: "Real-time CPU time in each of them, in microseconds; only cgroup v1",
  },
  { name: "cpuset-cpus", kind: "text", help: "CPUs to run on, such as 0-2,4" },
  { name: "cpuset-mems", kind: "text", help: "Memory nodes to use, such as 0-1" },
  {
    name: "cpu-idle",
    kind: "text",
    help: "1 for CPU time that nobody else wants, 0 for an ordinary share",
  },
  {
    name: "memory",
    kind: "text",
    help: "Limit on memory, in bytes or with a unit (b, k, m, g); -1 for no limit",
  },
  { name: "memory-reservation", kind: "text", help: "Soft limit on memory" },
  { name: "memory-swap", kind: "text", help: "Limit on memory and swap together; -1 for no limit" },
  { name: "pids-limit", kind: "text", help: "Limit on the number of tasks; -1 for no limit" },
  { name: "l3-cache-schema", kind: "text", help: "Shares of the L3 cache, as resctrl takes them" },
  {
    name: "mem-bw-schema",
    kind: "text",
    help: "Shares of the memory bandwidth, as resctrl takes them",
  },
  {
    name: "kernel-memory",
    kind: "text",
    help: "Without effect: the kernel dropped it",
    hidden: true,
  },
  { name: "kernel-memory-tcp", kind: "text", help: "Limit on TCP buffers", hidden: true },
];
