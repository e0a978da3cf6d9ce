// Durations as Go writes them, which callers of runc pass on.

const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};

/** Milliseconds of a text such as `5s`, `1m30s` or `0.5s`; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^-?(?:\d+(?:\.\d+)?(?:h|ms|m|us|µs|ns|s))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit = ""] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    sum += Number(number) * (UNITS_MS[unit] ?? 0);
  }
  return text.startsWith("-") ? -sum : sum;
}
