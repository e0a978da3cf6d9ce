// Reads tables of numbers by name. They are strings because those are the quickest to load.

/**
 * A look-up in a table, which is read at the first look-up.
 *
 * @param parts Names in the order of their numbers, separated by one space; a number says where
 *   the names after it begin.
 */
export function callTable(...parts: string[]): (name: string) => number | undefined {
  let numbers: Map<string, number> | undefined;
  return (name) => {
    numbers ??= readTable(parts.join(" "));
    return numbers.get(name);
  };
}

function readTable(text: string): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of text.split(" ")) {
    const isNumber = word.charCodeAt(0) <= 0x39;
    if (isNumber) next = Number(word);
    else numbers.set(word, next++);
  }
  return numbers;
}
