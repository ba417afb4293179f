/** Runs a cascade over inputs: n lanes, chunks to the dispatcher, pieces back in order to the sink. */

import type { Budget } from '../calls/budget.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { cancelledError, type Failure, RvbbitError } from '../errors.ts';
import type { JournalEntry } from '../journal/records.ts';
import { SUMMARY_MAX_FAILURES } from '../limits.ts';
import type { CallPlan } from '../plan/plan.ts';
import type { RowFailure, Strategy } from '../result.ts';
import type { RunSettings } from '../run/contract.ts';
import { reasonOf } from '../util/statement-signal.ts';
import type { AdvisoryTally } from './advisories.ts';
import { beginCalls, policyOf } from './begin-calls.ts';
import type { Chunk, Piece, RunInputs } from './chunk.ts';
import { ChunkPolicy, type LearnedSizes } from './chunk-policy.ts';
import { runLanes } from './lanes.ts';
import { LocalHost } from './local-host.ts';
import { Reassembler } from './reassembler.ts';
import { ChunkRunner, type ChunkRunnerContext } from './run-chunk.ts';
import { chunkRunsOf, lanesOf, runSource } from './run-source.ts';
import type { StatementWithCascade } from './statement.ts';
import { StopGuard } from './stop-guard.ts';
import type { Window } from './window.ts';

/** Takes settled runs in order; must not make a lane wait. */
export interface RunSink {
  write(pieces: readonly Piece[]): void;
}

export interface RunsRequest {
  readonly settings: Omit<RunSettings, 'models' | 'maxAttempts' | 'keepPrompts' | 'endsAtFailure'>;
  readonly calls: CallPlan;
  readonly inputs: RunInputs;
  /** Default `batch`. */
  readonly strategy?: Strategy;
  /** Lanes: at most this many runs are in flight at any moment. */
  readonly parallel: number;
  /** A failed run ends the statement. */
  readonly failFast: boolean;
  readonly window: Window;
  readonly sink: RunSink;
  readonly advisories: AdvisoryTally;
  /** Where several such requests share one budget; `calls.budget` is then not looked at. */
  readonly budget?: Budget | undefined;
  /** What a value that a run gave is to be; or what is wrong with it, and the run has then failed. */
  readonly convert?: ((value: string) => ConvertedValue) | undefined;
  /** Hears of runs each of which took one stored answer and nothing else. */
  readonly allFound?: ChunkRunnerContext['allFound'];
  /** Runs in one chunk at most, where a chunk that is out should not be long. */
  readonly chunkRuns?: number | undefined;
}

/** A value as its columns take it. */
export type ConvertedValue = { readonly value: string } | { readonly error: Failure };

const learnedSizes = new WeakMap<Cascade, LearnedSizes>();

/** Resolves when every run has settled; throws what stopped it: an abort, `failFast`, or lost workers. */
export async function executeRuns(
  statement: StatementWithCascade,
  request: RunsRequest,
): Promise<void> {
  const { dispatcher, cascade, ledger, boundModels } = statement;
  const { inputs, window, strategy = 'batch' } = request;
  const { signal } = statement.stop;
  if (signal.aborted) throw reasonOf(signal);
  if (inputs.runCount === 0) return;
  const guard = new StopGuard(dispatcher, statement.id);
  const policy = new ChunkPolicy(request.parallel, {
    maxRuns: request.chunkRuns ?? chunkRunsOf(strategy),
    known: boundModels === undefined ? learnedSizes.get(cascade) : undefined,
    // A worker that dies takes the answers of its chunk's earlier rows along; they must be found again.
    waits: boundModels !== undefined && policyOf(statement, request.calls).reuseOwn,
  });
  const parallel = Math.min(lanesOf(strategy, request.parallel), inputs.runCount);
  const source = runSource(strategy, { inputs, policy, window, parallel });
  const calls = beginCalls(statement, request.calls, request.budget);
  const host = new LocalHost(statement, calls);
  const intake = new Intake(statement, request);
  const runner = new ChunkRunner({
    dispatcher: guard,
    statementId: statement.id,
    cascadeHash: cascade.hash,
    settings: runSettings(statement, request),
    accept: (piece, chunk) => intake.accept(piece, chunk),
    observe: (rowCount, durationMs) => policy.observe(rowCount, durationMs),
    giveBack: (rest) => source.giveBack(rest),
    lost: (reason) => ledger.note({ t: 'worker.lost', reason }),
    stalled: (run, limitMs) => ledger.note({ t: 'run.stalled', run, limitMs }),
    attemptsEnded: (attempts) => host.attemptsEnded(attempts),
    answersUsed: (used) => calls.answersUsed(used),
    ...(request.allFound === undefined ? {} : { allFound: request.allFound }),
  });
  const stop = (reason: RvbbitError) => {
    calls.stop();
    guard.stop(reason);
    window.close();
  };
  const onAbort = () => stop(reasonOf(signal));
  signal.addEventListener('abort', onAbort);
  const offDrain = statement.stop.onDrain(() => {
    window.close();
    dispatcher.drainStatement(statement.id);
  });
  dispatcher.openStatement(host);
  try {
    await guard.race(dispatcher.ready());
    await runLanes({
      parallel,
      next: async (lane) => {
        if (statement.stop.drained !== undefined) return undefined;
        const chunk = await guard.race(source.take(lane));
        if (signal.aborted) throw reasonOf(signal);
        // The window let the lane go because nothing more is to start.
        return statement.stop.drained === undefined ? chunk : undefined;
      },
      settle: (chunk) => guard.race(runner.run(chunk)),
      stop: () => stop(cancelledError()),
    });
    intake.finish();
  } catch (thrown) {
    throw signal.aborted ? reasonOf(signal) : thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
    offDrain();
    calls.close();
    dispatcher.closeStatement(statement.id);
    guard.dispose();
    learnedSizes.set(cascade, policy.learned);
  }
}

