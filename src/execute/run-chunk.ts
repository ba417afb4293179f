/**
 * Sends a chunk to a worker, waits for its outcomes and records them, worker deaths included. When a worker dies, all
 * chunks that it held are lost. A chunk without a suspect just runs again. A suspect row runs alone, and only this
 * row fails if a second worker dies while it runs.
 */
import type { ChunkOutcome, ChunkTask } from '../../workers/protocol.ts';
import { cancelledError, RvbbitError } from '../errors.ts';
import type { EndedAttempt, LookUp, RunSettings } from '../run/contract.ts';
import { type Chunk, type Piece, subChunk } from './chunk.ts';
import type { Dispatcher, DispatchResult, LostChunk } from './dispatcher.ts';

/** A statement gives up after more than this many worker deaths without an answered chunk in between. */
const MAX_FRUITLESS_WORKER_DEATHS = 10;
/** After this many worker deaths while the same row ran, this row alone fails. */
const POISON_DEATHS = 2;

/** After this many losses without a suspect, the rows of a chunk run one by one, alone. */
const LOSSES_BEFORE_ALONE = 2;

export interface ChunkRunnerContext {
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  readonly statementId: number;
  readonly cascadeHash: string;
  readonly settings: RunSettings;
  /** True if the runs wait for other runs. Those may need the worker for suspects, so the waiting runs never take it. */
  readonly waitsForRuns: boolean;
  /** Takes the outcomes of some runs of a chunk; pieces of one chunk may come in any order. */
  accept(piece: Piece, chunk: Chunk): Promise<void>;
  observe(rowCount: number, durationMs: number): void;
  /** Takes back runs of a chunk that have not begun. */
  giveBack(rest: Chunk): void;
  /** Takes runs that begin again when a batch of their provider has ended. */
  later(rest: Chunk): void;
  lost(reason: string): void;
  /** Called when `run` exceeded its limit and its worker was ended, or when no answer came for a chunk that starts at `run`. */
  stalled(run: number, limitMs: number): void;
  /** Takes the model calls that ended with a chunk. */
  attemptsEnded(attempts: readonly EndedAttempt[]): void;
  /** Takes the calls that were not made, because answers that a chunk had looked up ahead were used instead. */
  answersUsed(calls: LookUp): void;
  /** Takes the key of each run's only call, in run order; '' for a run with no call, or with several. */
  callsNamed?(piece: Piece, calls: LookUp): void;
}

let lastTaskId = 0;

export class ChunkRunner {
  readonly #context: ChunkRunnerContext;
  /** The number of worker deaths while a run was running, by the run's ordinal. */
  readonly #deaths = new Map<number, number>();
  /** The ids of the worker deaths since the last answered chunk. */
  readonly #fruitless = new Set<number>();
  /** The number of rows that failed as poison since the last answered chunk. */
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
      const isLeft = outcome.givesBack === true || outcome.isLater === true;
      const done = isLeft ? outcome.values.length : chunk.rowCount;
      if (!alone) this.#context.observe(done, outcome.durationMs);
      if (outcome.attempts !== undefined) this.#context.attemptsEnded(outcome.attempts);
      if (outcome.answersUsed !== undefined) this.#context.answersUsed(outcome.answersUsed);
      if (outcome.values.length > 0) await this.#accept(pieceOf(chunk, outcome), chunk, outcome);
      if (outcome.cancelled) throw cancelledError();
      if (!isLeft) return;
      const rest = subChunk(chunk, done, chunk.rowCount - done);
      if (outcome.isLater) this.#context.later(rest);
      else this.#context.giveBack(rest);
      return;
    }
    if (result.unansweredMs !== undefined) {
      return this.#settleUnanswered(chunk, alone, losses, result.unansweredMs);
    }
    this.#countLoss(result);
    const isSole = alone && chunk.rowCount === 1;
    // A worker that dies at its start may have reasons of its own. This excuses the row once.
    const isBlamed = isSole && (result.begun !== false || losses + 1 >= LOSSES_BEFORE_ALONE);
    const suspect = result.suspect ?? (isBlamed ? 0 : undefined);
    if (suspect !== undefined) return this.#settleAround(chunk, suspect, result);
    if (losses + 1 < LOSSES_BEFORE_ALONE) return this.run(chunk, alone, losses + 1);
    for (let index = 0; index < chunk.rowCount; index++) {
      await this.run(subChunk(chunk, index, 1), true);
    }
  }

  #accept(piece: Piece, chunk: Chunk, { calls }: ChunkOutcome): Promise<void> {
    if (calls !== undefined) this.#context.callsNamed?.(piece, calls);
    return this.#context.accept(piece, chunk);
  }

  /** The row without an answer is not known. So all rows run once more, then one by one, and a row without an answer fails. */
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

  /** Runs the rows before and after the suspect as usual. The suspect runs alone or fails. */
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
      const message = `the run blocked its worker for ${loss.overstayedMs} ms; the worker was ended`;
      return this.#context.accept(failedPiece(ordinal, 'RVB_TIMEOUT', message, deaths), row);
    }
    if (deaths >= POISON_DEATHS) {
      this.#countPoison(loss.reason);
      const message = `${deaths} workers died under this row (${loss.reason})`;
      return this.#context.accept(failedPiece(ordinal, 'RVB_POISON_ROW', message, deaths), row);
    }
    return this.run(row, true);
  }

  /**
   * A poison row explains the worker deaths before it, so they no longer count. But too many poison rows without an
   * answer in between mean that the rows are not the cause: then the statement gives up.
   */
  #countPoison(reason: string): void {
    this.#fruitless.clear();
    this.#poisonRows += 1;
    if (this.#poisonRows > MAX_FRUITLESS_WORKER_DEATHS) throw workersLost(this.#poisonRows, reason);
  }

  #dispatch(chunk: Chunk, alone: boolean): Promise<DispatchResult> {
    const { statementId, cascadeHash, settings, waitsForRuns } = this.#context;
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
    return this.#context.dispatcher.dispatch(task, { alone: alone && !waitsForRuns });
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
    `${deaths} or more worker threads died, and no row was answered in between (${reason})`,
    { stage: 'execute' },
  );
}

/** Turns an outcome into a piece. A run that the budget stopped half-way has not failed: it counts as not run. */
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
