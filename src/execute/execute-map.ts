/** Executes a MAP plan: reads the query, runs the cascade over its distinct inputs, and returns the rows. */

import { openRuns } from '../calls/call-batches.ts';
import { ORDERED_MAX_RUNS } from '../limits.ts';
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

/** Rows that nobody reads for this long stop the lanes, so that nothing is bought for a reader who has gone away. */
export const UNREAD_MS = 500;

/**
 * A running MAP. Call `prepare`, then `run`, then `writeTarget` or `rows`. Call `close` whatever happened: it drops
 * all that the MAP made.
 */
export class MapExecution {
  /** The refusals of advisory wards so far. */
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
   * Reads the query and finds its distinct inputs. A MAP over few rows is held in memory, any other in temp tables.
   * No cascade runs yet. `growing`: the caller reads rows while the MAP runs.
   */
  static async prepare(
    plan: MapPlan,
    statement: StatementWithCascade,
    { growing }: { readonly growing: boolean },
  ): Promise<MapExecution> {
    if (statement.boundModels !== undefined) {
      // The workers start while the query is read.
      statement.dispatcher.warm(Object.values(statement.boundModels.settings.targets));
    }
    const execution = new MapExecution(plan, statement, growing);
    const onStored = (runs: number) => execution.#grow(runs);
    const window = execution.#window;
    const rows = mayBeHeld(plan)
      ? await HeldRows.read(plan, statement, onStored)
      : await StagedRows.read(plan, statement, { growing, window, onStored });
    execution.#rows = rows;
    // Adds to the rows and runs of other MAPs in the same statement.
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
    const { batch, service } = plan.calls;
    // Runs that wait for batches take the place of lanes, and `executeRuns` bounds them.
    this.#window =
      service === undefined
        ? new Window(openRuns(plan.parallel, batch))
        : new Window(ORDERED_MAX_RUNS, () => Number.POSITIVE_INFINITY);
  }

  /** True if the plan's limit cut rows off. */
  get cut(): boolean {
    return this.#rows.cut;
  }

  /** The result's columns: the query's columns, those of the cascade's value, and the error column if the plan has one. */
  get columns(): readonly ResultColumn[] {
    return [...this.#rows.columns, ...addedColumns(this.#plan)];
  }

  /** The number of the query's rows. The ranges of `rows` refer to these rows. */
  get rowsRead(): number {
    return this.#rows.rowCount;
  }

  /** Runs the cascade over all inputs. Throws the reason if the statement is stopped. */
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

  /** Returns all rows of the result in order, or those of a range. With a range, throws RVB_SQL if stored runs are gone. */
  async rows(form: ValueForm, range?: RowRange): Promise<readonly Row[]> {
    if (range !== undefined) await this.#rows.check();
    return this.#rows.rows(form, range);
  }

  /** Writes the result to the plan's table and returns the number of its rows; undefined if the rows only go to the caller. */
  writeTarget(): Promise<number> | undefined {
    return this.#rows instanceof StagedRows ? this.#rows.writeTarget() : undefined;
  }

  /**
   * Yields ranges of rows in order as they become known, while `run` goes on. A request for the next range means that
   * the caller has consumed the previous one. Only then may the lanes run further ahead.
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
        const held = setTimeout(() => this.#window.hold(), UNREAD_MS);
        try {
          yield { from, to };
        } finally {
          clearTimeout(held);
          this.#window.resume();
        }
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
