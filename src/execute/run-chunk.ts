/**
 * Sends a chunk to a worker, waits for its outcomes and books them, worker deaths included. A dying worker takes every chunk it held with
 * it: chunks without a suspect just run again; the row that did it runs alone, and fails alone if a
 * second worker dies under it.
 */
import type { ChunkOutcome, ChunkTask } from '../../workers/protocol.ts';
import { cancelledError, RvbbitError } from '../errors.ts';
import type { EndedAttempt, LookUp, RunSettings } from '../run/contract.ts';
import { type Chunk, type Piece, subChunk } from './chunk.ts';
import type { Dispatcher, DispatchResult, LostChunk } from './dispatcher.ts';

/** Worker deaths without a settled row in between after which a statement gives up. */
const MAX_FRUITLESS_WORKER_DEATHS = 10;
/** Deaths of a worker with the same row under its hands after which the row alone is failed. */
const POISON_DEATHS = 2;

/** Losses of a chunk without a suspect before its rows are run one by one, alone. */
const LOSSES_BEFORE_ALONE = 2;

export interface ChunkRunnerContext {
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly statementId: number;
  readonly cascadeHash: string;
  readonly settings: RunSettings;
  /** Takes the outcomes of some runs of a chunk; pieces of one chunk may come in any order. */
  accept(piece: Piece, chunk: Chunk): Promise<void>;
  observe(rowCount: number, durationMs: number): void;
  /** Takes back runs of a chunk that have not begun. */
  giveBack(rest: Chunk): void;
  lost(reason: string): void;
  /** A run overstayed its limit and its worker was ended for it, or no answer came of it and those after it. */
  stalled(run: number, limitMs: number): void;
  /** Takes the model calls that ended with a chunk. */
  attemptsEnded(attempts: readonly EndedAttempt[]): void;
  /** Takes the calls whose places were taken by answers that a chunk had looked up ahead. */
  answersUsed(calls: LookUp): void;
  /** Hears of a chunk each of whose runs took one stored answer, which `calls` has in their order, and nothing else. */
  allFound?(piece: Piece, calls: LookUp): void;
}

let lastTaskId = 0;

export class ChunkRunner {
  readonly #context: ChunkRunnerContext;
  /** Deaths of a worker with a run under its hands, by the run's ordinal. */
  readonly #deaths = new Map<number, number>();
  /** Workers that died one after another without a settled run between them. */
  readonly #fruitless = new Set<number>();
  /** Rows that failed as poison one after another without an answer between them. */
  #poisonRows = 0;

  constructor(context: ChunkRunnerContext) {
    this.#context = context;
  }

  async run(chunk: Chunk, alone = false, losses = 0): Promise<void> {
    const result = await this.#dispatch(chunk, alone);
    if (result.kind === 'done') {
      const { outcome } = result;
      this.#fruitless.clear();
      this.#poisonRows = 0;
      const done = outcome.givesBack ? outcome.values.length : chunk.rowCount;
      if (!alone) this.#context.observe(done, outcome.durationMs);
      if (outcome.attempts !== undefined) this.#context.attemptsEnded(outcome.attempts);
      if (outcome.answersUsed !== undefined) this.#context.answersUsed(outcome.answersUsed);
      if (outcome.values.length > 0) await this.#accept(pieceOf(chunk, outcome), chunk, outcome);
      if (outcome.cancelled) throw cancelledError();
      if (outcome.givesBack) this.#context.giveBack(subChunk(chunk, done, chunk.rowCount - done));
      return;
    }
    if (result.unansweredMs !== undefined) {
      return this.#settleUnanswered(chunk, alone, losses, result.unansweredMs);
    }
    this.#countLoss(result);
    const isSole = alone && chunk.rowCount === 1;
    // A worker may die at its start for reasons of its own: once.
    const isBlamed = isSole && (result.begun !== false || losses + 1 >= LOSSES_BEFORE_ALONE);
    const suspect = result.suspect ?? (isBlamed ? 0 : undefined);
    if (suspect !== undefined) return this.#settleAround(chunk, suspect, result);
    if (losses + 1 < LOSSES_BEFORE_ALONE) return this.run(chunk, alone, losses + 1);
    for (let index = 0; index < chunk.rowCount; index++) {
      await this.run(subChunk(chunk, index, 1), true);
    }
  }

