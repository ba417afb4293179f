/** Runs a cascade over inputs. Lanes send chunks to the dispatcher, and the sink gets the pieces in order. */

import type { Budget } from '../calls/budget.ts';
import { openRuns } from '../calls/call-batches.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { hasForEachRow } from '../cascade/refuse-cells.ts';
import { cancelledError, type Failure, RvbbitError } from '../errors.ts';
import type { JournalEntry } from '../journal/records.ts';
import { ORDERED_MAX_RUNS, SUMMARY_MAX_FAILURES } from '../limits.ts';
import type { CallPlan } from '../plan/plan.ts';
import type { RowFailure, Strategy } from '../result.ts';
import type { RunSettings } from '../run/contract.ts';
import { reasonOf } from '../util/statement-signal.ts';
import type { AdvisoryTally } from './advisories.ts';
import { beginCalls, beginOrders, policyOf } from './begin-calls.ts';
import type { Chunk, Piece, RunInputs } from './chunk.ts';
import { ChunkPolicy, type LearnedSizes } from './chunk-policy.ts';
import { runLanes } from './lanes.ts';
import { LocalHost, type RunEachRow } from './local-host.ts';
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
  readonly settings: Pick<RunSettings, 'kind' | 'timeoutMs' | 'keepOutputs'>;
  readonly calls: CallPlan;
  readonly inputs: RunInputs;
  /** Default `batch`. */
  readonly strategy?: Strategy;
  /** At most this many runs are in flight at any moment; with BATCH, so many calls. */
  readonly parallel: number;
  /** True if a failed run ends the statement. */
  readonly failFast: boolean;
  readonly window: Window;
  readonly sink: RunSink;
  readonly advisories: AdvisoryTally;
  /** A budget that several requests share. If it is present, `calls.budget` is ignored. */
  readonly budget?: Budget | undefined;
  /** Converts the value of a run. If it returns an error, the run has failed. */
  readonly convert?: ((value: string) => ConvertedValue) | undefined;
  /** Takes the calls of each piece. */
  readonly callsNamed?: ChunkRunnerContext['callsNamed'];
  /** Runs the rows of `for_each_row` cells. */
  readonly runEachRow?: RunEachRow;
  /** The most runs in one chunk, for requests whose in-flight chunks should not take long. */
  readonly chunkRuns?: number | undefined;
}

/** A value in the form that its columns take, or the reason why it has no such form. */
export type ConvertedValue = { readonly value: string } | { readonly error: Failure };

const learnedSizes = new WeakMap<Cascade, LearnedSizes>();

/**
 * Resolves when every run has settled, or when the statement was drained and its runs in flight have settled. Throws
 * the reason of a stop: an abort, `failFast`, or lost workers.
 */
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
  const { service } = request.calls;
  const orders = await beginOrders(statement, request.calls);
  const lanes = openRuns(request.parallel, request.calls.batch);
  const policy = new ChunkPolicy(lanes, {
    // A run that waits for a batch ends its chunk, and the runs after it would not ask.
    maxRuns: service === undefined ? (request.chunkRuns ?? chunkRunsOf(strategy)) : 1,
    known: boundModels === undefined ? learnedSizes.get(cascade) : undefined,
    // If a worker dies, the outcomes of its chunk's earlier rows are lost. So runs wait for models in one chunk only
    // if their answers can be found again.
    waits: boundModels !== undefined && policyOf(statement, request.calls).reuseOwn,
  });
  const parallel = Math.min(lanesOf(strategy, lanes), inputs.runCount);
  const source = runSource(strategy, { inputs, policy, window, parallel });
  /** The runs of the chunks that have begun and not settled. */
  let open = 0;
  const calls = beginCalls(statement, request.calls, request.budget, {
    parallel: request.parallel,
    openRuns: () => open,
    orders,
  });
  /** Runs that wait for batches. */
  const later: Chunk[] = [];
  /** Runs that begin again, because a batch has ended. The first one stands last. */
  let again: Chunk[] = [];
  const host = new LocalHost(statement, calls, request.runEachRow);
  const intake = new Intake(statement, request);
  const runner = new ChunkRunner({
    dispatcher: guard,
    statementId: statement.id,
    cascadeHash: cascade.hash,
    settings: runSettings(statement, request),
    waitsForRuns: request.runEachRow !== undefined && hasForEachRow(cascade),
    accept: (piece, chunk) => intake.accept(piece, chunk),
    observe: (rowCount, durationMs) => policy.observe(rowCount, durationMs),
    giveBack: (rest) => source.giveBack(rest),
    later: (rest) => later.push(rest),
    lost: (reason) => ledger.note({ t: 'worker.lost', reason }),
    stalled: (run, limitMs) => ledger.note({ t: 'run.stalled', run, limitMs }),
    attemptsEnded: (attempts) => host.attemptsEnded(attempts),
    answersUsed: (used) => calls.answersUsed(used),
    ...(request.callsNamed === undefined ? {} : { callsNamed: request.callsNamed }),
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
    do {
      again = later.splice(0).sort((a, b) => b.firstOrdinal - a.firstOrdinal);
      if (again.length > 0) await guard.race(orders!.next());
      await runLanes({
        parallel,
        next: async (lane) => {
          if (statement.stop.drained !== undefined) return undefined;
          const begun = again.pop();
          if (begun !== undefined) return begun;
          if (later.length > 0 && window.takenRuns >= ORDERED_MAX_RUNS) return undefined;
          const chunk = await guard.race(source.take(lane));
          if (signal.aborted) throw reasonOf(signal);
          // After a drain the window lets all lanes go, but no further run may start.
          return statement.stop.drained === undefined ? chunk : undefined;
        },
        settle: async (chunk) => {
          open += chunk.rowCount;
          await guard.race(runner.run(chunk));
          open -= chunk.rowCount;
        },
        stop: () => stop(cancelledError()),
      });
    } while (later.length > 0 && statement.stop.drained === undefined);
    if (orders !== undefined && calls.isBudgetUsedUp) statement.stop.drain('budget');
    await guard.race(host.rowsSettled());
    intake.finish();
  } catch (thrown) {
    throw signal.aborted ? reasonOf(signal) : thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
    offDrain();
    calls.close();
    await orders?.close();
    dispatcher.closeStatement(statement.id);
    guard.dispose();
    learnedSizes.set(cascade, policy.learned);
  }
}

function runSettings(
  { boundModels, desk }: StatementWithCascade,
  { settings, calls, failFast, callsNamed }: RunsRequest,
): RunSettings {
  const { maxAttempts, onlyStored, batch, service } = calls;
  return {
    ...settings,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(batch === undefined ? {} : { batches: true }),
    ...(service === undefined ? {} : { orders: true }),
    ...(boundModels === undefined ? {} : { models: boundModels.settings }),
    ...(desk.journal.keepsPrompts ? { keepPrompts: true } : {}),
    ...(callsNamed === undefined ? {} : { namesCalls: true }),
    // A row without a stored answer has not failed, and later rows may have one.
    ...(failFast && onlyStored !== true ? { endsAtFailure: true } : {}),
  };
}

/** Records each piece in the ledger, and passes pieces on in order. */
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

  /** Passes on the pieces that wait for earlier runs. If the statement ends early, these runs will not come. */
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

  /** Returns the rows of failed runs, as many as the summary has room for. */
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

/** Returns the piece with converted values. Runs whose values cannot be converted have failed. */
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
