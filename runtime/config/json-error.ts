// Where JSON text is broken. JSON.parse does not say, so a broken text is read again, by hand.

import type { Problem } from "../errors.ts";
import { shortText } from "./found.ts";

/** The first syntax error of a text that JSON.parse refused, with line, column and a hint. */
export function jsonError(text: string): Problem {
  const fault = firstFault(text);
  const lines = text.slice(0, fault.offset).split("\n");
  const column = (lines.at(-1) ?? "").length + 1;
  const where = `line ${lines.length}, column ${column}`;
  const found = fault.offset >= text.length ? "the end of the text" : foundAt(text, fault.offset);
  return {
    pointer: "",
    message: `Broken JSON at ${where}: found ${found}, wanted ${fault.wanted}`,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
}

interface Fault {
  offset: number;
  wanted: string;
  hint?: string | undefined;
}

/** A list of places that are open: "{" or "[", and where. */
type Open = { mark: "{" | "["; offset: number }[];

type Expected = "value" | "first entry" | "first name" | "name" | "colon" | "separator" | "end";

function firstFault(text: string): Fault {
  const open: Open = [];
  let expected: Expected = "value";
  let offset = 0;
  for (;;) {
    offset = skipBlanks(text, offset);
    const fault = (wanted: string): Fault => ({
      offset,
      wanted,
      hint: hintAt(text, { offset, open, expected }),
    });
    const char = text[offset];
    const inner = open.at(-1);
    if (char === undefined && expected === "end") return fault("JSON");
    switch (expected) {
      case "first name":
      case "name": {
        if (char === "}" && expected === "first name") {
          open.pop();
          offset++;
          expected = afterValue(open);
          break;
        }
        const end = stringEnd(text, offset);
        if (end === undefined) return fault(nameWanted(expected));
        if (end.fault !== undefined) return end.fault;
        offset = end.offset;
        expected = "colon";
        break;
      }
      case "colon":
        if (char !== ":") return fault('":" after the property name');
        offset++;
        expected = "value";
        break;
      case "separator": {
        const close = inner?.mark === "{" ? "}" : "]";
        if (char === close) {
          open.pop();
          expected = afterValue(open);
        } else if (char === ",") {
          expected = inner?.mark === "{" ? "name" : "value";
        } else return fault(`"," or "${close}"`);
        offset++;
        break;
      }
      case "end":
        return fault("the end of the text");
      case "value":
      case "first entry": {
        if (char === "]" && expected === "first entry") {
          open.pop();
          offset++;
          expected = afterValue(open);
          break;
        }
        if (char === "{" || char === "[") {
          open.push({ mark: char, offset });
          offset++;
          expected = char === "{" ? "first name" : "first entry";
          break;
        }
        const end = stringEnd(text, offset) ?? literalEnd(text, offset);
        if (end === undefined) return fault("a value");
        if (end.fault !== undefined) return end.fault;
        offset = end.offset;
        expected = afterValue(open);
      }
    }
  }
}

function afterValue(open: Open): Expected {
  return open.length === 0 ? "end" : "separator";
}

function nameWanted(expected: Expected): string {
  return expected === "name"
    ? "a property name in double quotes"
    : 'a property name in double quotes or "}"';
}

function skipBlanks(text: string, from: number): number {
  let offset = from;
  while (" \t\n\r".includes(text[offset] ?? "x")) offset++;
  return offset;
}

type End = { offset: number; fault?: Fault | undefined } | undefined;

function stringEnd(text: string, from: number): End {
  if (text[from] !== '"') return undefined;
  for (let offset = from + 1; offset < text.length; offset++) {
    const char = text[offset] ?? "";
    if (char === '"') return { offset: offset + 1 };
    if (char < " ") {
      const wanted = "the string to end, or control characters escaped";
      const hint = char === "\n" ? "a double quote is missing on this line" : undefined;
      return { offset, fault: { offset, wanted, hint } };
    }
    if (char !== "\\") continue;
    const sequence = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(offset, offset + 6));
    if (sequence === null) {
      const isCut = offset + 1 >= text.length;
      const at = isCut ? text.length : offset;
      return { offset, fault: { offset: at, wanted: 'an escape such as \\n, \\" or \\u0041' } };
    }
    offset += sequence[0].length - 1;
  }
  return {
    offset: text.length,
    fault: cutFault(text, `the string of ${place(text, from)} to end`),
  };
}

function literalEnd(text: string, from: number): End {
  const literal = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
  literal.lastIndex = from;
  return literal.test(text) ? { offset: literal.lastIndex } : undefined;
}

function cutFault(text: string, wanted: string): Fault {
  return { offset: text.length, wanted, hint: "the text seems to be cut off" };
}

function hintAt(
  text: string,
  at: { offset: number; open: Open; expected: Expected },
): string | undefined {
  const { offset, open, expected } = at;
  const rest = text.slice(offset, offset + 40);
  if (text.trim() === "") return "the text is empty";
  if (rest === "") {
    const inner = open.at(-1);
    if (inner === undefined) return undefined;
    return `the text seems to be cut off: "${inner.mark}" of ${place(text, inner.offset)} is open`;
  }
  const octal = /^0([0-7]+)(?!\w)/.exec(rest);
  if (octal !== null) return `JSON has no octal numbers: write ${Number.parseInt(rest, 8)}`;
  if (rest.startsWith("/")) return "JSON has no comments";
  if (rest.startsWith("'")) return "JSON wants double quotes";
  if (rest.startsWith("\uFEFF")) return "the text begins with a byte order mark: remove it";
  if (/^(?:True|False|None)\b/.test(rest)) return "JSON writes true, false and null";
  if (/^[}\]]/.test(rest) && (expected === "name" || expected === "value")) {
    return "no comma after the last entry";
  }
  if (expected === "separator" && /^["{[\w-]/.test(rest)) return "a comma is missing before it";
  return undefined;
}

function place(text: string, offset: number): string {
  return `line ${text.slice(0, offset).split("\n").length}`;
}

function foundAt(text: string, offset: number): string {
  const word = /^(?:[\w.+-]+|.)/su.exec(text.slice(offset, offset + 40))?.[0] ?? "";
  return shortText(word);
}
