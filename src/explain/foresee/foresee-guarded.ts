/** Foresees a cell with takes or wards, as if all takes were done and all wards let pass. */
import { indexOf, judgeOf } from '../../run/cells/evaluator.ts';
import { areEqual, medianOf, voteOf } from '../../run/cells/reduce-takes.ts';
import { variantOf } from '../../run/cells/takes.ts';
import type {
  CellProgram,
  GuardedCellProgram,
  InstructionsCellProgram,
  NestedProgram,
  TakesProgram,
} from '../../run/program.ts';
import type { Variant } from '../../run/run-state.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { CallChance, Known } from './foreseen.ts';
import type { Given } from './knowledge.ts';

/** The run that contains the cell. */
export interface GuardedRun {
  readonly chance: CallChance;
  /** Calls `foresee` so that the calls which it notes have this chance. */
  by<T>(chance: CallChance, foresee: () => T): T;
  cell(cell: CellProgram, variant: Variant | undefined): Known;
  ask(cell: InstructionsCellProgram, variant: Variant | undefined, given: Given): Known;
  /** `given`: the values that the nested cascade gets besides the input and the state; undefined if they are not known. */
  nested(program: NestedProgram, given: JsonObject | undefined, variant?: Variant): Known;
  /** Returns the values that a ward gets for an output; undefined if they are not known. */
  toldOf(output: Known): JsonObject | undefined;
}

/** Foresees the cell and its wards. Wards that are cascades make calls. Calls that a refusal would cause are `rare`. */
export function foreseeGuarded(
  cell: GuardedCellProgram,
  run: GuardedRun,
  variant: Variant | undefined,
): Known {
  for (const { check } of cell.pre) {
    if (check.kind === 'cascade') run.nested(check, run.toldOf({ value: null }));
  }
  const known = doneOnce(cell, run, variant);
  for (const { check } of cell.post) {
    if (check.kind === 'cascade') run.nested(check, run.toldOf(known));
  }
  const times = Math.max(1, ...cell.post.map(({ maxAttempts }) => maxAttempts));
  run.by('rare', () => {
    for (let redo = 1; redo < times; redo++) doneOnce(cell, run, { take: 0, redo });
  });
  return known;
}

function doneOnce(
  { takes, cell }: GuardedCellProgram,
  run: GuardedRun,
  variant: Variant | undefined,
): Known {
  if (takes === undefined) return run.cell(cell, variant);
  const { factor, reduce } = takes;
  const done = (take: number): Known =>
    run.cell(cell, variantOf(variant === undefined ? {} : { variant }, takes, take));
  if (reduce === 'first_valid') {
    const first = done(0);
    // A later take runs only if the take before it has failed.
    run.by('rare', () => {
      for (let take = 1; take < factor; take++) done(take);
    });
    return first;
  }
  const all = Array.from({ length: factor }, (_, take) => done(take));
  const values = all.flatMap((known) => (known === undefined ? [] : [known.value]));
  if (values.length < all.length) {
    if (reduce === 'evaluator') best(takes, run, undefined, variant);
    return undefined;
  }
  if (reduce === 'vote') return { value: voteOf(values) };
  if (reduce === 'evaluator') return best(takes, run, values, variant);
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length === values.length ? { value: medianOf(numbers) } : undefined;
}

/** Foresees the choice between takes. If all takes agree, no evaluator is asked. */
function best(
  { evaluator, factor }: TakesProgram,
  run: GuardedRun,
  values: readonly Json[] | undefined,
  variant: Variant | undefined,
): Known {
  if (evaluator === undefined) return values === undefined ? undefined : { value: values[0]! };
  if (values !== undefined && areEqual(values)) return { value: values[0]! };
  const takes = values === undefined ? {} : { takes: values };
  const last = factor - 1;
  const chance = values === undefined && run.chance === 'sure' ? 'open' : run.chance;
  const answer = run.by(chance, () =>
    evaluator.kind === 'cascade'
      ? run.nested(evaluator, values === undefined ? undefined : takes, variant)
      : run.ask(judgeOf(evaluator.cell, last), variant, takes),
  );
  const chosen = answer === undefined ? undefined : indexOf(answer.value, last);
  return values === undefined || chosen === undefined ? undefined : { value: values[chosen]! };
}
