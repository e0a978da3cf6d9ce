// The agent that answers SCMP_ACT_NOTIFY gets the listener of the filter and the state of the
// container (config-linux.md#containerprocessstate), while init waits in between its last two calls.

import type { Recorder } from "../engine/recorder.ts";
import { EAGAIN } from "../errno.ts";
import { RuntimeError, SyscallError } from "../errors.ts";
import type { ContainerRecord, ProcessIdentity } from "../store/record.ts";
import { closeFd } from "../sys/file.ts";
import { SIGKILL, tryCopyFd, trySignal } from "../sys/process.ts";
import { POLLIN, poll } from "../sys/signal.ts";
import { sendAll, tryConnectWithin } from "../sys/socket.ts";
import { OCI_VERSION } from "../version.ts";
import { holdProcess } from "./status.ts";

/** What it takes to hand a listener over. */
export interface Handover {
  record: ContainerRecord;
  recorder: Recorder;
  /** Connection to the agent. */
  agent: number;
  /** Connection to init; its end is the end of init. */
  init: number;
  /** Who has loaded the filter. */
  process(): ProcessIdentity | undefined;
}

/** An agent that does not read for so long is taken for broken: init computes while it waits. */
const AGENT_LIMIT_MS = 5_000;
const LOOK_EVERY_MS = 1;

/** Connects to the agent, before init is told to go: what fails here can be tried again. */
export function connectToAgent(path: string): number {
  const agent = tryConnectWithin(path, AGENT_LIMIT_MS);
  if (agent < 0) throw failure(new SyscallError(`connect("${path}")`, -agent));
  return agent;
}

/**
 * Waits until init has loaded its filter, gives the listener to the agent and lets init go on.
 * Returns as well when init has ended before.
 *
 * @throws RuntimeError when the agent does not take it; init is killed then
 */
export function handOverListener(handover: Handover): void {
  const { record, recorder, agent, init } = handover;
  const fd = listenerFd(recorder, init);
  const identity = fd === undefined ? undefined : handover.process();
  const pidfd = identity && holdProcess(identity);
  if (fd === undefined || pidfd === undefined) {
    closeFd(agent);
    return;
  }
  try {
    const listener = tryCopyFd(pidfd, fd);
    if (listener < 0) throw new SyscallError(`pidfd_getfd(${identity?.pid}, ${fd})`, -listener);
    sendAll(
      agent,
      Buffer.from(JSON.stringify(containerProcessState(record, identity?.pid ?? 0))),
      listener,
    );
    closeFd(listener);
  } catch (error) {
    trySignal(pidfd, SIGKILL);
    if (!(error instanceof SyscallError)) throw error;
    throw failure(error);
  } finally {
    closeFd(agent);
    closeFd(pidfd);
  }
  recorder.listenerIsTaken();
}

function listenerFd(recorder: Recorder, init: number): number | undefined {
  for (;;) {
    const [ended] = poll([{ fd: init, events: POLLIN }], LOOK_EVERY_MS);
    const fd = recorder.listener();
    if (fd !== undefined || ended !== 0) return fd;
  }
}

function failure(error: SyscallError): RuntimeError {
  const hint =
    error.errno === EAGAIN ? ` (hint: it was not taken within ${AGENT_LIMIT_MS / 1000} s)` : "";
  return new RuntimeError(`seccomp listener: ${error.message}${hint}`);
}

function containerProcessState(
  { id, bundle, annotations, init, listener }: ContainerRecord,
  pid: number,
) {
  return {
    ociVersion: OCI_VERSION,
    fds: ["seccompFd"],
    pid,
    ...(listener?.metadata !== undefined && { metadata: listener.metadata }),
    state: {
      ociVersion: OCI_VERSION,
      id,
      // The program has not been executed, and agents tell a first process by this word.
      status: pid === init?.pid ? "creating" : "running",
      pid: init?.pid ?? 0,
      bundle,
      ...(annotations && { annotations }),
    },
  };
}
