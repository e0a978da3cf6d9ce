// A container's cgroup directories, one a hierarchy, in one readable piece.

/** `/cgroup/{cpu,memory}/demo` for paths that share where they begin and end. */
export function braceText(paths: readonly string[]): string {
  const [first, ...others] = paths.map((path) => path.split("/"));
  if (first === undefined || others.length === 0) return paths.join(" ");
  const all = [first, ...others];
  const head = sharedLength(all);
  const rests = all.map((parts) => parts.slice(head));
  const tail = sharedLength(rests.map((parts) => parts.toReversed()));
  const middles = rests.map((parts) => parts.slice(0, parts.length - tail).join("/"));
  const end = first.slice(first.length - tail);
  return [...first.slice(0, head), `{${middles.join(",")}}`, ...end].join("/");
}

/** How many parts all lists have in common at their beginnings. */
function sharedLength(lists: readonly (readonly string[])[]): number {
  const length = Math.min(...lists.map((list) => list.length));
  for (let index = 0; index < length; index++) {
    if (lists.some((list) => list[index] !== lists[0]?.[index])) return index;
  }
  return length;
}
