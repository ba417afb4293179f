import type { Span } from '../ast.ts';
import { Kind } from '../scan.ts';
import type { StatementWords } from './statement-words.ts';

/** An UPDATE or DELETE, and the query that reads the same rows and changes nothing. */
export interface ChangeParts {
  readonly kind: 'change';
  readonly verb: string;
  /** That query: pieces of the source with SQL text between them, without the columns that an UPDATE sets. */
  readonly dry: readonly (Span | string)[];
  /** The condition of the WHERE clause. */
  readonly where?: Span;
}

/** The lexemes from index `from` up to, but not including, index `to`. */
type Section = readonly [from: number, to: number];

/**
 * Returns the parts of the UPDATE or DELETE at lexeme `at`; undefined for an UPDATE without SET.
 * `UPDATE t SET a = x FROM u WHERE w RETURNING r` reads the same as `SELECT (x), r FROM t, u WHERE w`. A DELETE has
 * USING instead of FROM.
 */
export function changeParts(words: StatementWords, at: number): ChangeParts | undefined {
  const verb = words.text(at);
  const isUpdate = verb === 'UPDATE';
  const set = isUpdate ? words.find(at, 'SET') : -1;
  if (isUpdate && set < 0) return undefined;
  const where = words.find(Math.max(at, set), 'WHERE');
  const returning = words.find(Math.max(at, set, where), 'RETURNING');
  const stop = (...ends: number[]) => Math.min(...ends.filter((end) => end >= 0), words.length);
  const others = words.findFrom(
    isUpdate ? set : at + 2,
    (index) =>
      index < stop(where, returning) &&
      words.text(index) === (isUpdate ? 'FROM' : 'USING') &&
      // The FROM of `a IS DISTINCT FROM b` begins no clause.
      words.text(index - 1) !== 'DISTINCT',
  );
  const after = (word: number, ...ends: number[]): Section =>
    word < 0 ? [0, 0] : [word + 1, stop(...ends)];
  const before: Section = [0, at];
  const table: Section = [isUpdate ? at + 1 : at + 2, stop(set, others, where, returning)];
  const assigned = after(set, others, where, returning);
  const sources = after(others, where, returning);
  const condition = after(where, returning);
  // DuckDB numbers the parameters that are written `?` in this order.
  const counted = isUpdate ? [before, sources, assigned, condition] : [before, condition, sources];
  const instead = readInstead(words, counted);
  const read = (section: Section) => pieces(words, section, instead);
  return {
    kind: 'change',
    verb,
    dry: [
      ...read(before),
      ' SELECT 1',
      ...valuesIn(words, assigned).flatMap((value) => [', (', ...read(value), '\n)']),
      ...(returning < 0 ? [] : [', ', words.cut(...after(returning)), '\n']),
      ' FROM ',
      words.cut(...table),
      ...(others < 0 ? [] : [', ', ...read(sources)]),
      ...(where < 0 ? [] : ['\nWHERE ', ...read(condition)]),
    ],
    ...(where < 0 ? {} : { where: words.cut(...condition) }),
  };
}

/** Returns the values `x` and `y` of `a = x, b = y`. */
function valuesIn({ lexemes, depths }: StatementWords, [from, to]: Section): readonly Section[] {
  const values: Section[] = [];
  const depth = depths[from] ?? 0;
  let start = from;
  for (let index = from; index <= to; index++) {
    const isComma = lexemes[index]?.kind === Kind.Comma && depths[index] === depth;
    if (index < to && !isComma) continue;
    let equals = start;
    while (equals < index && !(lexemes[equals]!.text === '=' && depths[equals] === depth)) equals++;
    if (equals + 1 < index) values.push([equals + 1, index]);
    start = index + 1;
  }
  return values;
}

/**
 * Returns the texts that replace lexemes in the SELECT, by lexeme index. A SELECT does not accept DEFAULT, and it
 * would number each `?` in a different order.
 */
function readInstead(
  { source, lexemes }: StatementWords,
  counted: readonly Section[],
): ReadonlyMap<number, string> {
  const instead = new Map<number, string>();
  let parameters = 0;
  for (const [from, to] of counted) {
    for (let index = from; index < to; index++) {
      const { start, end, text } = lexemes[index]!;
      const isColumn = lexemes[index - 1]?.kind === Kind.Dot;
      if (text === 'DEFAULT' && !isColumn) instead.set(index, ' NULL ');
      if (source.slice(start, end) === '?') instead.set(index, ` $${++parameters} `);
    }
  }
  return instead;
}

function pieces(
  words: StatementWords,
  [from, to]: Section,
  instead: ReadonlyMap<number, string>,
): (Span | string)[] {
  const found: (Span | string)[] = [];
  let start = from;
  for (let index = from; index < to; index++) {
    const text = instead.get(index);
    if (text === undefined) continue;
    if (start < index) found.push(words.cut(start, index));
    found.push(text);
    start = index + 1;
  }
  if (start < to) found.push(words.cut(start, to));
  return found;
}
