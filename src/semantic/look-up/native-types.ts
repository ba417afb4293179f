/** Types that a function written in JavaScript takes and gives as they are; any other goes by its text. */
export const NATIVE_TYPES: ReadonlySet<string> = new Set([
  'BOOLEAN',
  'DOUBLE',
  'INTEGER',
  'BIGINT',
  'VARCHAR',
]);
