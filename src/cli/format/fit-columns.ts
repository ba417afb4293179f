/** Decides which columns of a table fit side by side, and how wide each column is. */

/** One slot of a line: the index of its column, or -1 for the gap of columns left out, and its width in cells. */
export interface ColumnSlot {
  readonly column: number;
  readonly width: number;
}

/** A column is not made narrower than this. Columns are left out instead. */
const MIN_WIDTH = 12;

/**
 * Fits columns of the wanted widths into a line of `available` cells (undefined: any length). Narrows the widest
 * columns first. If that is not enough, leaves columns out from the middle.
 */
export function fitColumns(
  wanted: readonly number[],
  available: number | undefined,
): readonly ColumnSlot[] {
  const slots = wanted.map((width, column) => ({ column, width }));
  if (available === undefined) return slots;
  const narrowest = slots.map(({ column, width }) => ({
    column,
    width: Math.min(width, MIN_WIDTH),
  }));
  const middle = Math.ceil(slots.length / 2);
  let left = middle;
  let right = slots.length - middle;
  const kept = () => [...narrowest.slice(0, left), ...narrowest.slice(slots.length - right)];
  const gap = () => (left + right < slots.length ? 1 : 0);
  while (left + right > 1 && lineWidth(kept()) + 4 * gap() > available) {
    if (left > right) left--;
    else right--;
  }
  const columns = kept();
  const spare = available - lineWidth(columns) - 4 * gap();
  widen(columns, wanted, spare);
  if (gap() === 0) return columns;
  return [...columns.slice(0, left), { column: -1, width: 1 }, ...columns.slice(left)];
}

/** Returns the width of a line with its two borders, and with blanks and a rule between columns. */
function lineWidth(slots: readonly ColumnSlot[]): number {
  return slots.reduce((sum, { width }) => sum + width + 3, 1);
}

/** Gives the spare cells, in equal shares, to the columns that want more. */
function widen(
  slots: { column: number; width: number }[],
  wanted: readonly number[],
  spare: number,
): void {
  let hungry = slots.filter(({ column, width }) => width < wanted[column]!);
  while (spare > 0 && hungry.length > 0) {
    const share = Math.max(1, Math.floor(spare / hungry.length));
    for (const slot of hungry) {
      const more = Math.min(share, spare, wanted[slot.column]! - slot.width);
      slot.width += more;
      spare -= more;
    }
    hungry = hungry.filter(({ column, width }) => width < wanted[column]!);
  }
}
