/** Writes a table for people, like DuckDB's: names, types, the first and the last rows, and the number of rows. */
import type { ResultColumn, Row } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { visible } from '../text/escape.ts';
import { plainText } from '../text/value.ts';
import { displayWidth, fitWidth, padWidth } from '../text/width.ts';
import { isNumeric } from './columns.ts';
import { type ColumnSlot, fitColumns } from './fit-columns.ts';
import type { FormatSettings, ResultWriter } from './writer.ts';

/** The number of rows shown without `--all`: half of them from the start, half from the end. */
export const SHOWN_ROWS = 40;
const TYPE_MAX_WIDTH = 24;

type Paint = (text: string) => string;
type Align = 'left' | 'right' | 'center';

/** One line of a table: the texts of its cells, and how they are shown. */
export interface TableLine {
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
  const rows = new ShownRows(settings.all ? Number.POSITIVE_INFINITY : SHOWN_ROWS / 2);
  return {
    row(row) {
      rows.add(row);
      return undefined;
    },
    end: () => sink.write(tableText(columns, rows, settings)),
  };
}

/** The first and the last rows of a result: at most `first` and `last` of them. */
export class ShownRows {
  readonly head: Row[] = [];
  readonly #first: number;
  readonly #last: number;
  /** A ring buffer: its oldest row is where the next row would go. */
  readonly #tail: Row[] = [];
  #count = 0;

  constructor(first: number, last = first) {
    this.#first = first;
    this.#last = last;
  }

  /** The number of all rows. */
  get count(): number {
    return this.#count;
  }

  /** The last rows, without those of `head`. */
  get tail(): readonly Row[] {
    const past = this.#count - this.#first;
    const oldest = past > this.#last ? past % this.#last : 0;
    return [...this.#tail.slice(oldest), ...this.#tail.slice(0, oldest)];
  }

  add(row: Row): void {
    if (this.#count < this.#first) this.head.push(row);
    else this.#tail[(this.#count - this.#first) % this.#last] = row;
    this.#count++;
  }
}

/** Returns a whole table. */
export function tableText(
  columns: readonly ResultColumn[],
  rows: ShownRows,
  settings: FormatSettings,
): string {
  const table = new Table(columns, settings);
  const head = rows.head.map((row) => table.lineOf(row));
  const tail = rows.tail.map((row) => table.lineOf(row));
  table.fit([...head, ...tail]);
  const shown = head.length + tail.length;
  const dots = shown < rows.count ? table.dots() : [];
  const lines = [...head, ...dots, ...tail].map((line) => table.text(line));
  return [table.top(), ...lines, table.bottom(rows.count, shown)].join('');
}

/** The lines of one table. `fit` decides how wide its columns are. */
export class Table {
  readonly #columns: readonly ResultColumn[];
  readonly #settings: FormatSettings;
  readonly #aligns: readonly Align[];
  readonly #titles: readonly [names: TableLine, types: TableLine];
  #slots: readonly ColumnSlot[] = [];

  constructor(columns: readonly ResultColumn[], settings: FormatSettings) {
    const { dim } = settings;
    this.#columns = columns;
    this.#settings = settings;
    this.#aligns = columns.map(({ type }) => (isNumeric(type) ? 'right' : 'left'));
    const titles = (cells: string[], paint: Paint | undefined): TableLine => ({
      cells,
      aligns: columns.map(() => 'center'),
      paints: columns.map(() => paint),
    });
    const types = columns.map(({ type }) => fitWidth(visible(type.toLowerCase()), TYPE_MAX_WIDTH));
    this.#titles = [
      titles(
        columns.map(({ name }) => visible(name)),
        undefined,
      ),
      titles(types, dim),
    ];
  }

  /** Returns the line of a row. */
  lineOf(row: Row): TableLine {
    const isNull = this.#columns.map(({ name }) => row[name] == null);
    return {
      cells: this.#columns.map(({ name }, index) =>
        isNull[index] ? 'NULL' : visible(plainText(row[name])),
      ),
      aligns: this.#aligns,
      paints: isNull.map((isDim) => (isDim ? this.#settings.dim : undefined)),
    };
  }

  /** Returns the lines that stand for the rows that are left out. */
  dots(): readonly TableLine[] {
    const cells = this.#columns.map(() => '·');
    const paints = this.#columns.map(() => this.#settings.dim);
    return Array<TableLine>(3).fill({ cells, aligns: this.#aligns, paints });
  }

  /** Fits the columns to the lines. Each column gets up to `room` cells more, for rows that come later. */
  fit(lines: readonly TableLine[], room = 0): void {
    const wanted = this.#columns.map((_, column) => {
      const widths = [...this.#titles, ...lines].map(({ cells }) => displayWidth(cells[column]!));
      return widths.reduce((most, width) => Math.max(most, width), 1) + room;
    });
    this.#slots = fitColumns(wanted, this.#settings.columns);
  }

  /** Returns the border above, the names and the types. */
  top(): string {
    const titles = this.#titles.map((line) => this.text(line)).join('');
    return `${this.#rule('┌', '┬', '┐')}${titles}${this.#rule('├', '┼', '┤')}`;
  }

  /** Returns the text of a line. */
  text(line: TableLine): string {
    const { dim } = this.#settings;
    return `│ ${this.#slots.map((slot) => cellText(line, slot, dim)).join(' │ ')} │\n`;
  }

  /** Returns the border below and the number of rows. */
  bottom(count: number, shown: number): string {
    const columns = this.#slots.filter(({ column }) => column >= 0).length;
    return `${this.#rule('└', '┴', '┘')}${footer(count, shown, this.#columns.length, columns)}\n`;
  }

  #rule(left: string, middle: string, right: string): string {
    return `${left}${this.#slots.map(({ width }) => '─'.repeat(width + 2)).join(middle)}${right}\n`;
  }
}

function cellText(row: TableLine, slot: ColumnSlot, dim: Paint): string {
  if (slot.column < 0) return dim('…');
  const fitted = fitWidth(row.cells[slot.column]!, slot.width);
  const padded = padWidth(fitted, slot.width, row.aligns[slot.column]!);
  return row.paints[slot.column]?.(padded) ?? padded;
}

function footer(count: number, shown: number, columns: number, columnsShown: number): string {
  const rows = `${count} ${count === 1 ? 'row' : 'rows'}${shown < count ? ` (${shown} shown)` : ''}`;
  return columnsShown < columns ? `${rows}, ${columns} columns (${columnsShown} shown)` : rows;
}
