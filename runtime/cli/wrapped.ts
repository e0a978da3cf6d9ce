// A paragraph with a label in front of it, broken at blanks.

const COLUMNS = 80;

/** @param layout the label of the first line; by how much the others are indented, in columns */
export function wrapped(text: string, layout: { label: string; indent: number }): string {
  const lines: string[] = [];
  let line = layout.label;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ".repeat(layout.indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join("\n");
}
