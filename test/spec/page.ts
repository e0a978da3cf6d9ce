// The text of docs/spec-conformance.md.

import { basename } from "node:path";
import type { Demand, Heading } from "./demands.ts";
import type { Shown } from "./shown.ts";

const SOURCE = "https://github.com/opencontainers/runtime-spec/blob/v1.3.0";

const INTRODUCTION = `# What the specification demands

One row for each demand of [runtime-spec 1.3.0](${SOURCE}/spec.md) that concerns a
runtime, or that a runtime might be thought to be concerned by, in our own words. The last column
names the tests that show it: they have run and passed when \`make spec-conformance\` wrote this page.
In _italics_ it says why no test does.

Do not edit this page. The demands are in \`test/spec/demands.txt\`; a test says which of them it shows
by \`shows("ID")\`, its last statement.
`;

/**
 * The page.
 *
 * @param headings all demands, in the order of the specification
 * @param shown the tests that show them
 * @param notYet names of what is not there yet
 */
export function page(
  headings: readonly Heading[],
  shown: readonly Shown[],
  notYet: readonly string[],
): string {
  const all = headings.flatMap((heading) => heading.demands);
  const [open, closed] = [all.filter((d) => d.because), all.filter((d) => !d.because)];
  const parts = [
    INTRODUCTION,
    `Of ${all.length} demands, ${closed.length} are shown by tests and ${open.length} are not.\n`,
    ...(notYet.length === 0
      ? []
      : [
          "## Not yet\n\nProperties of `features` that are not supported yet:\n",
          `${notYet.map((name) => `- \`${name}\``).join("\n")}\n`,
        ]),
  ];
  let document = "";
  for (const heading of headings) {
    if (heading.document !== document) parts.push(`## ${heading.document}\n`);
    document = heading.document;
    parts.push(`### [${heading.anchor}](${SOURCE}/${document}#${heading.anchor})\n`);
    parts.push("| id | words | demand | shown by |\n|---|---|---|---|");
    for (const demand of heading.demands) parts.push(row(demand, shown));
    parts.push("");
  }
  return `${parts.join("\n").trimEnd()}\n`;
}

function row(demand: Demand, shown: readonly Shown[]): string {
  const tests = shown.filter(({ id }) => id === demand.id).map(testText);
  const evidence = demand.because === undefined ? tests.join("<br>") : `_${demand.because}_`;
  return `| \`${demand.id}\` | ${demand.words.join(", ")} | ${demand.text} | ${evidence} |`;
}

function testText({ file, test }: Shown): string {
  return `\`${basename(file, ".test.ts")}\` ${test.replaceAll("|", "\\|")}`;
}
