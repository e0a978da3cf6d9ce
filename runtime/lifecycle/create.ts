// create: config.json becomes a container that waits for start (runtime.md#create).

import { containerCgroups } from "../cgroup/paths.ts";
import { hasNewNamespace } from "../clauses/namespaces.ts";
import { listenerFrom } from "../clauses/seccomp.ts";
import type { Init } from "../engine/init.ts";
import {
  beginPlan,
  type Run,
  runPlan,
  type Started,
  type Underway,
  undoPlan,
} from "../engine/run.ts";
import type { Log } from "../log.ts";
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
import { isAtOnce } from "./at-once.ts";
import { containerRoot } from "./container-root.ts";
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
  serves?: boolean;
  asSibling?: boolean;
  recorderFile?: number;
  log: Log;
}

/** A created container, for who goes on with it in the same process. */
export interface Created extends Started {
  prepared: Prepared;
}

/**
 * Creates a container. On failure nothing is left of it.
 *
 * @param given what {@link prepareCreate} has said, of the same options
 */
export function create(options: CreateOptions, given?: Prepared): Created {
  const { environment } = options;
  const preserveFds = listenFdsIn(environment) + options.preserveFds;
  requireProtectedExecutable({ environment, preserveFds });
  const prepared = given ?? prepareCreate(options);
  return { ...perform(options, prepared, runPlan), prepared };
}

/** Reads what there is to know, and compiles what is to be done. It changes nothing. */
export function prepareCreate(options: CreateOptions): Prepared {
  return prepare({ ...options, console: consoleOf(options) });
}

/** Whether {@link beginCreate} may be called: it waits for nobody but the container's own init. */
export function isCreateAtOnce({ plan, bundle: { config } }: Prepared): boolean {
  return isAtOnce(plan) && config.hooks?.poststop === undefined;
}

/** As {@link create}, for one that serves others meanwhile, and reaps all that ends. */
export function beginCreate(options: CreateOptions, prepared: Prepared): Underway {
  return perform({ ...options, serves: true }, prepared, (run) =>
    beginPlan({ ...run, isReaped: true, serves: true }),
  );
}

/** Takes the id first: of many who try, one succeeds. */
function perform<T>(options: CreateOptions, prepared: Prepared, run: (run: Run) => T): T {
  const lock = takeDirectory(options);
  try {
    return run(runOf(options, prepared, firstRecord(options, prepared, lock)));
  } catch (error) {
    abandonCreate(options, prepared);
    throw error;
  }
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

function consoleOf({ consoleSocket, console }: CreateOptions): Prepared["container"]["console"] {
  return consoleSocket === undefined
    ? (console ?? { kind: "none" })
    : { kind: "socket", path: consoleSocket };
}

/** Our copy: what becomes of the bundle after create changes nothing. */
function keepConfig(options: CreateOptions, { bundle, plan }: Prepared): void {
  writeFile(`${directoryOf(options)}/config.json`, bundle.text, 0o600);
  keepFilter(options, plan);
}

function runOf(options: CreateOptions, prepared: Prepared, base: RecordContent): Run {
  const { log } = options;
  let identity: ProcessIdentity | undefined;
  return {
    plan: prepared.plan,
    environment: options.environment,
    asSibling: options.asSibling === true,
    ...(options.recorderFile !== undefined && { recorderFile: options.recorderFile }),
    warn: (text) => log.warn(text),
    trace: log.debugs ? (entry) => log.debug(entry.op, entry) : undefined,
    record: (phase, { pid, pidfd }) => {
      identity ??= identityOf(pid);
      // Init is at work by now, and the host has nothing else to do.
      if (phase === "identified") keepConfig(options, prepared);
      const root = phase === "created" ? containerRoot(pid) : undefined;
      const reached = phase === "created" ? "created" : "creating";
      writeRecord(options, { ...base, phase: reached, init: identity, ...(root && { root }) });
      if (phase === "created") announce(options, { pid, pidfd });
    },
  };
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
    ...(options.serves && { creatorServes: true }),
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

/**
 * Undoes a create that has failed, after {@link beginCreate} too, and runs the poststop hooks
 * (runtime.md#lifecycle, 12 and 13).
 */
export function abandonCreate(options: CreateOptions, { plan, bundle }: Prepared): void {
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
