/** How many rows a search for the first rows of a LIMIT asks about at a time. */

/** The number of rows that are likely to hold all that are still wanted, and at most the number of parallel calls. */
export function lookAhead(
  { met, decided, wanted }: Readonly<Record<'met' | 'decided' | 'wanted', number>>,
  parallel: number,
): number {
  const part = (met + 1) / (decided + 2);
  const likely = Math.ceil((wanted - met) / part);
  return Math.max(1, Math.min(parallel, likely));
}
