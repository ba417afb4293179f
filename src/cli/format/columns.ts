/** What the formats need to know of a column's type. */

const NUMERIC =
  /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|REAL|DECIMAL\b.*|BIGNUM)$/i;

/** Whether values of the DuckDB type are numbers, which stand to the right. */
export function isNumeric(type: string): boolean {
  return NUMERIC.test(type) && !type.endsWith(']');
}
