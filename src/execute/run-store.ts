/** Keeps the settled runs of a MAP in two temp tables, from which its result is selected. */
import type { Session } from '../duck/session.ts';
import { countOf } from '../duck/stage.ts';
import { RvbbitError } from '../errors.ts';
import type { Piece, RunFailure } from './chunk.ts';
import type { RunSink } from './execute-runs.ts';

/** Settled runs are written to the session's DuckDB as soon as this many wait. */
const STORE_FLUSH_RUNS = 8_192;
/** They are also written as soon as their values hold this many characters. */
const STORE_FLUSH_BYTES = 4 * 1024 * 1024;

export interface RunStoreOptions {
  /** Unique in the session. */
  readonly id: number;
  /** A settled run waits this long at most before it is written; only then has the window room again. */
  readonly flushAfterMs: number;
  /** Likewise, once so many pieces wait: well before they fill the window. */
  readonly flushAfterPieces: number;
  /** Called after each flush with the runs that are in the tables, counted from the first. */
  readonly onStored: (storedRuns: number) => void;
  /** A flush failed: the statement cannot go on. */
  readonly onError: (error: unknown) => void;
}

/**
 * Writes happen beside the lanes: `write` only queues, and one flush at a time appends what has
 * queued up. Runs arrive in order, so the tables always hold a prefix of them, less the runs that a
 * statement which ends early has not done.
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

  /** Runs that failed, of those stored. */
  get failedRuns(): number {
    return this.#failedRuns;
  }

  /** Of no effect once the tables are dropped: a stopped statement does not wait for every chunk. */
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
   * Throws RVB_SQL where something that was stored is gone: it was written in a transaction of the session's
   * other callers, and they have rolled it back.
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
      .run(`DROP TABLE IF EXISTS ${this.valuesTable}; DROP TABLE IF EXISTS ${this.failuresTable}`)
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

/** A piece's runs and their values, without those that were not done. */
function collect(piece: Piece, runs: number[], values: (string | null)[]): void {
  const notRun = new Set(piece.notRun);
  for (let index = 0; index < piece.values.length; index++) {
    if (notRun.has(index)) continue;
    runs.push(piece.firstOrdinal + index);
    values.push(piece.values[index]!);
  }
}
