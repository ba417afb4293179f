/** Colours typed SQL by the lexer of the grammar. */
import { styleText } from 'node:util';
import { createLexeme, Kind, scan } from '../../../grammar/scan.ts';

/** Words that are coloured in every statement: SQL's common keywords. */
const SQL_WORDS = `ADD ALL ALTER ANALYZE AND ANTI ANY AS ASC ASOF ATTACH BEGIN BETWEEN BY CALL CASE CAST CHECK COLUMN COMMIT
  COPY CREATE CROSS CUBE DEFAULT DELETE DESC DESCRIBE DETACH DISTINCT DROP ELSE END EXCEPT EXCLUDE EXECUTE EXISTS EXPLAIN
  EXPORT FALSE FETCH FILTER FOREIGN FROM FULL FUNCTION GROUP HAVING IF ILIKE IMPORT IN INDEX INNER INSERT INSTALL INTERSECT
  INTO IS JOIN KEY LATERAL LEFT LIKE LIMIT LOAD MACRO MERGE NATURAL NOT NULL OFFSET ON OR ORDER OUTER OVER PARTITION PIVOT
  POSITIONAL PRAGMA PREPARE PRIMARY QUALIFY RECURSIVE REFERENCES REPLACE RETURNING RIGHT ROLLBACK ROLLUP ROWS SAMPLE SCHEMA
  SELECT SEMI SEQUENCE SET SHOW SUMMARIZE TABLE TABLESAMPLE TEMP TEMPORARY THEN TRANSACTION TRUE TRUNCATE UNION UNIQUE UNPIVOT
  UPDATE USE USING VALUES VIEW WHEN WHERE WINDOW WITH`;
/** Words of the dialect, which are coloured where a statement begins as one. */
const DIALECT_WORDS = 'RVBBIT MAP RUN PARALLEL BATCH ASYNC AWAIT CANCEL JOBS TABLES';

const SQL: ReadonlySet<string> = new Set(SQL_WORDS.split(/\s+/));
const DIALECT: ReadonlySet<string> = new Set(DIALECT_WORDS.split(' '));

/** True for a common keyword of SQL, in any case. */
export function isSqlWord(word: string): boolean {
  return SQL.has(word.toUpperCase());
}

type Style = Parameters<typeof styleText>[0];

/** Returns the text from `from` on, coloured. The text before it decides what is open there. */
export function highlight(text: string, from = 0): string {
  const lexeme = createLexeme();
  const pieces: string[] = [];
  const isDialect = /\brvbbit\b/i.test(text);
  let done = from;
  const put = (end: number, style: Style | undefined) => {
    if (end <= done) return;
    const piece = text.slice(done, end);
    pieces.push(style === undefined ? piece : painted(style, piece));
    done = end;
  };
  for (let at = 0; ; at = lexeme.end) {
    scan(text, at, text.length, lexeme);
    const isComment = lexeme.unterminated === 'comment' || lexeme.kind === Kind.End;
    const gapEnd = isComment ? text.length : lexeme.start;
    // Between two lexemes there are only blanks and comments.
    put(gapEnd, 'dim');
    if (isComment) return pieces.join('');
    put(lexeme.end, styleOf(lexeme.kind, text.slice(lexeme.start, lexeme.end), isDialect));
  }
}

function styleOf(kind: Kind, piece: string, isDialect: boolean): Style | undefined {
  if (kind === Kind.String) return 'green';
  if (kind === Kind.QuotedName) return 'yellow';
  if (kind === Kind.Number) return 'cyan';
  if (kind !== Kind.Word) return undefined;
  const word = piece.toUpperCase();
  if (isDialect && DIALECT.has(word)) return 'magenta';
  return SQL.has(word) ? 'blue' : undefined;
}

/** Each line is coloured by itself, because a prompt may come between two lines. */
function painted(style: Style, piece: string): string {
  return piece.replace(/\S[^\n]*/g, (part) => styleText(style, part, { validateStream: false }));
}
