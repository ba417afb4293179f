/** The most rows on which all conditions are tried, to ask the one that decides most rows first. */
const SEMANTIC_SAMPLE_ROWS = 20;
/** The same limit as a share of all rows; the smaller of the two limits holds. */
const SEMANTIC_SAMPLE_PART = 0.04;

/** How many of `rows` candidate rows go into the sample. */
export function sampleSize(rows: number): number {
  return Math.min(SEMANTIC_SAMPLE_ROWS, Math.floor(rows * SEMANTIC_SAMPLE_PART));
}
