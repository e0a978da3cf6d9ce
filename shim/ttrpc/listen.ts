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
  /** Whose connections are taken, besides root's: the reference shim wants its own. */
  owner: { uid: number; gid: number };
  report(error: unknown): void;
}

const EAGAIN = 11;
const READ_BYTES = 32_768;

/** Serves whoever connects to a listening socket, which does not wait. */
export function listenForCalls(socket: number, serving: Serving): void {
  serving.loop.watch(socket, EPOLLIN, () => {
    for (let fd = tryAccept(socket); fd >= 0; fd = tryAccept(socket)) {
      const { uid, gid } = peerOf(fd);
      if (uid === serving.owner.uid && gid === serving.owner.gid) attend(fd, serving);
      else closeFd(fd);
    }
  });
}

function attend(fd: number, { loop, services, report }: Serving): void {
  /** What the socket has not taken yet. */
  let waiting: Uint8Array[] = [];
  const connection: Connection = serve({
    services,
    report,
    after: (milliseconds, run) => loop.after(milliseconds, run),
    send(bytes) {
      waiting.push(bytes);
      if (waiting.length === 1) flush();
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
      if (written === first.length) waiting.shift();
      else waiting[0] = first.subarray(written);
    }
    loop.change(fd, waiting.length === 0 ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }

  function close(): void {
    waiting = [];
    loop.forget(fd);
    closeFd(fd);
    connection.end();
  }
}
