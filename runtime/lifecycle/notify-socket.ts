// The word that the container's program is ready (sd_notify(3)), passed on to the caller's
// NOTIFY_SOCKET. Nothing else of what the program says is: MAINPID and file descriptors of a
// container mean nothing outside, or too much.

import { RuntimeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { NOTIFY_FOLDER, NOTIFY_SOCKET } from "../ops/notify-socket.ts";
import { directoryOf, type Place } from "../store/directory.ts";
import type { ProcessIdentity } from "../store/record.ts";
import { changeModeAt, tryUnlinkAt } from "../sys/entry.ts";
import { closeFd, O_DIRECTORY, O_PATH, readSome, tryOpen } from "../sys/file.ts";
import { POLLIN, poll } from "../sys/signal.ts";
import { bindDatagramAt, connectDatagram, pipe, sendMessage } from "../sys/socket.ts";
import { holdProcess } from "./status.ts";

/** How long the service manager may take to read what it was sent, as runc waits. */
const BARRIER_TIMEOUT_MS = 30_000;

/** How long the program's own barrier may take to follow; systemd-notify(1) sends one with READY. */
const OWN_BARRIER_MS = 250;

/** Where the program says that it is ready. */
export interface ReadySocket {
  fd: number;
  /** The caller's NOTIFY_SOCKET. */
  host: string;
  log: Log;
}

/**
 * Makes the socket in the container's folder. Undefined when the container was created without
 * one. What an earlier `start` has left that was killed is replaced.
 */
export function listenForReady(
  place: Place,
  { host, log }: { host: string; log: Log },
): ReadySocket | undefined {
  const folder = tryOpen(`${directoryOf(place)}/${NOTIFY_FOLDER}`, O_PATH | O_DIRECTORY);
  if (folder < 0) return undefined;
  tryUnlinkAt(folder, NOTIFY_SOCKET);
  const fd = bindDatagramAt(folder, NOTIFY_SOCKET);
  // The program may be any user.
  changeModeAt(folder, NOTIFY_SOCKET, 0o777);
  closeFd(folder);
  return { fd, host, log };
}

/** Waits until the program is ready and the caller has been told, or the program has ended. */
export function awaitReady(socket: ReadySocket, init: ProcessIdentity): void {
  const pidfd = holdProcess(init);
  for (;;) {
    const [message = 0, ended = 0] = poll(
      [
        { fd: socket.fd, events: POLLIN },
        { fd: pidfd ?? -1, events: POLLIN },
      ],
      pidfd === undefined ? 0 : undefined,
    );
    // What it has said last is there before it is seen to have ended.
    if (message !== 0) {
      if (!hearsReady(socket)) continue;
      tellReady(socket, { mainPid: init.pid, leaves: true });
      if (poll([{ fd: socket.fd, events: POLLIN }], OWN_BARRIER_MS)[0] !== 0) readSome(socket.fd);
      break;
    }
    if (ended !== 0 || pidfd === undefined) break;
  }
  if (pidfd !== undefined) closeFd(pidfd);
  closeFd(socket.fd);
}

/** Reads one message, which has to be there; whether it says that the program is ready. */
export function hearsReady({ fd }: ReadySocket): boolean {
  // Descriptors that came along, such as a barrier's, are dropped by read(2).
  const lines = readSome(fd).toString("utf8").split("\n");
  return lines.includes("READY=1");
}

/**
 * Tells the caller. The service's main process is init when this process leaves; a service manager
 * has to have read that before, while it can still see who it was that said so.
 */
export function tellReady(
  { host, log }: ReadySocket,
  { mainPid, leaves }: { mainPid: number; leaves: boolean },
): void {
  try {
    const socket = connectDatagram(host);
    sendMessage(socket, Buffer.from(`READY=1\nMAINPID=${mainPid}\n`));
    if (leaves) awaitBarrier(socket);
    closeFd(socket);
  } catch (error) {
    // The container runs, and is ready: that nobody listens does not change it.
    if (!(error instanceof RuntimeError)) throw error;
    log.warn(`NOTIFY_SOCKET: ${error.message}`);
  }
}

/** sd_notify_barrier(3): the reader closes the descriptor when it gets to it. */
function awaitBarrier(socket: number): void {
  const [ours, theirs] = pipe();
  sendMessage(socket, Buffer.from("BARRIER=1"), theirs);
  closeFd(theirs);
  poll([{ fd: ours, events: POLLIN }], BARRIER_TIMEOUT_MS);
  closeFd(ours);
}
