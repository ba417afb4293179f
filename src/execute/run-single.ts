/** One run of a cascade on one input: RUN, `rvbbit run` and `rvbbit test`. */

import type { Budget } from '../calls/budget.ts';
import { BUDGET_USED_UP } from '../calls/refusals.ts';
import type { CallPlan } from '../plan/plan.ts';
import type { RunOutcome, RunSettings } from '../run/contract.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { reasonOf } from '../util/statement-signal.ts';
import { AdvisoryTally } from './advisories.ts';
import type { Piece, RunInputs } from './chunk.ts';
import { executeRuns } from './execute-runs.ts';
import type { StatementWithCascade } from './statement.ts';
import { Window } from './window.ts';

export interface SingleRun {
  readonly input: JsonObject;
  readonly kind: RunSettings['kind'];
  readonly timeoutMs: number;
  readonly calls: CallPlan;
  /** Throw where the run fails, instead of giving its failure back. */
  readonly failFast: boolean;
  /** Its place among the statement's runs, and their budget, where it is not the only one. */
  readonly ordinal?: number;
  readonly budget?: Budget | undefined;
}

/** The run's outcome, with the output of every cell. */
export async function runSingle(
  statement: StatementWithCascade,
  single: SingleRun,
  advisories = new AdvisoryTally(),
): Promise<RunOutcome> {
  let settled: Piece | undefined;
  const { ordinal = 0 } = single;
  statement.ledger.note({ t: 'statement.read', rows: ordinal + 1, runs: ordinal + 1, deduped: 0 });
  await executeRuns(statement, {
    calls: single.calls,
    settings: { kind: single.kind, timeoutMs: single.timeoutMs, keepOutputs: true },
    inputs: inputsOf(single.input, ordinal),
    parallel: 1,
    failFast: single.failFast,
    window: new Window(1),
    advisories,
    budget: single.budget,
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
