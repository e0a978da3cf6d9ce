// runt features

import { features } from "../lifecycle/features.ts";
import { print } from "../print.ts";

/** Prints what is supported as JSON. features.md */
export function featuresCommand(): number {
  print(JSON.stringify(features(), undefined, 4));
  return 0;
}
