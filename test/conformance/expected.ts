// The lists of results that runt is held against: expected.json, and expected-vm.json for what
// differs in a virtual machine with all of cgroup v1. Every failure in them has a reason.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isClean, type ProgramResult } from "./run-program.ts";

const file = join(import.meta.dirname, "expected.json");
const vmFile = join(import.meta.dirname, "expected-vm.json");

export interface ExpectedResult {
  /** Assertions that hold. */
  ok: number;
  /** Assertions that fail. */
  notOk: number;
  exit: ProgramResult["exit"];
  /** Why it is not clean; every result that is not clean has one. */
  reason?: string;
}

export type ExpectedResults = Record<string, ExpectedResult>;

/** Reads the list of all programs. */
export function readExpected(): ExpectedResults {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Reads the list of the programs whose results differ in the virtual machine. */
export function readExpectedInVm(): ExpectedResults {
  return JSON.parse(readFileSync(vmFile, "utf8"));
}

/**
 * How a result differs from what is expected, as one line, or undefined where it does not.
 *
 * @param expected the list's entry for this program, undefined where it has none
 */
export function difference(
  result: ProgramResult,
  expected: ExpectedResult | undefined,
): string | undefined {
  if (expected === undefined) return "not in the list";
  if (!isClean(expected) && expected.reason === undefined) return "the list gives no reason";
  const [got, wanted] = [countsText(result), countsText(expected)];
  return got === wanted ? undefined : `got ${got}, expected ${wanted}`;
}

/** Writes the results of a run into the list; reasons stay, those of clean programs go. */
export function writeExpected(results: readonly ProgramResult[]): void {
  const list = readExpected();
  for (const result of results) {
    const { name, ok, notOk, exit } = result;
    const reason = isClean(result) ? undefined : list[name]?.reason;
    list[name] = { ok, notOk, exit, ...(reason === undefined ? {} : { reason }) };
    if (!isClean(result) && reason === undefined) console.log(`${name}: write a reason`);
  }
  const sorted = Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

/** Counts and exit, such as `ok 12, not ok 1, exit 0`. */
export function countsText(result: Pick<ProgramResult, "ok" | "notOk" | "exit">): string {
  const exit = result.exit === "hang" ? "hang" : `exit ${result.exit}`;
  return `ok ${result.ok}, not ok ${result.notOk}, ${exit}`;
}
