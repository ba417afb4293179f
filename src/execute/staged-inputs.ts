/** Reads a MAP's inputs: the distinct runs of its staged query, and the rows that each run serves. */
import type { Session } from '../duck/session.ts';
import type { StagedQuery } from '../duck/stage.ts';
import type { StagedRuns } from '../duck/stage-runs.ts';
import type { InputColumn } from '../plan/plan.ts';
import type { Json } from '../util/json.ts';
import type { Chunk, RunInputs } from './chunk.ts';

export class StagedInputs implements RunInputs {
  readonly #session: Session;
  readonly #stage: StagedQuery;
  readonly #runs: StagedRuns;
  readonly #inputs: readonly InputColumn[];
  readonly #signal: AbortSignal;

  constructor(
    session: Session,
    stage: StagedQuery,
    runs: StagedRuns,
    inputs: readonly InputColumn[],
    signal: AbortSignal,
  ) {
    this.#session = session;
    this.#stage = stage;
    this.#runs = runs;
    this.#inputs = inputs;
    this.#signal = signal;
  }

  get runCount(): number {
    return this.#runs.runCount;
  }

  async read(firstRun: number, count: number): Promise<Omit<Chunk, 'firstOrdinal' | 'rowCount'>> {
    const names = this.#inputs.map(({ column }) => column);
    const slice = await this.#runs.readRuns(firstRun, count, names, this.#signal);
    const columns: Record<string, readonly Json[]> = Object.create(null);
    for (const [index, { input }] of this.#inputs.entries()) columns[input] = slice.columns[index]!;
    const weights = await this.#weights(firstRun, count);
    return { columns: { ...columns }, ...(weights === undefined ? {} : { weights }) };
  }

  async rowsOf(run: number, max: number): Promise<readonly number[]> {
    const { mapTable } = this.#runs;
    if (mapTable === undefined) return [run];
    return this.#numbers(
      `SELECT "row" FROM ${mapTable} WHERE run = ${run} ORDER BY "row" LIMIT ${max}`,
    );
  }

  /**
   * Returns how many rows are known once the first `settledRuns` runs have settled: all rows before the next run's
   * first row.
   */
  async rowsKnown(settledRuns: number): Promise<number> {
    if (settledRuns >= this.#runs.runCount) return this.#stage.rowCount;
    const { mapTable } = this.#runs;
    if (mapTable === undefined) return settledRuns;
    const [first] = await this.#numbers(
      `SELECT min("row") AS "row" FROM ${mapTable} WHERE run = ${settledRuns}`,
    );
    return first ?? this.#stage.rowCount;
  }

  async #weights(firstRun: number, count: number): Promise<readonly number[] | undefined> {
    const { mapTable } = this.#runs;
    if (mapTable === undefined) return undefined;
    return this.#numbers(
      `SELECT count(*) AS n FROM ${mapTable} WHERE run >= ${firstRun} AND run < ${firstRun + count} GROUP BY run ORDER BY run`,
    );
  }

  async #numbers(sql: string): Promise<number[]> {
    const reader = await this.#session.run(sql, { signal: this.#signal });
    const numbers: number[] = [];
    for await (const { columns } of reader.slices('json')) {
      for (const value of columns[0]!) numbers.push(Number(value));
    }
    return numbers;
  }
}
