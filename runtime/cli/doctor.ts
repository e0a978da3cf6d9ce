// runt doctor

import { doctor, type Finding } from "../lifecycle/doctor.ts";
import { print } from "../print.ts";
import type { Arguments, Surroundings } from "./command.ts";
import { wrapped } from "./wrapped.ts";

const INDENT = 28;
const MARKS = { good: "ok", limited: "limited", fatal: "FATAL" } as const;

/** Prints what this machine offers, as text or as JSON; 1 where no container can run. */
export function doctorCommand(given: Arguments, surroundings: Surroundings): number {
  const findings = doctor(() => surroundings.root);
  const fatal = findings.filter(({ verdict }) => verdict === "fatal");
  const report = { usable: fatal.length === 0, findings };
  print(given.on("json") ? JSON.stringify(report, undefined, 2) : doctorText(findings));
  return fatal.length === 0 ? 0 : 1;
}

/** The findings for people, by area, with one line at the end that sums them up. */
export function doctorText(findings: readonly Finding[]): string {
  const lines: string[] = [];
  let area = "";
  for (const finding of findings) {
    if (finding.area !== area) lines.push(finding.area);
    area = finding.area;
    const mark = MARKS[finding.verdict];
    const label = `  ${mark.padEnd(8)} ${finding.topic}`.padEnd(INDENT);
    lines.push(wrapped(finding.found, { label, indent: INDENT }));
    for (const [name, text] of [
      ["runt", finding.effect],
      ["change", finding.advice],
    ] as const) {
      if (text === undefined) continue;
      const note = `${" ".repeat(INDENT)}${name}: `;
      lines.push(wrapped(text, { label: note, indent: note.length }));
    }
  }
  return [...lines, "", verdictText(findings)].join("\n");
}

function verdictText(findings: readonly Finding[]): string {
  const of = (verdict: Finding["verdict"]): Finding[] =>
    findings.filter((finding) => finding.verdict === verdict);
  const fatal = of("fatal").map(({ area, topic }) => `${area}: ${topic}`);
  if (fatal.length > 0) return `Containers cannot run (${fatal.join(", ")}).`;
  const limited = of("limited").length;
  return `Containers can run; ${limited} of ${findings.length} findings limit what they can have.`;
}
