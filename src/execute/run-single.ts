/** Executes one run of a cascade on one input, for RUN, `rvbbit run` and `rvbbit test`. */

import type { Budget } from '../calls/budget.ts';
import { BUDGET_USED_UP } from '../calls/refusals.ts';
import type { CallPlan } from '../plan/plan.ts';
import type { RunOutcome, RunSettings } from '../run/contract.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { reasonOf } from '../util/statement-signal.ts';
import { AdvisoryTally } from './advisories.ts';
import type { Piece, RunInputs } from './chunk.ts';
import { executeRuns } from './execute-runs.ts';
import { runEachRow } from './for-each-row.ts';
import type { StatementWithCascade } from './statement.ts';
import { Window } from './window.ts';

export interface SingleRun {
  readonly input: JsonObject;
  readonly kind: RunSettings['kind'];
  readonly timeoutMs: number;
  readonly calls: CallPlan;
  /** True: throw if the run fails. False: return the failure. */
  readonly failFast: boolean;
  /** If the statement has several runs: the ordinal of this run, and the budget that the runs share. */
  readonly ordinal?: number;
  readonly budget?: Budget | undefined;
  /** The number of rows of a `for_each_row` cell that run at a time; default 1. */
  readonly rowsParallel?: number;
}

/** Returns the run's outcome, with the output of every cell. */
export async function runSingle(
  statement: StatementWithCascade,
  single: SingleRun,
  advisories = new AdvisoryTally(),
): Promise<RunOutcome> {
  let settled: Piece | undefined;
  const { ordinal = 0 } = single;
  if (single.ordinal === undefined) {
    // Adds to the rows and runs of other calls in the same statement. With an ordinal, the caller has counted the run.
    const { rows, runs } = statement.ledger.figures;
    const deduped = rows.deduped;
    statement.ledger.note({ t: 'statement.read', rows: rows.in + 1, runs: runs + 1, deduped });
  }
  await executeRuns(statement, {
    calls: single.calls,
    settings: { kind: single.kind, timeoutMs: single.timeoutMs, keepOutputs: true },
    inputs: inputsOf(single.input, ordinal),
    parallel: 1,
    failFast: single.failFast,
    window: new Window(1),
    advisories,
    budget: single.budget,
    runEachRow: (query, forEachRow, budget) =>
      runEachRow(statement, {
        query,
        forEachRow,
        parallel: single.rowsParallel ?? 1,
        timeoutMs: single.timeoutMs,
        calls: single.calls,
        onError: { kind: single.failFast ? 'fail' : 'null' },
        budget,
        advisories,
      }),
    sink: {
      write: ([piece]) => {
        settled = piece;
      },
    },
  });
  if (settled === undefined) throw reasonOf(statement.stop.signal);
  const { first } = advisories;
  return { ...outcomeOf(settled), ...(first.length === 0 ? {} : { advisories: first }) };
}

function outcomeOf(piece: Piece): RunOutcome {
  const outputs = piece.outputs?.[0] ?? {};
  if (piece.notRun !== undefined)
    return { kind: 'failed', error: BUDGET_USED_UP, attempts: 1, outputs };
  const [failure] = piece.failures;
  if (failure !== undefined) {
    const { code, message, attempts } = failure;
    return { kind: 'failed', error: { code, message }, attempts, outputs };
  }
  if (piece.skipped.length > 0) return { kind: 'skipped', outputs };
  return { kind: 'ok', value: piece.results?.[0] ?? null, outputs };
}

function inputsOf(input: JsonObject, ordinal: number): RunInputs {
  const columns: Record<string, readonly Json[]> = {};
  for (const [name, value] of Object.entries(input)) columns[name] = [value];
  return {
    runCount: 1,
    read: async () => ({ columns }),
    rowsOf: async () => [ordinal],
  };
}
