// Counts the assertions in what a validation program prints.

export interface TapCounts {
  ok: number;
  notOk: number;
}

/**
 * Counts the lines `ok` and `not ok` of a TAP report. A failure marked `# TODO` counts as neither:
 * the suite expects it.
 */
export function tapCounts(text: string): TapCounts {
  const lines = text.split("\n");
  return {
    ok: lines.filter((line) => /^ok\b/.test(line)).length,
    notOk: lines.filter((line) => /^not ok\b(?!.*# TODO)/.test(line)).length,
  };
}
