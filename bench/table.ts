// The report: one line a measurement, with the absolute figures and the ratios that count.

import type { Runtime } from "./peers.ts";

export interface Row {
  title: string;
  /** One for each runtime, in their order, if it can do it; the first is the runtime under test. */
  figures: readonly (number | undefined)[];
  unit: string;
  /** Largest ratio to the lowest runc, where there is one. */
  budget?: number;
}

/** The line of titles above the rows. */
export function headerLine(runtimes: readonly Runtime[]): string {
  const names = runtimes.map(({ name }) => name.padStart(12));
  return `${"".padEnd(40)}${names.join("")}   to runc   budget        to crun`;
}

/** A row as text: figures, then the ratios of the first to the lowest runc and to crun. */
export function rowLine(runtimes: readonly Runtime[], row: Row): string {
  const figures = row.figures.map((figure) =>
    (figure === undefined ? "-" : `${figure.toFixed(1)} ${row.unit}`).padStart(12),
  );
  const toRunc = ratio(runtimes, row, "runc");
  const budget = budgetText(toRunc, row.budget).padEnd(11);
  const toCrun = ratioText(ratio(runtimes, row, "crun"));
  return `${row.title.padEnd(40)}${figures.join("")}   ${ratioText(toRunc)}   ${budget}   ${toCrun}`;
}

function ratio(runtimes: readonly Runtime[], { figures }: Row, peer: string): number | undefined {
  const [first] = figures;
  const theirs = figures.filter(
    (figure, index) => figure !== undefined && runtimes[index]?.name.startsWith(peer),
  );
  const least = Math.min(...theirs.map((figure) => figure ?? 0));
  return first === undefined || theirs.length === 0 ? undefined : first / least;
}

function ratioText(value: number | undefined): string {
  return (value === undefined ? "-" : value.toFixed(2)).padStart(7);
}

function budgetText(value: number | undefined, budget: number | undefined): string {
  if (value === undefined || budget === undefined) return "";
  return `≤ ${budget} ${value <= budget ? "met" : "MISSED"}`;
}
