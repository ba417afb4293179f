/** Gives the columns of each SELECT list the names that PostgreSQL gives them: DuckDB's are the expressions' texts. */
import { Kind } from '../../../../grammar/scan.ts';
import { quoteIdentifier } from '../../../duck/quote.ts';
import { isKeyword, isName, matching, type Token } from './tokens.ts';

const LIST_ENDS = new Set(['from', 'where', 'group', 'having', 'order', 'limit', 'offset', 'union', 'intersect', 'except', 'window', 'into', 'fetch', 'for']); // biome-ignore format: one list
/** Words that end an operand without being a name, so that what follows may be an alias, and they themselves are none. */
const VALUES = new Set(['null', 'true', 'false', 'end', 'precision', 'zone', 'varying']);
/** PostgreSQL's names of types that are written in another way. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  real: 'float4',
  decimal: 'numeric',
  char: 'bpchar',
};

/** The list of a SELECT that starts at token `start`: its items, each as the indexes of its first token and after its last. */
export function selectItems(
  tokens: readonly Token[],
  start: number,
): (readonly [from: number, to: number])[] {
  const items: (readonly [number, number])[] = [];
  let at = start + 1;
  if (tokens[at]?.word === 'all') at++;
  if (tokens[at]?.word === 'distinct')
    at = tokens[at + 1]?.word === 'on' ? matching(tokens, at + 2, 1) + 1 : at + 1;
  let from = at;
  for (; at <= tokens.length; at++) {
    const token = tokens[at];
    const ends = token === undefined || token.kind === Kind.Close || token.kind === Kind.Semicolon ||
      (token.kind === Kind.Word && LIST_ENDS.has(token.word) && tokens[at - 1]?.kind !== Kind.Dot && tokens[at - 1]?.word !== 'as' &&
        !(token.word === 'from' && tokens[at - 1]?.word === 'distinct')); // biome-ignore format: one condition
    if (ends || token.kind === Kind.Comma) {
      if (at > from) items.push([from, at]);
      from = at + 1;
    }
    if (ends) return items;
    if (token.kind === Kind.Open) at = matching(tokens, at, 1);
  }
  return items;
}

/** Names the columns of all SELECT lists. */
export function nameColumns(tokens: readonly Token[]): void {
  tokens.forEach((token, index) => {
    if (token.kind !== Kind.Word || token.word !== 'select' || tokens[index - 1]?.kind === Kind.Dot)
      return;
    const items = selectItems(tokens, index);
    // PostgreSQL takes a SELECT of no columns.
    if (items.length === 0) token.after = ' 1';
    for (const [from, to] of items) nameItem(tokens, from, to, isArm(tokens, index));
  });
}

/** True if the SELECT at `at` is an arm of a UNION. */
function isArm(tokens: readonly Token[], at: number): boolean {
  const reaches = (step: 1 | -1) => {
    for (let index = at; index >= 0 && index < tokens.length; index += step) {
      const { kind, word } = tokens[index]!;
      if (kind === (step === 1 ? Kind.Close : Kind.Open)) return false;
      if (kind === Kind.Open || kind === Kind.Close) index = matching(tokens, index, step);
      else if (kind === Kind.Word && word === 'union') return true;
    }
    return false;
  };
  return reaches(1) || reaches(-1);
}

function nameItem(tokens: readonly Token[], from: number, to: number, isUnion: boolean): void {
  const last = tokens[to - 1]!;
  if (last.text === '*') return;
  const alias = aliasStart(tokens, from, to);
  // PostgreSQL gives a NULL without a type as text, DuckDB as an integer. In a UNION, another arm may have the type.
  if (!isUnion && tokens[from]!.word === 'null' && (to === from + 1 || alias === from + 1))
    tokens[from]!.after = '::VARCHAR';
  if (alias !== undefined) {
    // PostgreSQL puts names without quotes into lower case. DuckDB wants AS before some of them.
    if (last.kind === Kind.Word) last.out = quoteIdentifier(last.word);
    if (alias === to - 1) last.before = 'AS ';
    return;
  }
  last.after += ` AS ${quoteIdentifier(nameOf(tokens, from, to) ?? '?column?')}`;
}

/** Returns where the alias of an item starts, at AS or at the name; undefined if it has none. */
export function aliasStart(tokens: readonly Token[], from: number, to: number): number | undefined {
  const last = tokens[to - 1]!;
  if (to - from < 2 || (last.kind !== Kind.Word && last.kind !== Kind.QuotedName)) return undefined;
  const before = tokens[to - 2]!;
  if (before.word === 'as' && before.kind === Kind.Word) return to - 2;
  const endsOperand = [Kind.String, Kind.Number, Kind.Close, Kind.QuotedName].includes(before.kind as never) ||
    /^\$\d/.test(before.text) || (before.kind === Kind.Word && (VALUES.has(before.word) || !isKeyword(before)) && before.word !== 'not' && before.word !== 'is' && before.word !== 'double'); // biome-ignore format: one condition
  return endsOperand && !(last.kind === Kind.Word && (VALUES.has(last.word) || isKeyword(last)))
    ? to - 1
    : undefined;
}

