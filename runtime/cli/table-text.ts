// A table in columns, laid out as Go's tabwriter does it for runc: scripts cut it by its columns.

const MIN_WIDTH = 12;
const PADDING = 3;

/**
 * Rows as lines, every column but the last padded to its widest cell and 3 spaces, at least 12.
 * @param rows cells by row; the first row is the header
 */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? MIN_WIDTH, lengthOf(cell) + PADDING);
    });
  }
  return rows.map((row) => lineOf(row, widths)).join("\n");
}

function lineOf(row: readonly string[], widths: readonly number[]): string {
  const last = row.length - 1;
  return row
    .map((cell, column) =>
      column === last ? cell : cell + " ".repeat((widths[column] ?? 0) - lengthOf(cell)),
    )
    .join("");
}

function lengthOf(cell: string): number {
  return [...cell].length;
}
