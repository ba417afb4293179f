/** Keeps the rows and values of a MAP in temp tables of its session: for many rows, or for a result that goes into a table. */
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import { dropStage, type StagedQuery } from '../duck/stage.ts';
import { type StagedRuns, stageRuns } from '../duck/stage-runs.ts';
import type { MapPlan, MapTarget } from '../plan/plan.ts';
import type { ResultColumn, Row, ValueForm } from '../result.ts';
import type { Chunk, Piece } from './chunk.ts';
import { type MapRows, type OnStored, type RowRange, stageMap } from './map-rows.ts';
import { type ResultTables, resultSelect } from './result-select.ts';
import { RunStore } from './run-store.ts';
import { StagedInputs } from './staged-inputs.ts';
import type { StatementWithCascade } from './statement.ts';
import type { Window } from './window.ts';

/**
 * Settled runs are written after this time at the latest, or when the waiting pieces are a quarter of the window's
 * chunks. They are written together because one write takes 3 ms, however few runs it holds.
 */
const STORE_FLUSH_MS = 1_000;
/** If the result is read while it grows, settled runs are written after this time at the latest. */
const STREAM_FLUSH_MS = 15;

interface StagedRowsOptions {
  readonly growing: boolean;
  readonly window: Window;
  readonly onStored: OnStored;
}

/** Returns the SQL before the query that writes its rows to a table; undefined if the rows only go to the caller. */
export function writingHead(target: MapTarget): string | undefined {
  switch (target.kind) {
    case 'create':
      return target.create;
    case 'insert':
      return target.insert;
    case 'stage':
      return `CREATE TEMP TABLE ${quoteIdentifier(target.table)} AS`;
    case 'rows':
      return target.asTable === undefined
        ? undefined
        : `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(target.asTable)} AS`;
  }
}

/** Returns the SQL that writes the rows of a query to a table. `head` is that of the target. */
export function writingSql(target: MapTarget, head: string, query: string): string {
  const mark = target.kind === 'create' ? target.mark : undefined;
  const write = `${head}\n${query}`;
  if (mark === undefined) return write;
  return `BEGIN;\n${write};\nCOMMENT ON TABLE ${mark.table} IS ${quoteLiteral(mark.comment)};\nCOMMIT`;
}

export class StagedRows implements MapRows {
  readonly #plan: MapPlan;
  readonly #statement: StatementWithCascade;
  readonly #stage: StagedQuery;
  readonly #runs: StagedRuns;
  readonly #inputs: StagedInputs;
  readonly #store: RunStore;

  /** Reads the query into a temp table and finds its distinct inputs. */
  static async read(
    plan: MapPlan,
    statement: StatementWithCascade,
    { growing, window, onStored }: StagedRowsOptions,
  ): Promise<StagedRows> {
    const { session, stop } = statement;
    const stage = await stageMap(plan, statement);
    let runs: StagedRuns | undefined;
    try {
      runs = await stageRuns(session, stage, {
        keyColumns: plan.inputs.map(({ column }) => column),
        dedupe: plan.dedupe,
        signal: stop.signal,
      });
      const store = await RunStore.create(session, {
        id: statement.id,
        flushAfterPieces: window.maxChunks / 4,
        flushAfterMs: growing ? STREAM_FLUSH_MS : STORE_FLUSH_MS,
        onStored,
        onError: (error) => stop.fail(error),
      });
      return new StagedRows(plan, statement, { stage, runs, store });
    } catch (thrown) {
      await runs?.drop();
      await dropStage(session, stage);
      throw thrown;
    }
  }

  private constructor(
    plan: MapPlan,
    statement: StatementWithCascade,
    { stage, runs, store }: { stage: StagedQuery; runs: StagedRuns; store: RunStore },
  ) {
    this.#plan = plan;
    this.#statement = statement;
    this.#stage = stage;
    this.#runs = runs;
    this.#store = store;
    const { session, stop } = statement;
    this.#inputs = new StagedInputs(session, stage, runs, plan.inputs, stop.signal);
  }

  get columns(): readonly ResultColumn[] {
    return this.#stage.columns.map(({ name, type }) => ({ name, type }));
  }

  get rowCount(): number {
    return this.#stage.rowCount;
  }

  get cut(): boolean {
    return this.#stage.cut;
  }

  get dropped(): number {
    return this.#stage.dropped;
  }

  get runCount(): number {
    return this.#inputs.runCount;
  }

  read(firstRun: number, count: number): Promise<Omit<Chunk, 'firstOrdinal' | 'rowCount'>> {
    return this.#inputs.read(firstRun, count);
  }

  rowsOf(run: number, max: number): Promise<readonly number[]> {
    return this.#inputs.rowsOf(run, max);
  }

  rowsKnown(settledRuns: number): Promise<number> {
    return this.#inputs.rowsKnown(settledRuns);
  }

  write(pieces: readonly Piece[]): void {
    this.#store.write(pieces);
  }

  finish(): Promise<void> {
    return this.#store.finish();
  }

  check(): Promise<void> {
    return this.#store.check();
  }

  async rows(form: ValueForm, range?: RowRange): Promise<readonly Row[]> {
    const sql = this.#select({ intoTable: false, ...(range === undefined ? {} : { range }) });
    return (await this.#run(sql)).rows(form);
  }

  /** Writes the result to the plan's table and returns the number of its rows; undefined if the rows only go to the caller. */
  writeTarget(): Promise<number> | undefined {
    const { target } = this.#plan;
    const head = writingHead(target);
    return head === undefined ? undefined : this.#writeTo(head);
  }

  async close(): Promise<void> {
    await this.#store.drop();
    await this.#runs.drop();
    await dropStage(this.#statement.session, this.#stage);
  }

  async #writeTo(head: string): Promise<number> {
    const query = this.#select({ intoTable: true });
    const written = await this.#run(writingSql(this.#plan.target, head, query));
    return written.changes ?? (await this.#countRows());
  }

  /** Returns the number of the result's rows: the rows read, without those that the result leaves out. */
  async #countRows(): Promise<number> {
    const { onError } = this.#plan;
    const leavesOut = onError.kind === 'skip' && this.#store.failedRuns > 0;
    if (!leavesOut && this.#isComplete) return this.rowCount;
    const counted = await this.#run(
      `SELECT count(*) AS n FROM (${this.#select({ intoTable: false })})`,
    );
    return Number((await counted.rows('json'))[0]!['n']);
  }

  get #isComplete(): boolean {
    return this.#statement.stop.drained === undefined;
  }

  #run(sql: string) {
    const { session, stop } = this.#statement;
    return session.run(sql, { signal: stop.signal });
  }

  #select(options: Pick<ResultTables, 'intoTable' | 'range'>): string {
    return resultSelect({
      plan: this.#plan,
      stage: this.#stage,
      mapTable: this.#runs.mapTable,
      valuesTable: this.#store.valuesTable,
      failuresTable: this.#store.failedRuns === 0 ? undefined : this.#store.failuresTable,
      complete: this.#isComplete,
      ...options,
    });
  }
}
