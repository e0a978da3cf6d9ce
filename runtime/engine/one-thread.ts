// What has to hold before each clone.

import { linksOf } from "../sys/status.ts";

/**
 * A second thread would be missing in the child, with whatever lock it holds. The links of a
 * directory count the directories in it and two more.
 */
export function requireOneThread(): void {
  const threads = linksOf("/proc/self/task") - 2;
  if (threads !== 1) throw new Error(`cloning with ${threads} threads; start runt by its launcher`);
}
