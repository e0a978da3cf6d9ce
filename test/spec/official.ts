// The words of RFC 2119 in the specification's own text, counted by heading: every one of them has
// to have its line in demands.txt.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Heading } from "./demands.ts";

const MODULE = "github.com/opencontainers/runtime-spec@v1.3.0";
const DOCUMENTS = [
  "runtime.md",
  "runtime-linux.md",
  "config.md",
  "config-linux.md",
  "features.md",
  "features-linux.md",
];
const WORDS = /\b((MUST|SHALL|SHOULD)( NOT)?|REQUIRED|(NOT )?RECOMMENDED)\b/g;

/** Folder of the specification, which is published as a Go module; undefined without Go. */
export function officialFolder(): string | undefined {
  const go = Bun.which("go") ?? Bun.which("/usr/local/go/bin/go");
  if (go === null) return undefined;
  const command = [go, "mod", "download", "-json", MODULE];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: "/", timeout: 60_000 });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}\n${stderr}`);
  const { Dir }: { Dir: string } = JSON.parse(stdout.toString());
  return Dir;
}

/** Where the list and the text differ: one line a heading. */
export function differences(headings: readonly Heading[], folder: string): string[] {
  const listed = new Map(
    headings.map(({ document, anchor, demands }) => [
      `${document}#${anchor}`,
      demands.flatMap(({ words }) => words).toSorted(),
    ]),
  );
  const found = new Map(DOCUMENTS.flatMap((document) => wordsByHeading(folder, document)));
  return [...new Set([...listed.keys(), ...found.keys()])].flatMap((heading) => {
    const [ours, theirs] = [listed.get(heading) ?? [], (found.get(heading) ?? []).toSorted()];
    return ours.join() === theirs.join()
      ? []
      : [`${heading}: listed ${ours.join(", ")}; the text has ${theirs.join(", ")}`];
  });
}

/** Examples between fences are left out. A heading without a name has GitHub's anchor. */
function wordsByHeading(folder: string, document: string): [heading: string, words: string[]][] {
  const words = new Map<string, string[]>();
  let heading = "";
  const text = readFileSync(join(folder, document), "utf8").replace(/^ *```[\s\S]*?^ *```/gm, "");
  for (const line of text.split("\n")) {
    const [, name, title] = /^#+ *(?:<a name="(.*?)" *\/>)?(.*)/.exec(line) ?? [];
    if (title !== undefined) heading = name ?? title.trim().toLowerCase().replaceAll(" ", "-");
    const found = [...line.matchAll(WORDS)].map(([word]) => word);
    if (found.length > 0) words.set(heading, [...(words.get(heading) ?? []), ...found]);
  }
  return [...words].map(([name, list]) => [`${document}#${name}`, list]);
}
