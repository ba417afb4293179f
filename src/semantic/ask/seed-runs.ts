/** Runs that calls of the seeds' functions ask for: equal inputs are one run, whichever calls they stand in. */
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

/** What a run gave: as the value rule has it, and as it was. */
export interface SeedOutcome {
  readonly text: string | null;
  readonly value: Json;
}

/** Runs with the same input names and the same number of lanes. */
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

  /** The place of the run on this input; a new one where there is none or each is to be run. */
  placeOf(input: JsonObject, isShared: boolean): number {
    const key = JSON.stringify(input);
    const known = isShared ? this.#places.get(key) : undefined;
    if (known !== undefined) return known;
    this.#places.set(key, this.size);
    return this.#inputs.push(input) - 1;
  }

  /** What the run gave; undefined where the statement ended before it. */
  outcomeAt(place: number): SeedOutcome | undefined {
    return this.#outcomes[place];
  }

  /** `firstRow` is the first run's place among all of the statement's. */
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

  /** Takes in what runs gave; failed ones count as `fallback`. */
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

/** How many runs calls ask for. Throws what is wrong with one. */
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

/** The rows that are each a run. */
export function rowsOf(call: SeedCall | undefined): readonly JsonObject[] {
  if (call === undefined || call.kind === 'batch') return [];
  return call.kind === 'map' ? call.rows : [call.input];
}

/** What of a row the cascade reads, under its own names, as MAP gives it. Throws RVB_TYPE_MISMATCH for what is not there. */
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
