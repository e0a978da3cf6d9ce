// file:///PATH: both outputs appended to one file.

import { makeDirectories } from "../../runtime/sys/directory.ts";
import {
  duplicate,
  O_APPEND,
  O_CREAT,
  O_NONBLOCK,
  O_WRONLY,
  open,
  setBlocking,
} from "../../runtime/sys/file.ts";
import { openFifos } from "./fifos.ts";
import type { StreamNames, StreamSurroundings, Streams } from "./streams.ts";
import { uriOf } from "./uri.ts";

export function openLogFile(names: StreamNames, surroundings: StreamSurroundings): Streams {
  const { path } = uriOf(names.stdout);
  makeDirectories(path.slice(0, path.lastIndexOf("/")) || "/", 0o755);
  const streams = openFifos({ ...names, stdout: "", stderr: "" }, surroundings);
  try {
    // A fifo that nobody reads is an error, not something to wait for.
    const file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0o644);
    setBlocking(file);
    streams.ends.stdout = file;
    if (!names.terminal) streams.ends.stderr = duplicate(file);
  } catch (error) {
    streams.handOver();
    streams.close();
    throw error;
  }
  return streams;
}
