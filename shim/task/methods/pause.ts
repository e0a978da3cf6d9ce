// Pause and Resume: everyone in a container is frozen, and goes on.

import { pause as pauseContainer } from "../../../runtime/lifecycle/pause.ts";
import { resume as resumeContainer } from "../../../runtime/lifecycle/resume.ts";
import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { type House, statusOfFailure, taskMethod, taskOf } from "../house.ts";
import type { Task } from "../task.ts";

interface Answering {
  answer(response: Record<string, never>): void;
  refuse(error: StatusError): void;
}

export const pause = taskMethod(TASK.Pause, (house, { id }, call) => {
  const task = taskOf(house, id);
  const { state } = task.init;
  if (state !== "running") {
    throw new StatusError(
      "unknown",
      `cannot pause task in ${state === "starting" ? "created" : state} state`,
    );
  }
  if (task.isPaused) throw new StatusError("unknown", "cannot pause a paused container");
  change(house, { task, run: () => pauseContainer(task), isPaused: true }, call);
});

export const resume = taskMethod(TASK.Resume, (house, { id }, call) => {
  const task = taskOf(house, id);
  const { state } = task.init;
  if (!task.isPaused) {
    throw new StatusError(
      "unknown",
      `cannot resume a ${state === "starting" ? "created" : state} process`,
    );
  }
  change(house, { task, run: () => resumeContainer(task), isPaused: false }, call);
});

interface Change {
  task: Task;
  run(): void;
  isPaused: boolean;
}

function change(house: House, { task, run, isPaused }: Change, call: Answering): void {
  const work = (): undefined => {
    run();
  };
  house.workers.begin({ run: work, fds: [] }, (outcome) => {
    if ("failure" in outcome) {
      const what = isPaused ? "cannot pause" : "cannot resume";
      call.refuse(statusOfFailure(outcome.failure, what));
      return;
    }
    task.isPaused = isPaused;
    const topic = isPaused ? "/tasks/paused" : "/tasks/resumed";
    house.publisher.publish(topic, { containerId: task.id });
    call.answer({});
  });
}
