/** Rows that all conditions are tried on, so that what decides most is asked first. */
const SEMANTIC_SAMPLE_ROWS = 20;
/** The same as a part of all rows: the smaller of the two bounds holds. */
const SEMANTIC_SAMPLE_PART = 0.04;

/** How many of so many rows are asked everything. */
export function sampleSize(rows: number): number {
  return Math.min(SEMANTIC_SAMPLE_ROWS, Math.floor(rows * SEMANTIC_SAMPLE_PART));
}
