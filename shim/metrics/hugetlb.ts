// Huge pages in use, by their size. The runtime's own statistics tell those that are reserved.

import type { ControlFiles } from "../../runtime/cgroup/stats.ts";

export interface PageSize {
  /** Such as "2MB". */
  pagesize: string;
  /** Text of a file of this size, such as `current`. */
  read(ending: string): string;
}

/** An entry for each size that there are files of. */
export function hugetlbIn<Entry>(
  { names, read }: ControlFiles,
  entryOf: (size: PageSize) => Entry,
): Entry[] {
  const sizes = names("hugetlb").flatMap((name) => /^hugetlb\.([^.]+)\./.exec(name)?.[1] ?? []);
  return [...new Set(sizes)].map((pagesize) =>
    entryOf({ pagesize, read: (ending) => read(`hugetlb.${pagesize}.${ending}`) }),
  );
}
