/** Runs a cell several times, one after another, and reduces the outputs to one value. */
import { assertUnreachable, type Failure, failureOf, RvbbitError } from '../../errors.ts';
import type { Json } from '../../util/json.ts';
import type { TakesProgram } from '../program.ts';
import { beginStep, endsRun, type Run, type Variant } from '../run-state.ts';
import type { RunNested } from './cascade.ts';
import { chooseTake } from './evaluator.ts';
import { areEqual, medianOf, voteOf } from './reduce-takes.ts';

/**
 * Runs the cell `factor` times, each time under a variant of its own, and reduces the outputs of the takes that succeed.
 * If no take succeeds, the cell fails with the code of the first failure. A failure that ends the run also ends the
 * takes.
 */
export async function runTakes(
  takes: TakesProgram,
  label: string,
  run: Run,
  once: (run: Run) => Promise<Json>,
  runNested: RunNested,
): Promise<Json> {
  const values: Json[] = [];
  let firstFailure: (Failure & { readonly attempts: number }) | undefined;
  for (let take = 0; take < takes.factor; take++) {
    beginStep(run, label);
    try {
      const value = await once({ ...run, variant: variantOf(run, takes, take) });
      if (takes.reduce === 'median' && typeof value !== 'number') throw notANumber(label, value);
      values.push(value);
      if (takes.reduce === 'first_valid') break;
    } catch (error) {
      if (endsRun(run, error)) throw error;
      firstFailure ??= { ...failureOf(error), attempts: run.bounds.attempts };
    }
  }
  if (values.length === 0) {
    run.bounds.attempts = firstFailure?.attempts ?? 1;
    throw allFailed(takes, label, firstFailure);
  }
  return reduce(takes, run, values, runNested);
}

/**
 * Returns the variant of a take. A take within an outer take gets a number of its own, so that no two takes share a
 * variant.
 */
export function variantOf(
  { variant }: Pick<Run, 'variant'>,
  { factor }: TakesProgram,
  take: number,
): Variant {
  const { take: outer = 0, redo = 0 } = variant ?? {};
  return { take: outer * factor + take, redo };
}

async function reduce(
  takes: TakesProgram,
  run: Run,
  values: readonly Json[],
  runNested: RunNested,
): Promise<Json> {
  switch (takes.reduce) {
    case 'vote':
      return voteOf(values);
    case 'median':
      return medianOf(values as readonly number[]);
    case 'first_valid':
      return values[0]!;
    case 'evaluator':
      // If there is only one take, or all takes are equal, no call is needed to choose.
      if (takes.evaluator === undefined || areEqual(values)) return values[0]!;
      return values[await chooseTake(takes.evaluator, run, values, runNested)]!;
    default:
      return assertUnreachable(takes.reduce);
  }
}

function notANumber(label: string, value: Json): RvbbitError {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
  const message = `${label}: a take gave a value that is no number (${kind}), and median needs numbers; output_schema: { type: number } asks for one`;
  return new RvbbitError('RVB_ANSWER_INVALID', message, { stage: 'execute' });
}

function allFailed(takes: TakesProgram, label: string, first: Failure | undefined): RvbbitError {
  const { code = 'RVB_INTERNAL', message = '' } = first ?? {};
  const cause = message.startsWith(`${label}: `) ? message.slice(label.length + 2) : message;
  const count = `${takes.factor} of ${takes.factor} takes failed`;
  return new RvbbitError(code, `${label}: ${count}, the first with: ${cause}`, {
    stage: 'execute',
  });
}
