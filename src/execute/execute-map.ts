/** Executes a MAP plan: stage the query, run the cascade over its distinct inputs, select the result. */
import { quoteIdentifier } from '../duck/quote.ts';
import { dropStage, type StagedQuery, stageQuery } from '../duck/stage.ts';
import { type StagedRuns, stageRuns } from '../duck/stage-runs.ts';
import { ERROR_TYPE, type MapPlan } from '../plan/plan.ts';
import type { ResultColumn } from '../result.ts';
import { reasonOf } from '../util/statement-signal.ts';
import { AdvisoryTally } from './advisories.ts';
import { executeRuns } from './execute-runs.ts';
import { type ResultTables, type RowRange, resultSelect } from './result-select.ts';
import { RunStore } from './run-store.ts';
import { StagedInputs } from './staged-inputs.ts';
import type { StatementWithCascade } from './statement.ts';
import { Window } from './window.ts';

/** Settled runs are written after this at the latest, or when a quarter of the window waits: one write takes 3 ms, however few runs it holds. */
const STORE_FLUSH_MS = 1_000;
/** A result that is read while it grows is written after this at the latest. */
const STREAM_FLUSH_MS = 15;

/** A MAP on its way. `prepare`, then `run`, then `select`; `close` drops what it made, whatever happened. */
export class MapExecution {
  /** What advisory wards refused so far. */
  readonly advisories = new AdvisoryTally();
  readonly #plan: MapPlan;
  readonly #statement: StatementWithCascade;
  readonly #stage: StagedQuery;
  readonly #runs: StagedRuns;
  readonly #inputs: StagedInputs;
  readonly #window: Window;
  readonly #store: RunStore;
  #storedRuns = 0;
  #onStored: () => void = () => {};
  #ended = false;

  /** Reads the query into a temp table and finds its distinct inputs. No cascade runs yet. */
  static async prepare(
    plan: MapPlan,
    statement: StatementWithCascade,
    options: { readonly growing: boolean },
  ): Promise<MapExecution> {
    const { signal } = statement.stop;
    if (statement.boundModels !== undefined) {
      // While the query is read, the workers start and connect.
      statement.dispatcher.warm(
        Object.values(statement.boundModels.settings.targets),
        plan.parallel,
      );
    }
    const stage = await stageMap(plan, statement);
    let runs: StagedRuns | undefined;
    try {
      runs = await stageRuns(statement.session, stage, {
        keyColumns: plan.inputs.map(({ column }) => column),
        dedupe: plan.dedupe,
        signal,
      });
      const window = new Window(plan.parallel);
      let execution: MapExecution | undefined;
      const store = await RunStore.create(statement.session, {
        id: statement.id,
        flushAfterPieces: window.maxChunks / 4,
        flushAfterMs: options.growing ? STREAM_FLUSH_MS : STORE_FLUSH_MS,
        onStored: (storedRuns) => {
          if (execution !== undefined) execution.#grow(storedRuns, options.growing);
        },
        onError: (error) => statement.stop.fail(error),
      });
      execution = new MapExecution(plan, statement, { stage, runs, window, store });
      statement.ledger.note({
        t: 'statement.read',
        rows: stage.rowCount,
        runs: runs.runCount,
        deduped: stage.dropped,
      });
      return execution;
    } catch (thrown) {
      await runs?.drop();
      await dropStage(statement.session, stage);
      throw thrown;
    }
  }

