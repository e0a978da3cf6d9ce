// binary:///PATH?KEY=VALUE: a program that logs. The process writes straight into pipes that the
// program reads, and the shim copies nothing.

import { closeFd } from "../../runtime/sys/file.ts";
import { pipe } from "../../runtime/sys/socket.ts";
import { openFifos, own } from "./fifos.ts";
import { startLoggingProgram } from "./logging-program.ts";
import type { StreamNames, StreamSurroundings, Streams } from "./streams.ts";
import { uriOf } from "./uri.ts";

export function openLogger(names: StreamNames, surroundings: StreamSurroundings): Streams {
  const uri = uriOf(names.stdout);
  const streams = openFifos({ ...names, stdout: "", stderr: "" }, surroundings);
  const readers: number[] = [];
  try {
    for (const name of ["stdout", "stderr"] as const) {
      const [reader, writer] = pipe();
      readers.push(reader);
      // A terminal has one output: the program reads the end of the other at once.
      if (names.terminal && name === "stderr") closeFd(writer);
      else {
        streams.ends[name] = writer;
        own(writer, surroundings.owner);
      }
    }
    const program = startLoggingProgram(uri, readers, surroundings);
    return {
      ...streams,
      whenReady: program.whenReady,
      whenDrained: program.whenEnded,
      close() {
        streams.close();
        program.end();
      },
    };
  } catch (error) {
    streams.handOver();
    streams.close();
    throw error;
  } finally {
    for (const reader of readers) closeFd(reader);
  }
}
