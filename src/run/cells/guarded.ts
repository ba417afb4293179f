/**
 * Runs a cell with takes or wards: pre wards check the input, the cell runs, post wards check the output, and the cell
 * may run again.
 */
import { RvbbitError } from '../../errors.ts';
import type { Json } from '../../util/json.ts';
import type { Advisory } from '../contract.ts';
import type { CellProgram, GuardedCellProgram, WardProgram } from '../program.ts';
import { beginStep, type Refusal, type Run } from '../run-state.ts';
import type { RunNested } from './cascade.ts';
import { runTakes } from './takes.ts';
import { askWard } from './wards.ts';

/** The functions that run the inner cell. */
export interface GuardHost {
  call(cell: CellProgram, run: Run): Json | Promise<Json>;
  /** Returns the output, or throws RVB_ANSWER_INVALID if it does not fit `output_schema`. */
  checkOutput(cell: CellProgram, output: Json): Json;
  readonly runNested: RunNested;
}

/**
 * Asks the pre wards once, then runs the cell and asks the post wards in order. The first post ward that refuses makes
 * the cell run again (`retry`) or fail (RVB_WARD). An output that such a ward refused is never the cell's value.
 */
export async function runGuardedCell(
  cell: GuardedCellProgram,
  run: Run,
  host: GuardHost,
): Promise<Json> {
  run.advisories ??= [];
  const before = await hold(cell.pre, cell, run, undefined, host.runNested);
  run.advisories.push(...before.advisories);
  if (before.refusal !== undefined) throw refused(cell, run, before.refusal, 'input', 1);
  const refusals: Refusal[] = [];
  for (let redo = 0; ; redo++) {
    const attempt = attemptOf(cell, run, refusals);
    if (redo > 0) beginStep(run, cell.label);
    const output = await doOnce(cell, attempt, host);
    const { refusal, advisories } = await hold(cell.post, cell, attempt, output, host.runNested);
    if (refusal === undefined || redo + 1 >= refusal.ward.maxAttempts) {
      run.advisories.push(...advisories);
      if (refusal === undefined) return output;
      throw refused(cell, run, refusal, 'output', redo + 1);
    }
    refusals.push({ output, reason: refusal.reason });
  }
}

/** Runs the cell once, or all of its takes, and returns one value that fits its schema. */
async function doOnce(cell: GuardedCellProgram, run: Run, host: GuardHost): Promise<Json> {
  const { takes, cell: inner } = cell;
  const once = async (inRun: Run): Promise<Json> =>
    host.checkOutput(inner, await host.call(inner, inRun));
  if (takes === undefined) return once(run);
  const value = await runTakes(takes, cell.label, run, once, host.runNested);
  // The mean of two numbers may not fit the schema, even if both numbers fit.
  return takes.reduce === 'median' ? host.checkOutput(inner, value) : value;
}

/**
 * Returns the run for one attempt. A redo within an outer redo gets a number of its own, so that no two redos share a
 * variant.
 */
function attemptOf({ post }: GuardedCellProgram, run: Run, refusals: readonly Refusal[]): Run {
  const { take = 0, redo: outer = 0 } = run.variant ?? {};
  const times = Math.max(1, ...post.map(({ maxAttempts }) => maxAttempts));
  const redo = outer * times + refusals.length;
  if (redo === outer) return run;
  return { ...run, refusals: [...refusals], variant: { take, redo } };
}

interface WardRefusal {
  readonly ward: WardProgram;
  readonly reason: string;
}

interface Held {
  readonly refusal?: WardRefusal;
  readonly advisories: readonly Advisory[];
}

/** Asks wards in order, and stops at the first refusal by a ward that is not advisory. */
async function hold(
  wards: readonly WardProgram[],
  cell: GuardedCellProgram,
  run: Run,
  output: Json | undefined,
  runNested: RunNested,
): Promise<Held> {
  const advisories: Advisory[] = [];
  for (const ward of wards) {
    const answer = await askWard(ward, run, output, runNested);
    if (answer === undefined) continue;
    const { reason } = answer;
    if (ward.mode !== 'advisory') return { refusal: { ward, reason }, advisories };
    advisories.push({ cell: cell.name, ward: ward.name, reason });
  }
  return { advisories };
}

function refused(
  cell: GuardedCellProgram,
  { bounds }: Pick<Run, 'bounds'>,
  { ward, reason }: WardRefusal,
  what: 'input' | 'output',
  attempts: number,
): RvbbitError {
  bounds.attempts = attempts;
  const times = attempts === 1 ? '' : ` after ${attempts} attempts`;
  const message = `${cell.label}: ward ${ward.name} refused the ${what}${times}: ${reason}`;
  return new RvbbitError('RVB_WARD', message, { stage: 'execute' });
}
