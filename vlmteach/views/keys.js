// Where the keyboard leads.

/** A number brought between the first and the last, both included. */
export const between = (value, [first, last]) => Math.min(Math.max(value, first), last);

/** The cell to which an arrow key, Home or End leads from another, or undefined; rows and columns: [first, last]. */
export function moved(key, { row, column }, { rows, columns }) {
  const to = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [row, columns[0]],
    End: [row, columns[1]],
  }[key];
  return to && { row: between(to[0], rows), column: between(to[1], columns) };
}
