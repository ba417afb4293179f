/** Holds a MAP over few rows in memory. Its query runs once, and nothing is written to DuckDB. */
import { objectOf } from '../duck/plain-object.ts';
import type { ResultReader } from '../duck/reader.ts';
import { storableType } from '../duck/stage.ts';
import type { MapPlan } from '../plan/plan.ts';
import type { ResultColumn, Row, ValueForm } from '../result.ts';
import { findColumn } from '../util/find-column.ts';
import type { Json } from '../util/json.ts';
import type { Chunk, Piece, RunFailure } from './chunk.ts';
import { addedColumns, type MapRows, type OnStored, type RowRange } from './map-rows.ts';
import type { StatementWithCascade } from './statement.ts';

/** The most rows that are kept in memory. */
const HELD_MAX_ROWS = 2_048;

/** Stands for -0 in keys, because JSON writes -0 as 0. */
const NEGATIVE_ZERO = { '\0negative zero': 0 };

/**
 * Whether a plan's rows are surely few, and go to the caller unchanged: into no table, with no DISTINCT and no typed
 * columns.
 */
export function mayBeHeld({ limit, target, distinct, fields }: MapPlan): boolean {
  const most = limit.rows ?? limit.ofQuery ?? Number.POSITIVE_INFINITY;
  return (
    most <= HELD_MAX_ROWS &&
    target.kind === 'rows' &&
    target.asTable === undefined &&
    distinct === undefined &&
    // DuckDB casts typed columns.
    fields === undefined
  );
}

export class HeldRows implements MapRows {
  readonly columns: readonly ResultColumn[];
  readonly rowCount: number;
  readonly cut: boolean;
  readonly dropped = 0;
  readonly #plan: MapPlan;
  readonly #reader: ResultReader;
  readonly #isComplete: () => boolean;
  readonly #onStored: OnStored;
  /** Each input's values in all rows, by the input's name. */
  readonly #inputs: Readonly<Record<string, readonly Json[]>>;
  /** The run of each row, and the rows of each run. */
  readonly #runOfRow: readonly number[];
  readonly #rowsOfRun: readonly (readonly number[])[];
  readonly #values = new Map<number, string | null>();
  readonly #failures = new Map<number, RunFailure>();
  #queried: Promise<readonly (readonly unknown[])[]> | undefined;

  /** Runs the query. */
  static async read(
    plan: MapPlan,
    statement: StatementWithCascade,
    onStored: OnStored,
  ): Promise<HeldRows> {
    const { session, parameters, stop } = statement;
    const { rows: limit } = plan.limit;
    const tail = limit === null ? '' : ` LIMIT ${limit + 1}`;
    const reader = await session.run(`SELECT * FROM (\n${plan.query}\n)${tail}`, {
      parameters,
      signal: stop.signal,
      linesBefore: 1,
    });
    const rowCount = Math.min(reader.rowCount, limit ?? Number.POSITIVE_INFINITY);
    const inputs: Record<string, readonly Json[]> = Object.create(null);
    for (const { input, column } of plan.inputs) {
      const index = reader.columns.indexOf(findColumn(reader.columns, column)!);
      inputs[input] = ((await reader.column(index, 'json')) as Json[]).slice(0, rowCount);
    }
    return new HeldRows(plan, reader, { rowCount, inputs, onStored, statement });
  }

  private constructor(
    plan: MapPlan,
    reader: ResultReader,
    parts: {
      readonly rowCount: number;
      readonly inputs: Readonly<Record<string, readonly Json[]>>;
      readonly onStored: OnStored;
      readonly statement: StatementWithCascade;
    },
  ) {
    this.#plan = plan;
    this.#reader = reader;
    this.columns = reader.columns.map((column) => ({
      name: column.name,
      type: storableType(column),
    }));
    this.rowCount = parts.rowCount;
    this.cut = parts.rowCount < reader.rowCount;
    this.#inputs = parts.inputs;
    this.#onStored = parts.onStored;
    this.#isComplete = () => parts.statement.stop.drained === undefined;
    const runs = plan.dedupe ? equalRows(Object.values(parts.inputs), parts.rowCount) : undefined;
    const each = Array.from({ length: parts.rowCount }, (_, row) => row);
    this.#runOfRow = runs?.runOfRow ?? each;
    this.#rowsOfRun = runs?.rowsOfRun ?? each.map((row) => [row]);
  }

