/**
 * The runs that calls of seed functions, such as `rvbbit_run`, ask for: equal inputs share one run, also in different
 * calls.
 */
import type { Cascade } from '../../cascade/cascade.ts';
import { refuseMissingInputs } from '../../cascade/check-inputs.ts';
import { RvbbitError } from '../../errors.ts';
import type { Piece, RunInputs } from '../../execute/chunk.ts';
import type { Operator } from '../../operators/operator.ts';
import { readSeedCall, type SeedCall } from '../../operators/seed-call.ts';
import { listNames } from '../../plan/bind-inputs.ts';
import { findColumn } from '../../util/find-column.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { Tuple } from './answer-book.ts';

/** The value that a run gave: as a text, by the value rule, and in its own type. */
export interface SeedOutcome {
  readonly text: string | null;
  readonly value: Json;
}

/** Runs with the same input names and the same number of parallel lanes. */
export class SeedRuns {
  readonly lanes: number;
  readonly #inputs: JsonObject[] = [];
  readonly #places = new Map<string, number>();
  readonly #outcomes: (SeedOutcome | undefined)[] = [];

  constructor(lanes: number) {
    this.lanes = lanes;
  }

  get size(): number {
    return this.#inputs.length;
  }

  /** The place of the run on this input. It is a new run if there is none yet, or runs are not shared. */
  placeOf(input: JsonObject, isShared: boolean): number {
    const key = JSON.stringify(input);
    const known = isShared ? this.#places.get(key) : undefined;
    if (known !== undefined) return known;
    this.#places.set(key, this.size);
    return this.#inputs.push(input) - 1;
  }

  /** The value that the run gave; undefined if the statement ended before it. */
  outcomeAt(place: number): SeedOutcome | undefined {
    return this.#outcomes[place];
  }

  /** The inputs of these runs. `firstRow` is the first run's place among all of the statement's runs. */
  inputs(firstRow: number): RunInputs {
    const names = Object.keys(this.#inputs[0] ?? {});
    return {
      runCount: this.size,
      read: async (first, count) => {
        const slice = this.#inputs.slice(first, first + count);
        const columns = names.map((name) => [name, slice.map((input) => input[name]!)]);
        return { columns: Object.fromEntries(columns) as Record<string, readonly Json[]> };
      },
      rowsOf: async (run) => [firstRow + run],
    };
  }

  /** Enters the values that runs gave; a failed run gets `fallback`. */
  enter({ firstOrdinal, values, results, failures, notRun }: Piece, fallback: string | null): void {
    const failed = new Set(failures.map(({ index }) => index));
    for (const [index, text] of values.entries()) {
      if (notRun?.includes(index) === true) continue;
      this.#outcomes[firstOrdinal + index] = failed.has(index)
        ? { text: fallback, value: fallback }
        : { text, value: results?.[index] ?? null };
    }
  }
}

/** How many runs these calls ask for. Throws if a call is wrong. */
export function seedRunCount(operator: Operator, questions: readonly Tuple[]): number {
  const { seed, deterministic } = operator;
  const inputs = new Set<string>();
  let count = 0;
  for (const question of questions) {
    const call = seed === undefined ? undefined : readSeedCall(seed, question);
    if (call?.kind === 'batch') count += 1;
    for (const row of rowsOf(call)) {
      count += 1;
      inputs.add(JSON.stringify(inputOf(operator, row)));
    }
  }
  return deterministic && seed !== 'rvbbit_run_batch' ? inputs.size : count;
}

/** The rows of a call that are each a run of their own. */
export function rowsOf(call: SeedCall | undefined): readonly JsonObject[] {
  if (call === undefined || call.kind === 'batch') return [];
  return call.kind === 'run' ? [call.input] : call.rows;
}

/**
 * The columns of a row that the cascade reads, under the cascade's own names, as in MAP. Throws RVB_TYPE_MISMATCH for a
 * missing input.
 */
export function inputOf({ cascade, seed }: Operator, row: JsonObject): JsonObject {
  const columns = Object.keys(row).map((name) => ({ name }));
  const missing = cascade.requiredInputs.filter((name) => findColumn(columns, name) === undefined);
  if (missing.length > 0) {
    const what = `${cascade.file} needs the input${missing.length === 1 ? '' : 's'} ${missing.join(', ')}`;
    const message = `${what}; ${seed} gave it ${listNames(columns) || 'an empty object'}. Add it, or rename a key`;
    throw new RvbbitError('RVB_TYPE_MISMATCH', message, { stage: 'bind' });
  }
  const input =
    cascade.inputColumns === 'all' ? row : projected(cascade.inputColumns, columns, row);
  const given = `${seed} gave it ${listNames(columns) || 'an empty object'}`;
  refuseMissingInputs(cascade, Object.keys(input), given, columns);
  return input;
}

function projected(
  inputs: Exclude<Cascade['inputColumns'], 'all'>,
  columns: readonly { readonly name: string }[],
  row: JsonObject,
): JsonObject {
  const entries = inputs.flatMap((input) => {
    const column = findColumn(columns, input);
    return column === undefined ? [] : [[input, row[column.name]!] as const];
  });
  return Object.fromEntries(entries);
}
