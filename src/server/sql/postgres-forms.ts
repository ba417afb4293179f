/** What only Postgres reads, as DuckDB reads it: literals of bytes and arrays, `jsonb`, SERIAL, `quote_literal`. */
import { Kind } from '../../../grammar/scan.ts';
import { quoteIdentifier, quoteLiteral } from '../../duck/quote.ts';
import { FUNCTIONS } from './catalogue/functions.ts';
import { nameColumns } from './catalogue/name-columns.ts';
import { isKeyword, isName, matching, readTokens, type Token, textOf } from './catalogue/tokens.ts';
import { readArrayText } from './types/decode.ts';

/** Most statements have none of these, and end here. */
const MAY_HOLD = /'\\x|'\s*\{|\bjsonb\b|serial|\bquote_(?:literal|ident)\b/i;
const BYTES = /^'\\x((?:[0-9a-f]{2})*)'$/i;
/** The types that count up, and those that DuckDB has in their place. */
const SERIAL: Readonly<Record<string, string>> = {
  smallserial: 'SMALLINT',
  serial2: 'SMALLINT',
  serial: 'INTEGER',
  serial4: 'INTEGER',
  bigserial: 'BIGINT',
  serial8: 'BIGINT',
};

/** A statement as DuckDB reads it, and the sequences that its table counts with. They must be made before. */
export interface Readable {
  readonly sql: string;
  readonly sequences: readonly string[];
}

/** Returns the statement with the forms of Postgres replaced. Texts in other quotes and comments stay. */
export function readable(text: string): Readable {
  const tokens = MAY_HOLD.test(text) ? readTokens(text) : undefined;
  if (tokens === undefined) return { sql: text, sequences: [] };
  const table = tableOf(tokens);
  const sequences: string[] = [];
  let hasQuotes = false;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === Kind.String) literal(tokens, at);
    else if (token.kind !== Kind.Word || tokens[at - 1]?.kind === Kind.Dot) continue;
    else if (token.word === 'jsonb' && isType(tokens, at, table)) token.out = 'JSON';
    else if (token.word in SERIAL && table !== undefined && isColumnType(tokens, at, table)) {
      sequences.push(serial(tokens, at, table));
    } else if (/^quote_(?:literal|ident)$/.test(token.word) && tokens[at + 1]?.text === '(') {
      inline(tokens, at);
      hasQuotes = true;
    }
  }
  if (hasQuotes) nameColumns(tokens);
  return { sql: textOf(tokens), sequences };
}

/** `'\x6869'::bytea`, `x = ANY ('{1,2}')` and `'{1,2}'::int[]`. */
function literal(tokens: readonly Token[], at: number): void {
  const token = tokens[at]!;
  const digits = BYTES.exec(token.text)?.[1];
  if (digits !== undefined) {
    const type = tokens[at + 2]?.word === 'pg_catalog' ? tokens[at + 4] : tokens[at + 2];
    if (tokens[at + 1]?.text === '::' && type?.word === 'bytea')
      token.out = `'${digits.replace(/../g, '\\x$&')}'`;
    return;
  }
  const isCast = isListCast(tokens, at + 1);
  const isWhole = tokens[at - 1]?.text === '(' && tokens[at + 1]?.text === ')';
  const word = isWhole ? tokens[at - 2]?.word : undefined;
  const isCompared = word === 'any' || word === 'some' || word === 'all';
  if (!isCast && !isCompared) return;
  const items = readArrayText(token.text.slice(1, -1).replaceAll("''", "'"));
  if (items === undefined) return;
  token.out = listText(items);
  const sign = tokens[at - 3]?.text ?? '';
  const isIn = (sign === '=' && word !== 'all') || (/^(?:<>|!=)$/.test(sign) && word === 'all');
  // DuckDB compares a list by its type, and the texts of IN by the type of the other side.
  if (isCompared && isIn && items.length > 0 && !items.some(Array.isArray)) {
    tokens[at - 3]!.out = '';
    tokens[at - 2]!.out = word === 'all' ? ' NOT IN' : ' IN';
    token.out = token.out.slice(1, -1);
  }
}

