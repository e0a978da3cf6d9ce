// create: config.json becomes a container that waits for start (runtime.md#create).

import { containerCgroups } from "../cgroup/paths.ts";
import { hasNewNamespace } from "../clauses/namespaces.ts";
import { listenerFrom } from "../clauses/seccomp.ts";
import type { Init } from "../engine/init.ts";
import { runPlan, undoPlan } from "../engine/run.ts";
import type { Log } from "../log.ts";
import type { Slots } from "../ops/slots.ts";
import { directoryOf, removeDirectory, takeDirectory } from "../store/directory.ts";
import {
  type ProcessIdentity,
  type RecordContent,
  type UnitIdentity,
  writeRecord,
} from "../store/record.ts";
import { closeFd, writeFile } from "../sys/file.ts";
import { getPid } from "../sys/process.ts";
import { connect, sendMessage } from "../sys/socket.ts";
import { requireProtectedExecutable } from "./executable.ts";
import { tryHooks } from "./hooks.ts";
import { keepFilter } from "./kept-filter.ts";
import { writePidFile } from "./pid-file.ts";
import { listenFdsIn, type PlanOptions, type Prepared, prepare } from "./plan.ts";
import { identityOf } from "./status.ts";

export interface CreateOptions extends PlanOptions {
  pidFile?: string;
  consoleSocket?: string;
  pidfdSocket?: string;
  noNewKeyring: boolean;
  /** See Run. */
  asSibling?: boolean;
  recorderFile?: number;
  log: Log;
}

/** A created container, for who goes on with it in the same process. */
export interface Created {
  init: Init;
  /** What the plan left open: `$console` of a foreground terminal. */
  slots: Slots;
  prepared: Prepared;
}

/** Creates a container. On failure nothing is left of it. */
export function create(options: CreateOptions): Created {
  const { environment } = options;
  const preserveFds = listenFdsIn(environment) + options.preserveFds;
  requireProtectedExecutable({ environment, preserveFds });
  const prepared = prepare({ ...options, console: consoleOf(options) });
  const lock = takeDirectory(options);
  try {
    const record = firstRecord(options, prepared, lock);
    return build(options, prepared, record);
  } catch (error) {
    abandon(options, prepared);
    throw error;
  }
}

function consoleOf({ consoleSocket, console }: CreateOptions): Prepared["container"]["console"] {
  return consoleSocket === undefined
    ? (console ?? { kind: "none" })
    : { kind: "socket", path: consoleSocket };
}

/** The journal stands in the record before the first effect, so that a crash can be undone. */
function firstRecord(options: CreateOptions, prepared: Prepared, lock: number): RecordContent {
  try {
    const record = recordOf(options, prepared);
    writeRecord(options, record);
    return record;
  } finally {
    closeFd(lock);
  }
}

/** Our copy: what becomes of the bundle after create changes nothing. */
function keepConfig(options: CreateOptions, { bundle, plan }: Prepared): void {
  writeFile(`${directoryOf(options)}/config.json`, bundle.text, 0o600);
  keepFilter(options, plan);
}

function build(options: CreateOptions, prepared: Prepared, base: RecordContent): Created {
  const { plan } = prepared;
  const { log } = options;
  let identity: ProcessIdentity | undefined;
  const { init, slots } = runPlan({
    plan,
    environment: options.environment,
    asSibling: options.asSibling === true,
    ...(options.recorderFile !== undefined && { recorderFile: options.recorderFile }),
    warn: (text) => log.warn(text),
    trace: log.debugs ? (entry) => log.debug(entry.op, entry) : undefined,
    record: (phase, { pid, pidfd }) => {
      identity ??= identityOf(pid);
      // Init is at work by now, and the host has nothing else to do.
      if (phase === "identified") keepConfig(options, prepared);
      const reached = phase === "created" ? "created" : "creating";
      writeRecord(options, { ...base, phase: reached, init: identity });
      if (phase === "created") announce(options, { pid, pidfd });
    },
  });
  return { init, slots, prepared };
}

function recordOf(options: CreateOptions, prepared: Prepared): RecordContent {
  const { bundle, facts, plan } = prepared;
  const { config } = bundle;
  const listener = listenerFrom(config, bundle.path);
  const cgroups = containerCgroups(facts.cgroup, config.linux?.cgroupsPath, prepared.container);
  const unit = unitIdentity(prepared);
  return {
    id: options.id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    created: new Date().toISOString(),
    ownerUid: facts.uid,
    ...(config.annotations && { annotations: config.annotations }),
    phase: "creating",
    creator: identityOf(getPid()),
    program: config.process?.args[0] ?? null,
    ...(listener && { listener }),
    hooks: {
      ...(config.hooks?.poststart && { poststart: config.hooks.poststart }),
      ...(config.hooks?.poststop && { poststop: config.hooks.poststop }),
    },
    startHooks: plan.flatMap(({ because }, index) =>
      because.startsWith("/hooks/startContainer/") ? [index] : [],
    ),
    cgroups: cgroups.map(({ directory }) => directory),
    ...(unit && { unit }),
    ...(options.noNewKeyring && { noNewKeyring: true }),
    ownPidNamespace: hasNewNamespace(config, "pid"),
    journal: plan
      .filter(({ op }) => op.undo !== undefined)
      .map(({ op }) => ({ op: op.name, args: JSON.stringify(op.args) })),
  };
}

function unitIdentity({ bundle, container: { id, systemd } }: Prepared): UnitIdentity | undefined {
  if (systemd === null) return undefined;
  const {
    unitOf,
  }: typeof import("../cgroup/systemd/unit.ts") = require("../cgroup/systemd/unit.ts");
  const unit = unitOf(bundle.config.linux?.cgroupsPath, id, systemd);
  return typeof unit === "string" ? undefined : { address: systemd.address, name: unit.name };
}

/**
 * Tells who waits for it that init is there: the socket for the pidfd, then the pid file, which is
 * the last thing that can fail and so never names a process that is gone again.
 */
function announce({ pidFile, pidfdSocket }: CreateOptions, { pid, pidfd }: Init): void {
  if (pidfdSocket !== undefined) {
    const socket = connect(pidfdSocket);
    sendMessage(socket, Buffer.from("standard"), pidfd);
    closeFd(socket);
  }
  if (pidFile !== undefined) writePidFile(pidFile, pid);
}

/** Undoes a failed create and runs the poststop hooks (runtime.md#lifecycle, 12 and 13). */
function abandon(options: CreateOptions, { plan, bundle }: Prepared): void {
  const warn = (text: string): void => options.log.warn(text);
  undoPlan(
    plan.map(({ op }) => op),
    warn,
  );
  removeDirectory(options);
  tryHooks(
    {
      kind: "poststop",
      hooks: bundle.config,
      id: options.id,
      bundle: bundle.path,
      status: "stopped",
      pid: 0,
      environment: options.environment,
    },
    warn,
  );
}