  get runCount(): number {
    return this.#rowsOfRun.length;
  }

  async read(firstRun: number, count: number): Promise<Omit<Chunk, 'firstOrdinal' | 'rowCount'>> {
    const runs = this.#rowsOfRun.slice(firstRun, firstRun + count);
    const columns: Record<string, readonly Json[]> = {};
    for (const [name, values] of Object.entries(this.#inputs)) {
      Object.defineProperty(columns, name, {
        value: runs.map(([row]) => values[row!]!),
        enumerable: true,
      });
    }
    const areSingle = this.runCount === this.rowCount;
    return areSingle ? { columns } : { columns, weights: runs.map((rows) => rows.length) };
  }

  async rowsOf(run: number, max: number): Promise<readonly number[]> {
    return this.#rowsOfRun[run]!.slice(0, max);
  }

  async rowsKnown(settledRuns: number): Promise<number> {
    // Runs are numbered in the order of their first rows.
    return this.#rowsOfRun[settledRuns]?.[0] ?? this.rowCount;
  }

  write(pieces: readonly Piece[]): void {
    for (const { firstOrdinal, values, failures, notRun = [] } of pieces) {
      const left = new Set(notRun);
      values.forEach((value, index) => {
        if (!left.has(index)) this.#values.set(firstOrdinal + index, value);
      });
      for (const failure of failures) this.#failures.set(firstOrdinal + failure.index, failure);
    }
    const last = pieces.at(-1);
    if (last !== undefined) this.#onStored(last.firstOrdinal + last.values.length);
  }

  async finish(): Promise<void> {}
  async check(): Promise<void> {}
  async close(): Promise<void> {}

  async rows(form: ValueForm, range?: RowRange): Promise<readonly Row[]> {
    this.#queried ??= this.#reader.allColumns(form);
    const queried = await this.#queried;
    const names = [...this.columns, ...addedColumns(this.#plan)].map(({ name }) => name);
    const { from, to } = range ?? { from: 0, to: this.rowCount };
    const rows: Row[] = [];
    for (let row = from; row < to; row += 1) {
      const added = this.#addedTo(row);
      if (added === undefined) continue;
      rows.push(
        objectOf(names, (index) =>
          index < queried.length ? queried[index]![row] : added[index - queried.length],
        ),
      );
    }
    return rows;
  }

  /**
   * Returns the row's value and failure. Returns undefined for a row that the result leaves out: its run failed under
   * `on_error = 'skip'`, or it was not run.
   */
  #addedTo(row: number): readonly unknown[] | undefined {
    const run = this.#runOfRow[row]!;
    const { onError } = this.#plan;
    const failure = this.#failures.get(run);
    if (failure !== undefined && onError.kind === 'skip') return undefined;
    if (!this.#values.has(run) && !this.#isComplete()) return undefined;
    const value =
      failure !== undefined && onError.kind === 'default'
        ? onError.value
        : (this.#values.get(run) ?? null);
    if (failure === undefined) return [value, null];
    const { code, message, attempts } = failure;
    return [value, { code, message, attempts }];
  }
}

/** Groups rows whose inputs look equal to the cascade into one run. Runs are numbered in the order of their first rows. */
function equalRows(
  inputs: readonly (readonly Json[])[],
  rowCount: number,
): { readonly runOfRow: readonly number[]; readonly rowsOfRun: readonly (readonly number[])[] } {
  const runs = new Map<string, number>();
  const runOfRow: number[] = [];
  const rowsOfRun: number[][] = [];
  for (let row = 0; row < rowCount; row += 1) {
    const key = JSON.stringify(
      inputs.map((values) => values[row]),
      (_, value: unknown) => (Object.is(value, -0) ? NEGATIVE_ZERO : value),
    );
    const known = runs.get(key);
    const run = known ?? rowsOfRun.length;
    if (known === undefined) {
      runs.set(key, run);
      rowsOfRun.push([]);
    }
    runOfRow.push(run);
    rowsOfRun[run]!.push(row);
  }
  return { runOfRow, rowsOfRun };
}