function listText(items: readonly unknown[]): string {
  const texts = items.map((item) =>
    Array.isArray(item) ? listText(item) : typeof item === 'string' ? quoteLiteral(item) : 'NULL',
  );
  return `[${texts.join(', ')}]`;
}

/** True for `::int[]`, `::character varying(9)[]` and the like. */
function isListCast(tokens: readonly Token[], start: number): boolean {
  if (tokens[start]?.text !== '::') return false;
  let at = start + 1;
  while (isName(tokens[at]) || tokens[at]?.kind === Kind.Dot) at += 1;
  if (tokens[at]?.text === '(') at = matching(tokens, at, 1) + 1;
  return tokens[at]?.text === '[';
}

/** The table that a CREATE TABLE or ALTER TABLE is about. */
interface Table {
  /** Its name as written, with its schema before it: the index of its first token and after its last. */
  readonly from: number;
  readonly to: number;
  /** Where a query begins, as in CREATE TABLE AS. */
  readonly end: number;
  readonly verb: string;
  readonly isTemporary: boolean;
  readonly mayBeThere: boolean;
}

function tableOf(tokens: readonly Token[]): Table | undefined {
  const [first] = tokens;
  const at = tokens.findIndex(({ word }) => word === 'table');
  if (at < 1 || at > 4 || (first?.word !== 'create' && first?.word !== 'alter')) return undefined;
  const mayBeThere = tokens[at + 1]?.word === 'if';
  let from = at + 1;
  while (/^(?:if|not|exists|only)$/.test(tokens[from]?.word ?? '')) from += 1;
  let to = from + 1;
  while (tokens[to]?.kind === Kind.Dot) to += 2;
  const query = tokens.findIndex(({ word, kind }) => kind === Kind.Word && word === 'select');
  const isTemporary = tokens.slice(0, at).some(({ word }) => word.startsWith('temp'));
  return {
    from,
    to,
    end: query === -1 ? tokens.length : query,
    verb: first.word,
    isTemporary,
    mayBeThere,
  };
}

function isType(tokens: readonly Token[], at: number, table: Table | undefined): boolean {
  const before = tokens[at - 1];
  const isInCast = before?.word === 'as' && /^[)[]$/.test(tokens[at + 1]?.text ?? '');
  return (
    before?.text === '::' ||
    isInCast ||
    tokens[at + 1]?.kind === Kind.String ||
    (table !== undefined && isColumnType(tokens, at, table))
  );
}

function isColumnType(tokens: readonly Token[], at: number, { to, end }: Table): boolean {
  const before = tokens[at - 1];
  return at > to && at < end && isName(before) && !isKeyword(before);
}

/** Makes a column count with a sequence. Returns the statement that makes it. */
function serial(tokens: readonly Token[], at: number, table: Table): string {
  const { from, to, verb, isTemporary, mayBeThere } = table;
  const token = tokens[at]!;
  const schema = tokens.slice(from, to - 1).map(({ text }) => text);
  const column = tokens[at - 1]!.word;
  const name = `${schema.join('')}${quoteIdentifier(`${tokens[to - 1]!.word}_${column}_seq`)}`;
  // DuckDB adds no column with a constraint.
  const rule = verb === 'create' ? ' NOT NULL' : '';
  token.out = `${SERIAL[token.word]} DEFAULT nextval(${quoteLiteral(name)})${rule}`;
  const [replace, ifMissing] = mayBeThere ? ['', 'IF NOT EXISTS '] : ['OR REPLACE ', ''];
  return `CREATE ${replace}${isTemporary ? 'TEMPORARY ' : ''}SEQUENCE ${ifMissing}${name}`;
}

/** Puts the body of a function of one parameter in place of its call. */
function inline(tokens: readonly Token[], at: number): void {
  const [[parameter, body]] = FUNCTIONS[tokens[at]!.word] as [readonly [string, string]];
  const close = matching(tokens, at + 1, 1);
  tokens[at]!.out = 'list_transform';
  tokens[at + 1]!.out = '([(';
  tokens[close]!.out = `)::VARCHAR], lambda ${parameter}: ${body})[1]`;
}
