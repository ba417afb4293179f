/** Runs on their way: read from the inputs, run as a chunk, settled as a piece. */

import type { Failure } from '../errors.ts';
import type { AdvisoryReport } from '../run/contract.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** Consecutive runs of a statement with their inputs, column by column. */
export interface Chunk {
  readonly firstOrdinal: number;
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, readonly Json[]>>;
  /** Rows that each run serves; absent where every run serves one. */
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
  /** Indexes of runs that were given up unfinished: they have no outcome. */
  readonly notRun?: readonly number[];
  /** Outputs by cell and values as they were before the value rule, where they were kept. */
  readonly outputs?: readonly JsonObject[];
  readonly results?: readonly Json[];
  readonly advisories?: AdvisoryReport;
}

/** Where a statement's runs take their inputs from. */
export interface RunInputs {
  readonly runCount: number;
  /** Consecutive runs, in order of first occurrence. */
  read(firstRun: number, count: number): Promise<Omit<Chunk, 'firstOrdinal' | 'rowCount'>>;
  /** Rows that a run serves, ascending, at most `max`. */
  rowsOf(run: number, max: number): Promise<readonly number[]>;
}

/** The runs `[from, from + count)` of a chunk, counted within it. */
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
