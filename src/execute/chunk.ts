/** The forms in which runs travel: inputs go out as a chunk, and outcomes come back as a piece. */

import type { Failure } from '../errors.ts';
import type { AdvisoryReport } from '../run/contract.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** Consecutive runs of a statement with their inputs, column by column. */
export interface Chunk {
  readonly firstOrdinal: number;
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, readonly Json[]>>;
  /** The number of rows that each run serves; absent if every run serves one row. */
  readonly weights?: readonly number[];
}

/** A failed run of a piece. */
export interface RunFailure extends Failure {
  /** Index in the piece. */
  readonly index: number;
  /** Attempts made, the failing one included. */
  readonly attempts: number;
}

/** Outcomes of consecutive runs. `values[i]` belongs to run `firstOrdinal + i`. */
export interface Piece {
  readonly firstOrdinal: number;
  readonly values: readonly (string | null)[];
  readonly failures: readonly RunFailure[];
  /** Indexes of runs that a `when` left without a value. */
  readonly skipped: readonly number[];
  /** Indexes of runs that ended with RVB_BUDGET. They count as not run and have no outcome. */
  readonly notRun?: readonly number[];
  /** For each run: its outputs by cell, and in `results` its value before the value rule. Absent if they were not kept. */
  readonly outputs?: readonly JsonObject[];
  readonly results?: readonly Json[];
  readonly advisories?: AdvisoryReport;
}

/** The source of the inputs of a statement's runs. */
export interface RunInputs {
  readonly runCount: number;
  /** Reads consecutive runs. Runs are numbered in the order of their first rows. */
  read(firstRun: number, count: number): Promise<Omit<Chunk, 'firstOrdinal' | 'rowCount'>>;
  /** Returns the ordinals of the rows that a run serves, ascending, at most `max`. */
  rowsOf(run: number, max: number): Promise<readonly number[]>;
}

/** Returns the runs `[from, from + count)` of a chunk, counted from the chunk's first run. */
export function subChunk(chunk: Chunk, from: number, count: number): Chunk {
  const columns: Record<string, readonly Json[]> = {};
  for (const name of Object.keys(chunk.columns)) {
    columns[name] = chunk.columns[name]!.slice(from, from + count);
  }
  return {
    firstOrdinal: chunk.firstOrdinal + from,
    rowCount: count,
    columns,
    ...(chunk.weights === undefined ? {} : { weights: chunk.weights.slice(from, from + count) }),
  };
}
