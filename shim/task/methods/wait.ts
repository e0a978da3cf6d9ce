// Wait: answers when a process has ended, as often as it is asked.

import { TASK } from "../../proto/task.ts";
import { processOf, taskMethod } from "../house.ts";
import type { Exit } from "../task.ts";

export const wait = taskMethod(TASK.Wait, (house, request, call) => {
  const { exit, waiters } = processOf(house, request);
  const answer = ({ status, at }: Exit): void => call.answer({ exitStatus: status, exitedAt: at });
  if (exit !== undefined) {
    answer(exit);
    return;
  }
  waiters.add(answer);
  call.whenOver(() => waiters.delete(answer));
});
