// Values to JSON text, integers beyond 2^53 to the last digit.

/** As JSON.stringify, with bigints as numbers. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, one) =>
    typeof one === "bigint" ? `${MARK}${one}` : one,
  );
  return text.replace(MARKED, "$1");
}

/** Not a word that a configuration has, and nothing that JSON escapes. */
const MARK = "bigint\u{e000}";
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");
