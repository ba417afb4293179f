/** The bounds of the grammar. A statement that is too long or nested too deep gives an `RVB_LIMIT` diagnostic. */

/** Characters (UTF-16 units) of one dialect statement. DuckDB bounds plain SQL itself. */
export const MAX_STATEMENT_CHARS = 1024 * 1024;
/** Brackets that may be open at once in a dialect statement. The parser would exhaust the stack near 1,000. */
export const MAX_NESTING = 200;
/** The largest `PARALLEL n`. */
export const MAX_PARALLEL = 4_096;
/** What `PARALLEL` and `-- @ parallel` mean without a number. */
export const BARE_PARALLEL = 10;
/** Columns of a source line that an excerpt shows. */
export const EXCERPT_COLUMNS = 80;
/** Characters of a token that a message quotes. */
export const QUOTED_TOKEN_CHARS = 40;
