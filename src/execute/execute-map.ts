/** Executes a MAP plan: read the query, run the cascade over its distinct inputs, give the rows. */

import type { MapPlan } from '../plan/plan.ts';
import { typedValue } from '../plan/typed-value.ts';
import type { ResultColumn, Row, ValueForm } from '../result.ts';
import { reasonOf } from '../util/statement-signal.ts';
import { AdvisoryTally } from './advisories.ts';
import { executeRuns } from './execute-runs.ts';
import { HeldRows, mayBeHeld } from './held-rows.ts';
import { addedColumns, type MapRows, type RowRange } from './map-rows.ts';
import { StagedRows } from './staged-rows.ts';
import type { StatementWithCascade } from './statement.ts';
import { Window } from './window.ts';

/** A MAP on its way. `prepare`, then `run`, then `writeTarget` or `rows`; `close` drops what it made, whatever happened. */
export class MapExecution {
  /** What advisory wards refused so far. */
  readonly advisories = new AdvisoryTally();
  readonly #plan: MapPlan;
  readonly #statement: StatementWithCascade;
  readonly #isStreamed: boolean;
  readonly #window: Window;
  #rows!: MapRows;
  #storedRuns = 0;
  #onStored: () => void = () => {};
  #ended = false;

  /**
   * Reads the query and finds its distinct inputs; few rows are held in memory, all others in temp tables. No cascade
   * runs yet. `growing`: rows are read while it runs.
   */
  static async prepare(
    plan: MapPlan,
    statement: StatementWithCascade,
    { growing }: { readonly growing: boolean },
  ): Promise<MapExecution> {
    if (statement.boundModels !== undefined) {
      // While the query is read, the workers start and connect.
      statement.dispatcher.warm(
        Object.values(statement.boundModels.settings.targets),
        plan.parallel,
      );
    }
    const execution = new MapExecution(plan, statement, growing);
    const onStored = (runs: number) => execution.#grow(runs);
    const window = execution.#window;
    const rows = mayBeHeld(plan)
      ? await HeldRows.read(plan, statement, onStored)
      : await StagedRows.read(plan, statement, { growing, window, onStored });
    execution.#rows = rows;
    // Beside those of MAPs that stand in the same statement.
    const { rows: before, runs } = statement.ledger.figures;
    statement.ledger.note({
      t: 'statement.read',
      rows: before.in + rows.rowCount,
      runs: runs + rows.runCount,
      deduped: before.deduped + rows.dropped,
    });
    return execution;
  }

  private constructor(plan: MapPlan, statement: StatementWithCascade, isStreamed: boolean) {
    this.#plan = plan;
    this.#statement = statement;
    this.#isStreamed = isStreamed;
    this.#window = new Window(plan.parallel);
  }

  /** The default limit cut rows off. */
  get cut(): boolean {
    return this.#rows.cut;
  }

  /** The result's columns: the query's, then the cascade's value, then the failure if asked for. */
  get columns(): readonly ResultColumn[] {
    return [...this.#rows.columns, ...addedColumns(this.#plan)];
  }

  /** Rows of the query: those that `rows` counts its ranges by. */
  get rowsRead(): number {
    return this.#rows.rowCount;
  }

  /** Runs the cascade to the end of the inputs; throws what stopped it. */
  async run(): Promise<void> {
    const { stop } = this.#statement;
    const { strategy, timeoutMs, parallel, onError, calls, fields } = this.#plan;
    await executeRuns(this.#statement, {
      settings: { kind: 'map', timeoutMs, keepOutputs: false },
      calls,
      inputs: this.#rows,
      strategy,
      parallel,
      failFast: onError.kind === 'fail',
      window: this.#window,
      sink: this.#rows,
      advisories: this.advisories,
      ...(fields === undefined ? {} : { convert: (value: string) => typedValue(fields, value) }),
    });
    await this.#rows.finish();
    await this.#rows.check();
    this.#ended = true;
    this.#onStored();
    if (stop.signal.aborted) throw reasonOf(stop.signal);
  }

  /** Rows of the result in order, or some of them. Throws RVB_SQL where runs that were stored are gone. */
  async rows(form: ValueForm, range?: RowRange): Promise<readonly Row[]> {
    if (range !== undefined) await this.#rows.check();
    return this.#rows.rows(form, range);
  }

  /** Puts the result where the plan says, and gives the number of its rows; undefined where it goes to the caller alone. */
  writeTarget(): Promise<number> | undefined {
    return this.#rows instanceof StagedRows ? this.#rows.writeTarget() : undefined;
  }

  /**
   * Ranges of rows in order as they become known, while `run` goes on. Asking for the next range
   * means that the one before was consumed; only then may the lanes run further ahead.
   */
  async *knownRanges(): AsyncGenerator<RowRange> {
    const { signal } = this.#statement.stop;
    let from = 0;
    let released = 0;
    while (from < this.#rows.rowCount) {
      const grown = new Promise<void>((resolve) => {
        this.#onStored = resolve;
      });
      const known = this.#storedRuns;
      const to = await this.#rows.rowsKnown(known);
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

  close(): Promise<void> {
    return this.#rows.close();
  }

  #grow(storedRuns: number): void {
    if (!this.#isStreamed) this.#window.release(storedRuns - this.#storedRuns);
    this.#storedRuns = storedRuns;
    this.#onStored();
  }
}
