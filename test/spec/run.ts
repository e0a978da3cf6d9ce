// Holds what the tests have shown against what the specification demands, and writes
// docs/spec-conformance.md. The other tests have to have run before. Ends with one line,
// `N passed, N failed, N skipped`.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { readDemands } from "./demands.ts";
import { notYet } from "./not-yet.ts";
import { differences, officialFolder } from "./official.ts";
import { page } from "./page.ts";
import { readShown } from "./shown.ts";

const file = resolve(import.meta.dirname, "../../docs/spec-conformance.md");

const headings = readDemands();
const demands = headings.flatMap((heading) => heading.demands);
const known = new Map(demands.map((demand) => [demand.id, demand]));
const shown = readShown();
const total = { passed: 0, failed: 0, skipped: 0 };

const folder = officialFolder();
if (folder === undefined) {
  console.log("SKIP the list of demands is complete: without Go the specification is not here");
  total.skipped++;
} else {
  check("the list of demands is complete", differences(headings, folder));
}
check(
  "tests name demands that there are",
  shown.filter(({ id }) => !known.has(id)).map(({ id, file, test }) => `${file}: ${test}: ${id}`),
);
check(
  "what tests show has no reason for not being shown",
  shown.filter(({ id }) => known.get(id)?.because).map(({ id, file }) => `${file}: ${id}`),
);
const isShown = new Set(shown.map(({ id }) => id));
check(
  "every demand is shown by a test that has run and passed, or says why not",
  demands.filter(({ id, because }) => !because && !isShown.has(id)).map(({ id }) => id),
);
if (folder === undefined) {
  // The validation programs of OCI runtime-tools need Go as well, and the page names them.
  console.log("SKIP docs/spec-conformance.md is up to date: without Go some tests have not run");
  total.skipped++;
} else if (total.failed === 0) checkPage();

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);

function check(what: string, wrong: readonly string[]): void {
  console.log(`${wrong.length === 0 ? "ok" : "FAILED"}: ${what}`);
  for (const line of wrong) console.log(`  ${line}`);
  total[wrong.length === 0 ? "passed" : "failed"]++;
}

function checkPage(): void {
  const text = page(headings, shown, notYet());
  const old = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (text !== old) writeFileSync(file, text);
  check("docs/spec-conformance.md is up to date", text === old ? [] : changedLines(old, text));
}

/** The page was written anew; these lines of it are new. */
function changedLines(old: string, text: string): string[] {
  const before = new Set(old.split("\n"));
  const added = text.split("\n").filter((line) => !before.has(line));
  return ["it was not, and is now: look at what has changed", ...added.slice(0, 20)];
}