  #accept(piece: Piece, chunk: Chunk, { answersUsed, attempts }: ChunkOutcome): Promise<void> {
    const isFound = answersUsed?.callKeys.length === piece.values.length && attempts === undefined;
    if (isFound && piece.failures.length === 0) this.#context.allFound?.(piece, answersUsed);
    return this.#context.accept(piece, chunk);
  }

  /** Which row it was cannot be known: all of them run once more, then one by one, and fail without an answer. */
  async #settleUnanswered(
    chunk: Chunk,
    alone: boolean,
    losses: number,
    limitMs: number,
  ): Promise<void> {
    const { firstOrdinal, rowCount } = chunk;
    this.#context.stalled(firstOrdinal, limitMs);
    if (losses + 1 < LOSSES_BEFORE_ALONE) return this.run(chunk, alone, losses + 1);
    if (rowCount === 1) {
      const message = `no answer of the run came within ${limitMs} ms, ${losses + 1} times`;
      const piece = failedPiece(firstOrdinal, 'RVB_TIMEOUT', message, losses + 1);
      return this.#context.accept(piece, chunk);
    }
    for (let index = 0; index < rowCount; index++) {
      await this.run(subChunk(chunk, index, 1), alone, losses);
    }
  }

  /** The rows before and after the suspect run as before; the suspect runs alone or fails. */
  async #settleAround(chunk: Chunk, suspect: number, loss: LostChunk): Promise<void> {
    if (suspect > 0) await this.run(subChunk(chunk, 0, suspect));
    await this.#settleSuspect(subChunk(chunk, suspect, 1), loss);
    const after = chunk.rowCount - suspect - 1;
    if (after > 0) await this.run(subChunk(chunk, suspect + 1, after));
  }

  #settleSuspect(row: Chunk, loss: LostChunk): Promise<void> {
    const ordinal = row.firstOrdinal;
    const deaths = (this.#deaths.get(ordinal) ?? 0) + 1;
    this.#deaths.set(ordinal, deaths);
    if (loss.overstayedMs !== undefined) {
      this.#context.stalled(ordinal, loss.overstayedMs);
      const message = `the run did not give way within ${loss.overstayedMs} ms; its worker was ended`;
      return this.#context.accept(failedPiece(ordinal, 'RVB_TIMEOUT', message, deaths), row);
    }
    if (deaths >= POISON_DEATHS) {
      this.#countPoison(loss.reason);
      const message = `${deaths} workers died under this row (${loss.reason})`;
      return this.#context.accept(failedPiece(ordinal, 'RVB_POISON_ROW', message, deaths), row);
    }
    return this.run(row, true);
  }

  /** A row found to be poison accounts for the deaths before it; one after another they say that it is not the rows. */
  #countPoison(reason: string): void {
    this.#fruitless.clear();
    this.#poisonRows += 1;
    if (this.#poisonRows > MAX_FRUITLESS_WORKER_DEATHS) throw workersLost(this.#poisonRows, reason);
  }

  #dispatch(chunk: Chunk, alone: boolean): Promise<DispatchResult> {
    const { statementId, cascadeHash, settings } = this.#context;
    lastTaskId = (lastTaskId + 1) & 0x7fffffff;
    const task: ChunkTask = {
      taskId: lastTaskId,
      statementId,
      firstOrdinal: chunk.firstOrdinal,
      rowCount: chunk.rowCount,
      columns: chunk.columns,
      cascadeHash,
      settings,
    };
    return this.#context.dispatcher.dispatch(task, { alone });
  }

  #countLoss(loss: LostChunk): void {
    if (this.#fruitless.has(loss.deathId)) return;
    this.#context.lost(loss.reason);
    this.#fruitless.add(loss.deathId);
    if (this.#fruitless.size > MAX_FRUITLESS_WORKER_DEATHS) {
      throw workersLost(this.#fruitless.size, loss.reason);
    }
  }
}

function workersLost(deaths: number, reason: string): RvbbitError {
  return new RvbbitError(
    'RVB_WORKER_LOST',
    `${deaths} worker threads or more died without a row answered between (${reason})`,
    { stage: 'execute' },
  );
}

/** A run that the budget stopped half-way has not failed: it is as if it had not begun. */
function pieceOf(chunk: Chunk, outcome: ChunkOutcome): Piece {
  const failures = outcome.failures.filter(({ error }) => error.code !== 'RVB_BUDGET');
  const notRun = outcome.failures.filter(({ error }) => error.code === 'RVB_BUDGET');
  return {
    firstOrdinal: chunk.firstOrdinal,
    values: outcome.values,
    failures: failures.map(({ index, error, attempts }) => ({ index, ...error, attempts })),
    skipped: outcome.skipped,
    ...(notRun.length === 0 ? {} : { notRun: notRun.map(({ index }) => index) }),
    ...(outcome.outputs === undefined ? {} : { outputs: outcome.outputs }),
    ...(outcome.results === undefined ? {} : { results: outcome.results }),
    ...(outcome.advisories === undefined ? {} : { advisories: outcome.advisories }),
  };
}

function failedPiece(
  ordinal: number,
  code: 'RVB_TIMEOUT' | 'RVB_POISON_ROW',
  message: string,
  attempts: number,
): Piece {
  return {
    firstOrdinal: ordinal,
    values: [null],
    failures: [{ index: 0, code, message, attempts }],
    skipped: [],
  };
}
