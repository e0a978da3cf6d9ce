// ttrpc over the sockets of a loop: accepts clients, reads what they send, and writes the answers as
// fast as each client takes them.

import { EPOLLIN, EPOLLOUT } from "../../runtime/sys/epoll.ts";
import { closeFd, tryReadSome, tryWriteSome } from "../../runtime/sys/file.ts";
import { peerOf, tryAccept } from "../../runtime/sys/socket.ts";
import type { Loop } from "../loop.ts";
import { type Connection, type Services, serve } from "./server.ts";

export interface Serving {
  loop: Loop;
  services: Services;
  /** Whose connections are taken; all others, root's as well, are closed. */
  owner: { uid: number; gid: number };
  report(error: unknown): void;
}

const EAGAIN = 11;
const READ_BYTES = 32_768;
/** From a client that leaves so much of its answers lying, no more is read until it has some. */
const WAITING_BYTES_MAX = 1_048_576;
/** So long nobody is accepted when there are no more descriptors. */
const ACCEPT_PAUSE_MS = 100;

/** Serves whoever connects to a listening socket, which does not wait. */
export function listenForCalls(socket: number, serving: Serving): void {
  const { loop, owner } = serving;
  loop.watch(socket, EPOLLIN, () => {
    let fd = tryAccept(socket);
    for (; fd >= 0; fd = tryAccept(socket)) {
      const { uid, gid } = peerOf(fd);
      if (uid === owner.uid && gid === owner.gid) attend(fd, serving);
      else closeFd(fd);
    }
    if (fd !== -EAGAIN) pause();
  });

  function pause(): void {
    loop.change(socket, 0);
    loop.after(ACCEPT_PAUSE_MS, () => loop.change(socket, EPOLLIN));
  }
}

function attend(fd: number, { loop, services, report }: Serving): void {
  /** What the socket has not taken yet. */
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let asked = EPOLLIN;
  const connection: Connection = serve({
    services,
    report,
    after: (milliseconds, run) => loop.after(milliseconds, run),
    send(bytes) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waiting.length === 1) flush();
      else ask();
    },
  });
  loop.watch(fd, EPOLLIN, (events) => {
    if ((events & EPOLLOUT) !== 0) flush();
    if ((events & ~EPOLLOUT) !== 0) read();
  });

  function read(): void {
    const some = tryReadSome(fd, READ_BYTES);
    if (some === -EAGAIN) return;
    if (typeof some === "number" || some.length === 0) close();
    else connection.receive(some);
  }

  function flush(): void {
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const written = tryWriteSome(fd, first);
      // A client that has gone is noticed by reading.
      if (written < 0) break;
      waitingBytes -= written;
      if (written === first.length) waiting.shift();
      else waiting[0] = first.subarray(written);
    }
    ask();
  }

  function ask(): void {
    const reads = waitingBytes > WAITING_BYTES_MAX ? 0 : EPOLLIN;
    const wanted = reads | (waiting.length === 0 ? 0 : EPOLLOUT);
    if (wanted !== asked) loop.change(fd, wanted);
    asked = wanted;
  }

  function close(): void {
    waiting = [];
    loop.forget(fd);
    closeFd(fd);
    connection.end();
  }
}
