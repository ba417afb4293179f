/**
 * Finds the query in a text of another kind that a read-only session may run: EXPLAIN of a query, and a temporary table
 * of a query. DuckDB's parser gives a tree for queries alone. So the words before the query are matched strictly, with
 * no comment between them, and DuckDB parses what follows them.
 */

/** DuckDB's blanks. `\\s` has more, which DuckDB may read as parts of names. */
const S = '[ \\t\\n\\r\\f]';
const NAME = String.raw`(?:[A-Za-z_]\w*|"(?:[^"]|"")+")`;
const QUALIFIED = `(?:(?:${NAME}\\.)?${NAME}\\.)?${NAME}`;
/** Blanks and comments. A comment that holds another one is not matched: who reads it might end elsewhere. */
const BLANK = String.raw`(?:[ \t\n\r\f]|--[^\n\r]*(?:[\n\r]|$)|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)*`;
const LEADING = new RegExp(`^${BLANK}`);
const EXPLAIN = new RegExp(
  String.raw`^EXPLAIN(?:${S}+ANALYZE|${S}*\(${S}*(?:ANALYZE${S}*,${S}*)?(?:FORMAT${S}+\w+|ANALYZE)${S}*\))?(?=[( \t\n\r\f])`,
  'i',
);
const TEMP_TABLE = new RegExp(
  `^CREATE${S}+(?:OR${S}+REPLACE${S}+)?(?:TEMP|TEMPORARY)${S}+TABLE${S}+(?:IF${S}+NOT${S}+EXISTS${S}+)?${QUALIFIED}${S}+AS(?=[( \\t\\n\\r\\f])`,
  'i',
);
const VIEW = new RegExp(
  `^CREATE${S}+(?:TEMP${S}+)?VIEW${S}+${QUALIFIED}(?:${S}*\\(${NAME}(?:,${S}*${NAME})*\\))?${S}+AS${S}`,
  'i',
);
/** Statements without a query, which change no data by themselves. */
const TRANSACTION = new RegExp(
  `^(?:(BEGIN|START${S}+TRANSACTION)|COMMIT|END|ROLLBACK|ABORT)(?:${S}+(?:TRANSACTION|WORK))?(?:${S}+READ${S}+ONLY)?${S}*;?${BLANK}$`,
  'i',
);

/** Returns which a text does that is one statement, and only begins or ends a transaction; undefined for another text. */
export function transactionWord(sql: string): 'begin' | 'end' | undefined {
  const match = TRANSACTION.exec(sql.replace(LEADING, ''));
  return match === null ? undefined : match[1] === undefined ? 'end' : 'begin';
}

/** Returns the text after EXPLAIN or `CREATE TEMP TABLE … AS`; undefined if the text begins with neither. */
export function queryWithin(sql: string): string | undefined {
  const own = sql.replace(LEADING, '');
  const head = (EXPLAIN.exec(own) ?? TEMP_TABLE.exec(own))?.[0];
  return head === undefined ? undefined : own.slice(head.length);
}

/** Returns the query of a view, from the text that DuckDB keeps; undefined if the text is not as expected. */
export function queryOfView(sql: string): string | undefined {
  const head = VIEW.exec(sql)?.[0];
  return head === undefined ? undefined : sql.slice(head.length).replace(/;\s*$/, '');
}
