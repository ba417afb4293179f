/** The literals by which clients write bytes: `'\x6869'::bytea`. DuckDB reads each byte with an escape of its own. */
import { createLexeme, Kind, scan } from '../../../grammar/scan.ts';

/** Most statements have none of these, and end here. */
const MAY_HOLD = /'\\x[0-9a-f]*'\s*::\s*(?:pg_catalog\s*\.\s*)?"?bytea/i;
const LITERAL = /^'\\x((?:[0-9a-f]{2})*)'$/i;
const CAST = /^\s*::\s*(?:pg_catalog\s*\.\s*)?"?bytea\b/i;

/** Returns the text with such literals as DuckDB reads them. Texts in other quotes and comments stay. */
export function withByteaLiterals(text: string): string {
  if (!MAY_HOLD.test(text)) return text;
  const lexeme = createLexeme();
  let written = '';
  let from = 0;
  for (scan(text, 0, text.length, lexeme); lexeme.kind !== Kind.End; ) {
    const { kind, start, end } = lexeme;
    const digits = kind === Kind.String ? LITERAL.exec(text.slice(start, end))?.[1] : undefined;
    if (digits !== undefined && CAST.test(text.slice(end))) {
      written += `${text.slice(from, start)}'${digits.replace(/../g, '\\x$&')}'`;
      from = end;
    }
    scan(text, end, text.length, lexeme);
  }
  return written + text.slice(from);
}
