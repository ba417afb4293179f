/** A cell with takes or wards: its input is looked at, it is done, its output is looked at, maybe done again. */
import { RvbbitError } from '../../errors.ts';
import type { Json } from '../../util/json.ts';
import type { Advisory } from '../contract.ts';
import type { CellProgram, GuardedCellProgram, WardProgram } from '../program.ts';
import { beginStep, type Refusal, type Run } from '../run-state.ts';
import type { RunNested } from './cascade.ts';
import { runTakes } from './takes.ts';
import { askWard } from './wards.ts';

/** How the cell inside is done. */
export interface GuardHost {
  call(cell: CellProgram, run: Run): Json | Promise<Json>;
  /** The output, or RVB_ANSWER_INVALID where it does not fit `output_schema`. */
  checkOutput(cell: CellProgram, output: Json): Json;
  readonly runNested: RunNested;
}

/**
 * Pre wards look once, then the cell is done; the post wards look in order, and the first that refuses has
 * it done again (`retry`) or ends it (RVB_WARD). What a ward refused is never the value.
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

/** One value of the cell that fits its schema: of all takes, where there are several. */
async function doOnce(cell: GuardedCellProgram, run: Run, host: GuardHost): Promise<Json> {
  const { takes, cell: inner } = cell;
  const once = async (inRun: Run): Promise<Json> =>
    host.checkOutput(inner, await host.call(inner, inRun));
  if (takes === undefined) return once(run);
  const value = await runTakes(takes, cell.label, run, once, host.runNested);
  // A mean of two numbers need not fit the schema that both fit.
  return takes.reduce === 'median' ? host.checkOutput(inner, value) : value;
}

/** The run of one attempt; redos within a redo are numbered through, so that no two are one variant. */
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

/** Asks wards in order, up to the first that refuses and is not advisory. */
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
