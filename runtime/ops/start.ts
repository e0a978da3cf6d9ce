// Between create and start: the socket that init listens on, and its wait for the word to go.

import { closeFd, O_DIRECTORY, O_PATH, open } from "../sys/file.ts";
import { accept, listenAt, receiveByte, sendByte } from "../sys/socket.ts";
import { defineOp } from "./op.ts";

/** Name of the socket in the container's state directory. */
export const START_SOCKET = "start";

/** What `start` sends: go. Anything less is somebody who only looked whether init is there. */
export const GO = 0x67;

/** unix(7): while init listens here the container is created; refused, it runs or is gone. */
export const listenForStart = defineOp<{ directory: string }>({
  name: "start.listen",
  print: ({ directory }) => `${directory}/${START_SOCKET} →$start`,
  run: ({ directory }, { slots }) => {
    const fd = open(directory, O_PATH | O_DIRECTORY);
    try {
      slots.put("$start", listenAt(fd, START_SOCKET));
    } finally {
      closeFd(fd);
    }
  },
});

/**
 * Waits for `start`. Answers with the flight recorder, through which the rest of the way to the
 * program is reported by plain memory writes; the end of the connection is the end of that way.
 */
export const awaitStart = defineOp<Record<string, never>>({
  name: "start.await",
  print: () => "$start",
  run: (_args, context) => {
    context.leaveHost();
    const socket = context.slots.get("$start");
    for (;;) {
      const connection = accept(socket);
      if (receiveByte(connection)?.byte === GO) {
        context.slots.close("$start");
        context.enterStart();
        sendByte(connection, GO, context.recorderFd());
        context.slots.put("$starter", connection);
        return;
      }
      closeFd(connection);
    }
  },
});

/** Writes the container's record; see {@link OpContext.record}. */
export const writeRecord = defineOp<{ phase: "identified" | "created" }>({
  name: "record.write",
  print: ({ phase }) => phase,
  run: ({ phase }, context) => context.record(phase),
});
