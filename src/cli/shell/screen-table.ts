/** Writes a table on a terminal. If a statement takes its time, the first rows are shown before its end. */
import type { ResultColumn, Row } from '../../result.ts';
import { SHOWN_ROWS, ShownRows, Table, tableText } from '../format/table.ts';
import type { FormatSettings, ResultWriter } from '../format/writer.ts';
import type { ScreenSink } from './screen-sink.ts';

/** A statement that has not ended so long after its first row is shown from here on. */
const LIVE_AFTER_MS = 700;
/** The rows that the pager gets: half of them from the start, half from the end. */
const PAGER_ROWS = 10_000;
/** The cells by which a column is made wider than its first rows need, if the terminal has them. */
const ROOM = 12;

/** Begins a result set that is a table on the terminal. */
export function startScreenTable(
  columns: readonly ResultColumn[],
  screen: ScreenSink,
  settings: FormatSettings,
): ResultWriter {
  const half = settings.all ? Number.POSITIVE_INFINITY : SHOWN_ROWS / 2;
  const held = new ShownRows(screen.hasPager ? Math.max(half, PAGER_ROWS / 2) : half);
  let live: LiveTable | undefined;
  let timer: NodeJS.Timeout | undefined;
  const show = () => {
    live = new LiveTable(columns, screen, settings, half, held);
  };
  return {
    row(row) {
      if (live !== undefined) return live.row(row);
      held.add(row);
      timer ??= setTimeout(show, LIVE_AFTER_MS);
      return undefined;
    },
    end() {
      clearTimeout(timer);
      if (live !== undefined) return live.end();
      const width = screen.hasPager ? undefined : settings.columns;
      return screen.write(tableText(columns, held, { ...settings, columns: width }));
    },
    stop() {
      clearTimeout(timer);
      void live?.end();
    },
  };
}

/** A table whose first rows are on the screen while later rows come. */
class LiveTable {
  readonly #screen: ScreenSink;
  readonly #table: Table;
  readonly #half: number;
  readonly #rest: ShownRows;
  #count = 0;

  /** Shows the first rows that have come. */
  constructor(
    columns: readonly ResultColumn[],
    screen: ScreenSink,
    settings: FormatSettings,
    half: number,
    held: ShownRows,
  ) {
    this.#screen = screen;
    this.#table = new Table(columns, settings);
    this.#half = half;
    this.#rest = new ShownRows(0, half);
    const rows = [...held.head, ...held.tail];
    const lines = rows.slice(0, half).map((row) => this.#table.lineOf(row));
    this.#table.fit(lines, ROOM);
    void screen.showNow(this.#table.top());
    for (const row of rows) void this.row(row);
    this.#count = held.count;
  }

  row(row: Row): Promise<void> | undefined {
    if (this.#count++ < this.#half) {
      return this.#screen.showNow(this.#table.text(this.#table.lineOf(row)));
    }
    this.#rest.add(row);
    return undefined;
  }

  end(): Promise<void> {
    const last = this.#rest.tail;
    const shown = Math.min(this.#count, this.#half) + last.length;
    const lines = last.map((row) => this.#table.lineOf(row));
    const dots = shown < this.#count ? this.#table.dots() : [];
    const text = [...dots, ...lines].map((line) => this.#table.text(line)).join('');
    return this.#screen.showNow(text + this.#table.bottom(this.#count, shown));
  }
}
