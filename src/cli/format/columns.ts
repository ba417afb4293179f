/** Tells the formats which columns are numeric. */

const NUMERIC =
  /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|REAL|DECIMAL\b.*|BIGNUM)$/i;

/** True if values of the DuckDB type are numbers, which are aligned to the right. */
export function isNumeric(type: string): boolean {
  return NUMERIC.test(type) && !type.endsWith(']');
}
