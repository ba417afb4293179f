/** Writes a table for people, like DuckDB's: names, types, the first and the last rows, and the number of rows. */
import type { ResultColumn, Row } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { visible } from '../text/escape.ts';
import { plainText } from '../text/value.ts';
import { displayWidth, fitWidth, padWidth } from '../text/width.ts';
import { isNumeric } from './columns.ts';
import { fitColumns } from './fit-columns.ts';
import type { FormatSettings, ResultWriter } from './writer.ts';

/** The number of rows shown without `--all`: half of them from the start, half from the end. */
export const SHOWN_ROWS = 40;
const TYPE_MAX_WIDTH = 24;

type Paint = (text: string) => string;
type Align = 'left' | 'right' | 'center';

interface Line {
  readonly cells: readonly string[];
  readonly aligns: readonly Align[];
  readonly paints: readonly (Paint | undefined)[];
}

/** Begins a result set that is a table. Rows are kept until the end, because the widths depend on them. */
export function startTable(
  columns: readonly ResultColumn[],
  sink: Sink,
  settings: FormatSettings,
): ResultWriter {
  const half = settings.all ? Number.POSITIVE_INFINITY : SHOWN_ROWS / 2;
  const head: Row[] = [];
  const tail: Row[] = [];
  let count = 0;
  return {
    row(row) {
      if (count < half) head.push(row);
      else tail[(count - half) % half] = row;
      count++;
      return undefined;
    },
    end() {
      // `tail` is a ring buffer: its oldest row is where the next row would go.
      const oldest = count > 2 * half ? (count - half) % half : 0;
      const last = [...tail.slice(oldest), ...tail.slice(0, oldest)];
      const elided = count > head.length + last.length;
      return sink.write(render(columns, head, last, elided, count, settings));
    },
  };
}

function render(
  columns: readonly ResultColumn[],
  head: readonly Row[],
  last: readonly Row[],
  elided: boolean,
  count: number,
  settings: FormatSettings,
): string {
  const { dim } = settings;
  const values: Align[] = columns.map(({ type }) => (isNumeric(type) ? 'right' : 'left'));
  const all = (align: Align): Align[] => columns.map(() => align);
  const dataLine = (row: Row): Line => ({
    cells: columns.map(({ name }) => (row[name] == null ? 'NULL' : visible(plainText(row[name])))),
    aligns: values,
    paints: columns.map(({ name }) => (row[name] == null ? dim : undefined)),
  });
  const names: Line = {
    cells: columns.map(({ name }) => visible(name)),
    aligns: all('center'),
    paints: columns.map(() => undefined),
  };
  const types: Line = {
    cells: columns.map(({ type }) => fitWidth(visible(type.toLowerCase()), TYPE_MAX_WIDTH)),
    aligns: all('center'),
    paints: columns.map(() => dim),
  };
  const dots: Line = {
    cells: columns.map(() => '·'),
    aligns: values,
    paints: columns.map(() => dim),
  };
  const rows = [
    ...head.map(dataLine),
    ...(elided ? [dots, dots, dots] : []),
    ...last.map(dataLine),
  ];
  const wanted = columns.map((_, column) =>
    [names, types, ...rows].reduce(
      (most, { cells }) => Math.max(most, displayWidth(cells[column]!)),
      1,
    ),
  );
  const layout = fitColumns(wanted, settings.columns);
  const line = (row: Line) => `│ ${layout.map((slot) => cellText(row, slot, dim)).join(' │ ')} │`;
  const rule = (left: string, middle: string, right: string) =>
    left + layout.map(({ width }) => '─'.repeat(width + 2)).join(middle) + right;
  const shown = head.length + last.length;
  return [
    rule('┌', '┬', '┐'),
    line(names),
    line(types),
    rule('├', '┼', '┤'),
    ...rows.map(line),
    rule('└', '┴', '┘'),
    footer(count, shown, columns.length, layout.filter(({ column }) => column >= 0).length),
    '',
  ].join('\n');
}

function cellText(row: Line, slot: { column: number; width: number }, dim: Paint): string {
  if (slot.column < 0) return dim('…');
  const fitted = fitWidth(row.cells[slot.column]!, slot.width);
  const padded = padWidth(fitted, slot.width, row.aligns[slot.column]!);
  return row.paints[slot.column]?.(padded) ?? padded;
}

function footer(count: number, shown: number, columns: number, columnsShown: number): string {
  const rows = `${count} ${count === 1 ? 'row' : 'rows'}${shown < count ? ` (${shown} shown)` : ''}`;
  return columnsShown < columns ? `${rows}, ${columns} columns (${columnsShown} shown)` : rows;
}