  private constructor(
    plan: MapPlan,
    statement: StatementWithCascade,
    parts: { stage: StagedQuery; runs: StagedRuns; window: Window; store: RunStore },
  ) {
    this.#plan = plan;
    this.#statement = statement;
    this.#stage = parts.stage;
    this.#runs = parts.runs;
    this.#window = parts.window;
    this.#store = parts.store;
    this.#inputs = new StagedInputs(
      statement.session,
      parts.stage,
      parts.runs,
      plan.inputs,
      statement.stop.signal,
    );
  }

  get rowCount(): number {
    return this.#stage.rowCount;
  }

  /** The default limit cut rows off. */
  get cut(): boolean {
    return this.#stage.cut;
  }

  /** The result's columns: the query's, then the cascade's value, then the failure if asked for. */
  get columns(): readonly ResultColumn[] {
    const { resultColumn, errorColumn } = this.#plan;
    return [
      ...this.#stage.columns.map(({ name, type }) => ({ name, type })),
      { name: resultColumn, type: 'VARCHAR' },
      ...(errorColumn === undefined ? [] : [{ name: errorColumn, type: ERROR_TYPE }]),
    ];
  }

  /** Runs the cascade to the end of the inputs; throws what stopped it. */
  async run(): Promise<void> {
    const { stop } = this.#statement;
    const { timeoutMs, parallel, onError, calls } = this.#plan;
    await executeRuns(this.#statement, {
      settings: { kind: 'map', timeoutMs, keepOutputs: false },
      calls,
      inputs: this.#inputs,
      parallel,
      failFast: onError.kind === 'fail',
      window: this.#window,
      sink: this.#store,
      advisories: this.advisories,
    });
    await this.#store.finish();
    await this.checkStored();
    this.#ended = true;
    this.#onStored();
    if (stop.signal.aborted) throw reasonOf(stop.signal);
  }

  /** Throws RVB_SQL where runs that were stored are gone: what `select` gives would lack them. */
  checkStored(): Promise<void> {
    return this.#store.check();
  }

  /** SQL of the result, or of some rows of it, in row order. */
  select(range?: RowRange): string {
    return this.#select({ intoTable: false, ...(range === undefined ? {} : { range }) });
  }

  /** Rows of the result: those read, less those that are left out of it. */
  async countRows(): Promise<number> {
    const { onError } = this.#plan;
    const leavesOut = onError.kind === 'skip' && this.#store.failedRuns > 0;
    if (!leavesOut && this.#statement.stop.drained === undefined) return this.rowCount;
    const counted = await this.#statement.session.run(
      `SELECT count(*) AS n FROM (${this.#select({ intoTable: false })})`,
      { signal: this.#statement.stop.signal },
    );
    return Number((await counted.rows('json'))[0]!['n']);
  }

  /** SQL that puts the result where the plan says; undefined where it goes to the caller alone. */
  get targetSql(): string | undefined {
    const { target } = this.#plan;
    const head =
      target.kind === 'create'
        ? target.create
        : target.kind === 'insert'
          ? target.insert
          : target.asTable === undefined
            ? undefined
            : `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(target.asTable)} AS`;
    return head === undefined ? undefined : `${head}\n${this.#select({ intoTable: true })}`;
  }

  #select(options: Pick<ResultTables, 'intoTable' | 'range'>): string {
    return resultSelect({
      plan: this.#plan,
      stage: this.#stage,
      mapTable: this.#runs.mapTable,
      valuesTable: this.#store.valuesTable,
      failuresTable: this.#store.failedRuns === 0 ? undefined : this.#store.failuresTable,
      complete: this.#statement.stop.drained === undefined,
      ...options,
    });
  }

  /**
   * Ranges of rows in order as they become known, while `run` goes on. Asking for the next range
   * means that the one before was consumed; only then may the lanes run further ahead.
   */
  async *knownRanges(): AsyncGenerator<RowRange> {
    const { signal } = this.#statement.stop;
    let from = 0;
    let released = 0;
    while (from < this.rowCount) {
      const grown = new Promise<void>((resolve) => {
        this.#onStored = resolve;
      });
      const known = this.#storedRuns;
      const to = await this.#inputs.rowsKnown(known);
      if (to > from) {
        yield { from, to };
        from = to;
        this.#window.release(known - released);
        released = known;
      } else {
        if (signal.aborted) throw reasonOf(signal);
        // A statement that ends early leaves the last rows without a value.
        if (this.#ended && known === this.#storedRuns) return;
        await grown;
      }
    }
  }

  /** Wakes a reader of `knownRanges` that waits for rows which will not come. */
  giveUp(): void {
    this.#onStored();
  }

  async close(): Promise<void> {
    await this.#store.drop();
    await this.#runs.drop();
    await dropStage(this.#statement.session, this.#stage);
  }

  #grow(storedRuns: number, growing: boolean): void {
    if (!growing) this.#window.release(storedRuns - this.#storedRuns);
    this.#storedRuns = storedRuns;
    this.#onStored();
  }
}

/** Reads the plan's query into a temp table, in row order, distinct rows first, then the limit. */
export function stageMap(plan: MapPlan, statement: StatementWithCascade): Promise<StagedQuery> {
  return stageQuery(statement.session, plan.query, {
    limit: plan.limit.rows ?? undefined,
    parameters: statement.parameters,
    distinct: plan.distinct,
    signal: statement.stop.signal,
  });
}
