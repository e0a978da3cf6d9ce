// Broken JSON: where it is broken, what is there, what is wanted, and why it may be so.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig } from "../../../runtime/config/parse.ts";
import { parseJson } from "../../../runtime/config/parse-json.ts";
import { problemText } from "../../../runtime/errors.ts";
import { configText, refusals } from "./refused.ts";

const CASES: readonly { name: string; text: string; says: string }[] = [
  {
    name: "an empty text",
    text: "",
    says: "Broken JSON at line 1, column 1: found the end of the text, wanted a value (hint: the text is empty)",
  },
  {
    name: "a text cut in an object",
    text: '{\n  "root": {\n    "path": "r"\n',
    says: 'Broken JSON at line 4, column 1: found the end of the text, wanted "," or "}" (hint: the text seems to be cut off: "{" of line 2 is open)',
  },
  {
    name: "a text cut in a string",
    text: '{"a": "bc',
    says: "Broken JSON at line 1, column 10: found the end of the text, wanted the string of line 1 to end (hint: the text seems to be cut off)",
  },
  {
    name: "a text cut in an escape",
    text: '["\\u00',
    says: 'Broken JSON at line 1, column 3: found "\\\\", wanted an escape such as \\n, \\" or \\u0041',
  },
  {
    name: "a comma after the last entry of an object",
    text: '{"a": 1,\n}',
    says: 'Broken JSON at line 2, column 1: found "}", wanted a property name in double quotes (hint: no comma after the last entry)',
  },
  {
    name: "a comma after the last entry of an array",
    text: "[1, 2, ]",
    says: 'Broken JSON at line 1, column 8: found "]", wanted a value (hint: no comma after the last entry)',
  },
  {
    name: "a missing comma",
    text: '{"a": 1\n "b": 2}',
    says: 'Broken JSON at line 2, column 2: found "\\"", wanted "," or "}" (hint: a comma is missing before it)',
  },
  {
    name: "a missing colon",
    text: '{"a" 1}',
    says: 'Broken JSON at line 1, column 6: found "1", wanted ":" after the property name',
  },
  {
    name: "an octal number",
    text: '{"umask": 022}',
    says: 'Broken JSON at line 1, column 11: found "022", wanted a value (hint: JSON has no octal numbers: write 18)',
  },
  {
    name: "a comment",
    text: '{\n  // root\n  "a": 1}',
    says: 'Broken JSON at line 2, column 3: found "/", wanted a property name in double quotes or "}" (hint: JSON has no comments)',
  },
  {
    name: "single quotes",
    text: "{'a': 1}",
    says: 'Broken JSON at line 1, column 2: found "\'", wanted a property name in double quotes or "}" (hint: JSON wants double quotes)',
  },
  {
    name: "Python's constants",
    text: '{"a": True}',
    says: 'Broken JSON at line 1, column 7: found "True", wanted a value (hint: JSON writes true, false and null)',
  },
  {
    name: "a byte order mark",
    text: "\uFEFF{}",
    says: 'Broken JSON at line 1, column 1: found "\\ufeff", wanted a value (hint: the text begins with a byte order mark: remove it)',
  },
  {
    name: "a line break in a string",
    text: '{"a": "b\n}',
    says: 'Broken JSON at line 1, column 9: found "\\n", wanted the string to end, or control characters escaped (hint: a double quote is missing on this line)',
  },
  {
    name: "more after the end",
    text: "{} {}",
    says: 'Broken JSON at line 1, column 4: found "{", wanted the end of the text',
  },
  {
    name: "the wrong bracket",
    text: '{"a": [1}',
    says: 'Broken JSON at line 1, column 9: found "}", wanted "," or "]"',
  },
];

for (const { name, text, says } of CASES) {
  test(`${name} is located and explained`, () => {
    const problems = refusals(() => parseConfig(text, "config.json"));
    assert.equal(problems.map(problemText), [says]);
  });
}

test("a text cut anywhere is refused at its end", () => {
  const whole = configText({ a: [1, -2.5e3, true, null, "x\\n\u00e9", { "": [[], {}] }] });
  for (let length = 0; length < whole.length; length++) {
    const [problem] = refusals(() => parseJson(whole.slice(0, length), "config.json"));
    assert.match(problem?.message ?? "", /^Broken JSON at line 1, column \d+: found /);
  }
});

test("a text with any character exchanged is located whenever it is refused", () => {
  const whole = configText({ a: [1, -2.5e3, true, null, "x\\n", { b: [[], {}] }] });
  let count = 0;
  for (let offset = 0; offset < whole.length; offset++) {
    for (const char of '{}[]",:0e.-x\\ \n\0') {
      const text = whole.slice(0, offset) + char + whole.slice(offset + 1);
      if (isJson(text)) continue;
      const [problem] = refusals(() => parseJson(text, "config.json"));
      const column = Number(/column (\d+)/.exec(problem?.message ?? "")?.[1]);
      assert.ok(column >= 1 && column <= text.length + 1, problem?.message);
      count++;
    }
  }
  assert.ok(count > 900, `${count} texts`);
});

test("JSON that is nested too deeply is refused", () => {
  const text = `{"unheard": ${"[".repeat(100000)}${"]".repeat(100000)}}`;
  assert.equal(refusals(() => parseConfig(text, "config.json")).map(problemText), [
    "found JSON that is nested too deeply",
  ]);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

test.run();
