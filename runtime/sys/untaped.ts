// What cannot be recorded, or played.

import { RuntimeError } from "../errors.ts";

/** It has to be done in another way. */
export class Untaped extends Error {
  override name = "Untaped";
}

/** What goes wrong here may well go in another way, which says why if it does not. */
export function orUntaped<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RuntimeError ? new Untaped(error.message) : error;
  }
}
