// Reads demands.txt, the list of what the specification demands.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const file = join(import.meta.dirname, "demands.txt");

export interface Demand {
  id: string;
  /** The words of RFC 2119 that it stands for, such as `MUST NOT`. */
  words: readonly string[];
  text: string;
  /** Why no test shows it. */
  because?: string;
}

export interface Heading {
  /** The specification's document, such as `config.md`. */
  document: string;
  /** The heading's anchor in it. */
  anchor: string;
  demands: Demand[];
}

/** Reads the list. @throws Error for a line that is not understood, or an id that is there twice */
export function readDemands(): Heading[] {
  const headings: Heading[] = [];
  const ids = new Set<string>();
  let document = "";
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line === "" || line.startsWith("# ")) continue;
    const heading = headings.at(-1);
    const demand = heading?.demands.at(-1);
    const [id, words, text] = line.split(" | ");
    if (line.startsWith("== ")) document = line.slice(3);
    else if (line.startsWith("= ")) headings.push({ document, anchor: line.slice(2), demands: [] });
    else if (line.startsWith("because ") && demand) demand.because = line.slice(8);
    else if (heading && id && words && text && !ids.has(id)) {
      heading.demands.push({ id, words: words.split(" + "), text });
      ids.add(id);
    } else throw new Error(`${file}: ${line}`);
  }
  return headings;
}