/** Returns the name of an expression by the rules of PostgreSQL's FigureColname; undefined if it has none. */
function nameOf(tokens: readonly Token[], from: number, to: number): string | undefined {
  const first = tokens[from]!;
  let at = from;
  let name: string | undefined;
  let isWeak = false;
  if (first.kind === Kind.Open && first.text === '(') {
    at = matching(tokens, from, 1) + 1;
    name =
      tokens[from + 1]?.word === 'select'
        ? selectName(tokens, from + 1)
        : nameOf(tokens, from + 1, at - 1);
  } else if (first.word === 'case' && first.kind === Kind.Word) {
    at = caseEnd(tokens, from) + 1;
    name = elseName(tokens, from, at - 1) ?? 'case';
    isWeak = name === 'case';
  } else if (
    (first.word === 'array' || first.word === 'exists') &&
    tokens[from + 1]?.kind === Kind.Open
  ) {
    at = matching(tokens, from + 1, 1) + 1;
    name = first.word;
  } else if (first.word === 'cast' && tokens[from + 1]?.kind === Kind.Open) {
    at = matching(tokens, from + 1, 1) + 1;
    const as = tokens.findLastIndex(
      ({ word, kind }, index) => index < at && kind === Kind.Word && word === 'as',
    );
    name = nameOf(tokens, from + 2, as) ?? typeName(tokens, as + 1);
  } else if (isName(first)) {
    name = first.word;
    at = from + 1;
    if (VALUES.has(name) && first.kind === Kind.Word) name = undefined;
    if (name === 'trim' && tokens[at]?.text === '(')
      name = { leading: 'ltrim', trailing: 'rtrim' }[tokens[at + 1]?.word ?? ''] ?? 'btrim';
    if (tokens[at]?.kind === Kind.Open && tokens[at]?.text === '(')
      at = matching(tokens, at, 1) + 1;
  } else if (
    first.kind === Kind.String ||
    first.kind === Kind.Number ||
    first.text.startsWith('$')
  ) {
    at = from + 1;
  } else {
    return undefined;
  }
  return (
    restOfName(tokens, at, to, isWeak ? undefined : name) ??
    (isWeak && at === to ? name : undefined)
  );
}

/** Reads what may follow an operand: fields, subscripts and casts. Anything else is an operator, and the item has no name. */
function restOfName(
  tokens: readonly Token[],
  start: number,
  to: number,
  of: string | undefined,
): string | undefined {
  let name = of;
  // A cast gives its name only where there is none; the outermost counts.
  const isNamed = of !== undefined;
  let at = start;
  while (at < to) {
    const { kind, text, word } = tokens[at]!;
    if (kind === Kind.Dot) {
      name = tokens[at + 1]!.word;
      at += 2;
      if (tokens[at]?.text === '(' && at < to) at = matching(tokens, at, 1) + 1;
    } else if (text === '[') {
      at = matching(tokens, at, 1) + 1;
    } else if (text === '::') {
      if (!isNamed) name = typeName(tokens, at + 1);
      at += 2;
      while (
        at < to &&
        (tokens[at]!.kind === Kind.Dot ||
          tokens[at - 1]!.kind === Kind.Dot ||
          VALUES.has(tokens[at]!.word) ||
          tokens[at]!.kind === Kind.Open)
      ) {
        at = tokens[at]!.kind === Kind.Open ? matching(tokens, at, 1) + 1 : at + 1;
      }
    } else if (word === 'collate') {
      at += 2;
      while (tokens[at]?.kind === Kind.Dot && at < to) at += 2;
    } else if ((word === 'over' || word === 'filter') && tokens[at + 1]?.kind === Kind.Open) {
      at = matching(tokens, at + 1, 1) + 1;
    } else {
      return undefined;
    }
  }
  return name;
}

function typeName(tokens: readonly Token[], start: number): string {
  const at = tokens[start + 1]?.kind === Kind.Dot ? start + 2 : start;
  const { word, kind } = tokens[at]!;
  return kind === Kind.Word ? (TYPE_NAMES[word] ?? word) : word;
}

function selectName(tokens: readonly Token[], start: number): string | undefined {
  const [item] = selectItems(tokens, start);
  if (item === undefined) return undefined;
  return aliasStart(tokens, ...item) === undefined
    ? nameOf(tokens, ...item)
    : tokens[item[1] - 1]!.word;
}

function caseEnd(tokens: readonly Token[], start: number): number {
  let depth = 0;
  for (let at = start; at < tokens.length; at++) {
    const { word, kind } = tokens[at]!;
    if (kind !== Kind.Word || tokens[at - 1]?.kind === Kind.Dot) continue;
    if (word === 'case') depth++;
    if (word === 'end' && --depth === 0) return at;
  }
  return tokens.length - 1;
}

/** A CASE is called like a column or a call in its ELSE. */
function elseName(tokens: readonly Token[], start: number, end: number): string | undefined {
  let depth = 0;
  for (let at = start; at < end; at++) {
    const { word, kind } = tokens[at]!;
    if (kind === Kind.Open) at = matching(tokens, at, 1);
    else if (kind === Kind.Word && word === 'case') depth++;
    else if (kind === Kind.Word && word === 'end') depth--;
    else if (kind === Kind.Word && word === 'else' && depth === 1) {
      const isStrong = isName(tokens[at + 1]) && !VALUES.has(tokens[at + 1]!.word);
      return isStrong ? nameOf(tokens, at + 1, end) : undefined;
    }
  }
  return undefined;
}
