// Word of the OOM killer, for clients.

import { watchOom } from "../../runtime/cgroup/oom.ts";
import { placesOf } from "../../runtime/cgroup/places.ts";
import { RuntimeError } from "../../runtime/errors.ts";
import { probeHost } from "../../runtime/host/probe.ts";
import { readRecord } from "../../runtime/store/record.ts";
import { EPOLLIN } from "../../runtime/sys/epoll.ts";
import { closeFd } from "../../runtime/sys/file.ts";
import type { House } from "./house.ts";
import type { Task } from "./task.ts";

/** Publishes each strike until the task's init has ended. */
export function watchForOom({ loop, publisher, log }: House, task: Task): void {
  const { id, root } = task;
  const { cgroup } = probeHost();
  const layout = cgroup.mode === "v2" ? "v2" : "v1";
  const places = placesOf(readRecord({ root, id })?.cgroups ?? [], cgroup);
  const memory = places.find(
    ({ controllers }) => layout === "v2" || controllers.includes("memory"),
  );
  if (memory === undefined) return;
  try {
    const watch = watchOom(memory.directory, layout);
    const look = (): void => {
      for (let count = watch.take(); count > 0; count--) {
        publisher.publish("/tasks/oom", { containerId: id });
      }
    };
    loop.watch(watch.fd, EPOLLIN, look);
    task.oomWatch = {
      look,
      stop() {
        loop.forget(watch.fd);
        closeFd(watch.fd);
      },
    };
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    log.with({ id }).warn(`no word of the OOM killer: ${error.message}`);
  }
}
