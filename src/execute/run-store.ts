/** Keeps the settled runs of a MAP in two temp tables, from which its result is selected. */
import type { Session } from '../duck/session.ts';
import { countOf } from '../duck/stage.ts';
import { RvbbitError } from '../errors.ts';
import type { Piece, RunFailure } from './chunk.ts';
import type { RunSink } from './execute-runs.ts';

/** Settled runs are written to the session's DuckDB as soon as this many wait. */
const STORE_FLUSH_RUNS = 8_192;
/** Settled runs are also written as soon as the values of those that wait have this many characters. */
const STORE_FLUSH_BYTES = 4 * 1024 * 1024;

export interface RunStoreOptions {
  /** Unique in the session. */
  readonly id: number;
  /** The longest time that a settled run waits before it is written. Its room in the window is free only after that. */
  readonly flushAfterMs: number;
  /** Settled runs are also written once this many pieces wait, well before the pieces fill the window. */
  readonly flushAfterPieces: number;
  /** Called after each flush with the number of runs that are in the tables, counted from the first run. */
  readonly onStored: (storedRuns: number) => void;
  /** A flush failed: the statement cannot go on. */
  readonly onError: (error: unknown) => void;
}

/**
 * Lanes do not wait for writes: `write` only queues, and one flush at a time appends the queue. Runs arrive in order,
 * so the tables always hold the first runs. If the statement ends early, the runs that were not done are missing
 * there.
 */
export class RunStore implements RunSink {
  readonly valuesTable: string;
  readonly failuresTable: string;
  readonly #session: Session;
  readonly #options: RunStoreOptions;
  #queue: Piece[] = [];
  #queuedRuns = 0;
  #queuedBytes = 0;
  #storedRuns = 0;
  #storedValues = 0;
  #storedFailures = 0;
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failedRuns = 0;
  #dropped = false;

  static async create(session: Session, options: RunStoreOptions): Promise<RunStore> {
    const store = new RunStore(session, options);
    try {
      await session.run(
        `CREATE TEMP TABLE ${store.valuesTable} (run BIGINT, value VARCHAR);
CREATE TEMP TABLE ${store.failuresTable} (run BIGINT, code VARCHAR, message VARCHAR, attempts INTEGER)`,
        { own: true },
      );
      return store;
    } catch (thrown) {
      await store.drop();
      throw thrown;
    }
  }

  private constructor(session: Session, options: RunStoreOptions) {
    this.#session = session;
    this.#options = options;
    this.valuesTable = `rvb_values_${options.id}`;
    this.failuresTable = `rvb_failures_${options.id}`;
  }

  /** The number of stored runs that failed. */
  get failedRuns(): number {
    return this.#failedRuns;
  }

  /** Has no effect once the tables are dropped: pieces may still come, because a stopped statement does not wait for them. */
  write(pieces: readonly Piece[]): void {
    if (this.#dropped) return;
    for (const piece of pieces) {
      this.#queue.push(piece);
      this.#queuedRuns += piece.values.length;
      for (const value of piece.values) this.#queuedBytes += value === null ? 1 : value.length;
    }
    if (
      this.#queuedRuns >= STORE_FLUSH_RUNS ||
      this.#queuedBytes >= STORE_FLUSH_BYTES ||
      this.#queue.length >= this.#options.flushAfterPieces
    ) {
      this.#flushSoon(0);
    } else {
      this.#flushSoon(this.#options.flushAfterMs);
    }
  }

  /** Resolves once everything written is in the tables. */
  async finish(): Promise<void> {
    while (this.#queue.length > 0 || this.#flushing !== undefined) await this.#flush();
  }

  /**
   * Throws RVB_SQL if stored runs are gone: they were written in a transaction of another caller of the session, who
   * rolled it back.
   */
  async check(): Promise<void> {
    const isWhole = `(SELECT count(*) FROM ${this.valuesTable}) >= ${this.#storedValues} AND
(SELECT count(*) FROM ${this.failuresTable}) >= ${this.#storedFailures}`;
    const isThere = await countOf(this.#session, `SELECT (${isWhole})::INTEGER`).catch(() => 0);
    if (isThere === 1) return;
    throw new RvbbitError(
      'RVB_SQL',
      'a transaction was rolled back while the statement ran, and what it had answered with it; run it again, and use an engine of your own for transactions',
      { stage: 'deliver', sqlState: '25000' },
    );
  }

  async drop(): Promise<void> {
    this.#dropped = true;
    this.#queue = [];
    this.#queuedRuns = 0;
    clearTimeout(this.#timer);
    await this.#flushing?.catch(() => {});
    await this.#session
      .run(`DROP TABLE IF EXISTS ${this.valuesTable}; DROP TABLE IF EXISTS ${this.failuresTable}`, {
        own: true,
      })
      .catch(() => {});
  }

  #flushSoon(delayMs: number): void {
    if (this.#flushing !== undefined) return;
    if (delayMs === 0) {
      this.#flush().catch(this.#options.onError);
    } else {
      this.#timer ??= setTimeout(() => this.#flush().catch(this.#options.onError), delayMs);
    }
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#append().finally(() => {
      this.#flushing = undefined;
      if (this.#queuedRuns > 0) this.#flushSoon(this.#options.flushAfterMs);
    });
    return this.#flushing;
  }

  async #append(): Promise<void> {
    const pieces = this.#queue;
    this.#queue = [];
    this.#queuedRuns = 0;
    this.#queuedBytes = 0;
    const last = pieces.at(-1);
    if (last === undefined) return;
    const values: (string | null)[] = [];
    const runs: number[] = [];
    for (const piece of pieces) collect(piece, runs, values);
    await this.#session.append(
      { catalog: 'temp', name: this.valuesTable },
      [
        { type: 'BIGINT', values: Float64Array.from(runs) },
        { type: 'VARCHAR', values },
      ],
      values.length,
    );
    this.#storedValues += values.length;
    await this.#appendFailures(
      pieces.flatMap((piece) =>
        piece.failures.map((failure) => ({
          ...failure,
          index: piece.firstOrdinal + failure.index,
        })),
      ),
    );
    this.#storedRuns = last.firstOrdinal + last.values.length;
    this.#options.onStored(this.#storedRuns);
  }

  async #appendFailures(failures: readonly RunFailure[]): Promise<void> {
    if (failures.length === 0) return;
    this.#failedRuns += failures.length;
    await this.#session.append(
      { catalog: 'temp', name: this.failuresTable },
      [
        { type: 'BIGINT', values: failures.map(({ index }) => index) },
        { type: 'VARCHAR', values: failures.map(({ code }) => code) },
        { type: 'VARCHAR', values: failures.map(({ message }) => message) },
        { type: 'INTEGER', values: failures.map(({ attempts }) => attempts) },
      ],
      failures.length,
    );
    this.#storedFailures += failures.length;
  }
}

/** Adds a piece's runs to `runs` and their values to `values`, without the runs that were not done. */
function collect(piece: Piece, runs: number[], values: (string | null)[]): void {
  const notRun = new Set(piece.notRun);
  for (let index = 0; index < piece.values.length; index++) {
    if (notRun.has(index)) continue;
    runs.push(piece.firstOrdinal + index);
    values.push(piece.values[index]!);
  }
}
