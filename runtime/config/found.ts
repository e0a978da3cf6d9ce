// A value that was found, as the few words that a message has room for.

const LONGEST = 60;

/** Shows a value: strings quoted, shortened and with control characters escaped. */
export function foundText(value: unknown): string {
  if (typeof value === "string") return shortText(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return shortened(String(value));
}

/** Shows a string in quotes, of 60 characters at most, in printable characters alone. */
export function shortText(text: string): string {
  return JSON.stringify(shortened(text)).replace(INVISIBLE, escaped);
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

// What JSON leaves as it is and a terminal does not show as it is: further control characters,
// marks of writing direction, blanks of no width, line separators.
const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
