// Text of strangers (ids, paths, messages from config.json) on its way to a terminal or a log.

// C0, DEL, C1, line separators and the marks that turn the direction of text around.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text with every control character written as an escape: `\n`, `\x1b`, `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, escapeOne);
}

function escapeOne(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return (
    SHORT[character] ?? (code < 256 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`)
  );
}