function runSettings(
  { boundModels, desk }: StatementWithCascade,
  { settings, calls, failFast }: RunsRequest,
): RunSettings {
  const { maxAttempts, onlyAtHand } = calls;
  return {
    ...settings,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(boundModels === undefined ? {} : { models: boundModels.settings }),
    ...(desk.journal.keepsPrompts ? { keepPrompts: true } : {}),
    // A row that is not at hand has not failed, and those after it may be.
    ...(failFast && onlyAtHand !== true ? { endsAtFailure: true } : {}),
  };
}

/** Books each piece and passes on what is next in order. */
class Intake {
  readonly #statement: StatementWithCascade;
  readonly #request: RunsRequest;
  readonly #reassembler: Reassembler;
  #failuresNamed = 0;

  constructor(statement: StatementWithCascade, request: RunsRequest) {
    this.#statement = statement;
    this.#request = request;
    this.#reassembler = new Reassembler(request.inputs.runCount);
  }

  /** Passes on what waits for runs that a statement which ends early has not done. */
  finish(): void {
    const rest = this.#reassembler.rest();
    if (rest.length > 0) this.#request.sink.write(rest);
  }

  async accept(given: Piece, chunk: Chunk): Promise<void> {
    const { failFast, sink, advisories, convert } = this.#request;
    const piece = convert === undefined ? given : converted(given, convert);
    if (piece.advisories !== undefined) advisories.add(piece.advisories);
    const failures = await this.#nameFailures(piece);
    const record = rowsRecord(piece, chunk, failures);
    if (record.count > 0) this.#statement.ledger.note(record);
    const first = failures[0];
    if (failFast && first !== undefined) {
      throw new RvbbitError(first.code, `row ${first.ordinal + 1}: ${first.message}`, {
        stage: 'execute',
      });
    }
    const ready = this.#reassembler.accept(piece);
    if (ready.length > 0) sink.write(ready);
  }

  /** The rows behind failed runs, as long as the summary has room for them. */
  async #nameFailures(piece: Piece): Promise<RowFailure[]> {
    const named: RowFailure[] = [];
    for (const { index, code, message, attempts } of piece.failures) {
      const room = SUMMARY_MAX_FAILURES - this.#failuresNamed;
      if (room <= 0) break;
      const rows = await this.#request.inputs.rowsOf(piece.firstOrdinal + index, room);
      this.#failuresNamed += rows.length;
      for (const ordinal of rows) named.push({ ordinal, code, message, attempts });
    }
    return named;
  }
}

/** The piece with its values converted; the runs whose values are refused have failed. */
function converted(piece: Piece, convert: NonNullable<RunsRequest['convert']>): Piece {
  const failures = [...piece.failures];
  const values = piece.values.map((value, index) => {
    if (value === null) return null;
    const made = convert(value);
    if ('value' in made) return made.value;
    failures.push({ ...made.error, index, attempts: 1 });
    return null;
  });
  failures.sort((a, b) => a.index - b.index);
  return { ...piece, values, failures };
}

function rowsRecord(
  piece: Piece,
  chunk: Chunk,
  failures: readonly RowFailure[],
): Extract<JournalEntry, { t: 'rows' }> {
  const weightOf = (index: number) =>
    chunk.weights?.[piece.firstOrdinal - chunk.firstOrdinal + index] ?? 1;
  const weigh = (indexes: readonly number[]) =>
    indexes.reduce((sum, index) => sum + weightOf(index), 0);
  const failed = weigh(piece.failures.map(({ index }) => index));
  const skipped = weigh(piece.skipped);
  const notRun = weigh(piece.notRun ?? []);
  let rows = 0;
  let nulls = 0;
  for (let index = 0; index < piece.values.length; index++) {
    const weight = weightOf(index);
    rows += weight;
    if (piece.values[index] === null) nulls += weight;
  }
  return {
    t: 'rows',
    first: piece.firstOrdinal,
    count: piece.values.length - (piece.notRun?.length ?? 0),
    ok: rows - nulls,
    null: nulls - failed - skipped - notRun,
    failed,
    skipped,
    failures,
  };
}
