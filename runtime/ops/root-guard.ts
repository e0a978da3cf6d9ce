// No mount may go onto the root filesystem itself: it would lie on the root without anyone seeing
// it, since the root is held by descriptor.

import { RuntimeError } from "../errors.ts";
import { statusOf } from "../sys/status.ts";

/** @throws RuntimeError when an opened place is the root, by whatever path */
export function guardRoot(place: { root: number; target: number; path: string }): void {
  const [root, target] = [statusOf(place.root), statusOf(place.target)];
  if (root.inode === target.inode && root.mountId === target.mountId) {
    throw new RuntimeError(`"${place.path}" is the root filesystem itself, which takes no mount`);
  }
}
