// The Task service: each method, in the order of its definition. Versions 2 and 3 are the same.

import type { TASK } from "../proto/task.ts";
import type { Method, Services } from "../ttrpc/server.ts";
import type { House } from "./house.ts";
import { checkpoint } from "./methods/checkpoint.ts";
import { closeIO } from "./methods/close-io.ts";
import { connect } from "./methods/connect.ts";
import { create } from "./methods/create.ts";
import { deleteTask } from "./methods/delete.ts";
import { exec } from "./methods/exec.ts";
import { kill } from "./methods/kill.ts";
import { pause, resume } from "./methods/pause.ts";
import { pids } from "./methods/pids.ts";
import { resizePty } from "./methods/resize-pty.ts";
import { shutdown } from "./methods/shutdown.ts";
import { start } from "./methods/start.ts";
import { state } from "./methods/state.ts";
import { stats } from "./methods/stats.ts";
import { update } from "./methods/update.ts";
import { wait } from "./methods/wait.ts";

export function taskServices(house: House): Services {
  const methods: Record<keyof typeof TASK, Method> = {
    State: state(house),
    Create: create(house),
    Start: start(house),
    Delete: deleteTask(house),
    Pids: pids(house),
    Pause: pause(house),
    Resume: resume(house),
    Checkpoint: checkpoint(house),
    Kill: kill(house),
    Exec: exec(house),
    ResizePty: resizePty(house),
    CloseIO: closeIO(house),
    Update: update(house),
    Wait: wait(house),
    Stats: stats(house),
    Connect: connect(house),
    Shutdown: shutdown(house),
  };
  return { "containerd.task.v2.Task": methods, "containerd.task.v3.Task": methods };
}
