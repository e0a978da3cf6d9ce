// Word of the OOM killer, for clients.

import { watchOom } from "../../runtime/cgroup/oom.ts";
import { placesOf } from "../../runtime/cgroup/places.ts";
import { RuntimeError } from "../../runtime/errors.ts";
import type { ContainerRecord } from "../../runtime/store/record.ts";
import { EPOLLIN } from "../../runtime/sys/epoll.ts";
import { closeFd } from "../../runtime/sys/file.ts";
import { hostFacts } from "./host-facts.ts";
import type { House } from "./house.ts";
import type { Task } from "./task.ts";

/** Publishes each strike until the task's init has ended. */
export function watchForOom(house: House, task: Task, record: ContainerRecord): void {
  try {
    watch(house, task, record);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    house.log.with({ id: task.id }).warn(`no word of the OOM killer: ${error.message}`);
  }
}

function watch({ loop, publisher }: House, task: Task, { cgroups }: ContainerRecord): void {
  const { id } = task;
  const { cgroup } = hostFacts(task);
  const layout = cgroup.mode === "v2" ? "v2" : "v1";
  const places = placesOf(cgroups, cgroup);
  const memory = places.find(
    ({ controllers }) => layout === "v2" || controllers.includes("memory"),
  );
  if (memory === undefined) return;
  const oom = watchOom(memory.directory, layout);
  const look = (): void => {
    for (let count = oom.take(); count > 0; count--) {
      publisher.publish("/tasks/oom", { containerId: id });
    }
  };
  loop.watch(oom.fd, EPOLLIN, look);
  task.oomWatch = {
    look,
    stop() {
      loop.forget(oom.fd);
      closeFd(oom.fd);
    },
  };
}
