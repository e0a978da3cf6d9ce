// Pause and Resume: everyone in a container is frozen, and goes on.

import { thawAll } from "../../../runtime/cgroup/freezer.ts";
import { pause as pauseContainer } from "../../../runtime/lifecycle/pause.ts";
import { resume as resumeContainer } from "../../../runtime/lifecycle/resume.ts";
import { readRecord } from "../../../runtime/store/record.ts";
import { TASK } from "../../proto/task.ts";
import { StatusError } from "../../ttrpc/status.ts";
import { type House, statusOfFailure, taskMethod, taskOf, wordFor } from "../house.ts";
import type { Task } from "../task.ts";

export const pause = taskMethod(TASK.Pause, (house, { id }, call) => {
  const task = taskOf(house, id);
  const now = task.init.state === "starting" ? "created" : wordFor(task, task.init);
  if (now !== "running") throw refusal("pause", now);
  const work = (): void => pauseContainer(task);
  house.workers.run(work, (failure) => {
    if (failure === undefined) {
      change(house, task, "paused");
      call.answer({});
      return;
    }
    const refuse = (): void => call.refuse(statusOfFailure(failure, "cannot pause"));
    // Some may be frozen already.
    if (failure.kind === "lost") thaw(house, task, refuse);
    else refuse();
  });
});

export const resume = taskMethod(TASK.Resume, (house, { id }, call) => {
  const task = taskOf(house, id);
  const now = wordFor(task, task.init);
  if (now !== "paused") throw refusal("resume", now);
  const work = (): void => resumeContainer(task);
  house.workers.run(work, (failure) => {
    // It may go on already, by whoever has thawed it.
    if (failure === undefined || failure.kind === "state") {
      change(house, task, "resumed");
      call.answer({});
    } else call.refuse(statusOfFailure(failure, "cannot resume"));
  });
});

function refusal(what: "pause" | "resume", now: string): StatusError {
  const whom = {
    created: "task in created state",
    running: "a running process",
    paused: "a paused container",
  }[now];
  return new StatusError("unknown", `cannot ${what} ${whom ?? `a ${now} container`}`);
}

function change(house: House, task: Task, to: "paused" | "resumed"): void {
  // Its end may have come in between.
  task.isPaused = to === "paused" && task.init.state !== "stopped";
  house.publisher.publish(`/tasks/${to}`, { containerId: task.id });
}

/** Takes back what a lost worker may have frozen. */
function thaw(house: House, { root, id }: Task, done: () => void): void {
  const work = (): void => thawAll(readRecord({ root, id })?.cgroups ?? []);
  house.workers.run(work, (failure) => {
    if (failure !== undefined) house.log.with({ id }).warn(`cannot thaw it: ${failure.text}`);
    done();
  });
}
