/** The tokens of a statement, with the text that each becomes. */
import { createLexeme, Kind, scan } from '../../../../grammar/scan.ts';

/** A token. `text` is as in the source, `word` in lower case if it is a word or a quoted name, else ''. */
export interface Token {
  readonly kind: Kind;
  readonly text: string;
  readonly word: string;
  /** Where the white space and comments before it start. */
  readonly gap: string;
  /** What it becomes; each edit adds to it. */
  out: string;
  /** Text before and after it. */
  before: string;
  after: string;
  /** True after `pg_catalog.`, which is left out. */
  isQualified: boolean;
}

const SYMBOLS = /^[~!@#%^&|?<>=:*]$/;

/** Reads a statement. Returns undefined if it does not end properly; the engine says what is wrong. */
export function readTokens(sql: string): Token[] | undefined {
  const tokens: Token[] = [];
  const lexeme = createLexeme();
  let at = 0;
  let end = 0;
  while (true) {
    scan(sql, at, sql.length, lexeme);
    if (lexeme.unterminated !== undefined) return undefined;
    if (lexeme.kind === Kind.End) return tokens;
    const text = sql.slice(lexeme.start, lexeme.end);
    const last = tokens.at(-1);
    const symbols = SYMBOLS.test(text);
    if (symbols && last !== undefined && lexeme.start === end && isSymbols(last.text + text)) {
      tokens[tokens.length - 1] = tokenOf(Kind.Operator, last.text + text, last.gap);
    } else {
      tokens.push(tokenOf(lexeme.kind, text, sql.slice(end, lexeme.start)));
    }
    at = lexeme.end;
    end = lexeme.end;
  }
}

/** True for the operators of several characters that matter here. */
function isSymbols(text: string): boolean {
  return ['::', '~*', '!~', '!~*', '!~~', '!~~*', '~~', '~~*', '<>', '!=', '<=', '>=', '<@', '@>', '&&', '||', '->', '->>'].includes(text); // biome-ignore format: one list
}

function tokenOf(kind: Kind, text: string, gap: string): Token {
  const word =
    kind === Kind.Word
      ? text.toLowerCase()
      : kind === Kind.QuotedName
        ? text.slice(1, -1).replaceAll('""', '"')
        : '';
  return { kind, text, word, gap, out: text, before: '', after: '', isQualified: false };
}

/** Returns the rewritten statement. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ gap, before, out, after }) => gap + before + out + after).join('');
}

/** Returns the index of the bracket that belongs to the one at `index`; `step` is 1 for an opening one, -1 for a closing one. */
export function matching(tokens: readonly Token[], index: number, step: 1 | -1): number {
  let depth = 0;
  for (let at = index; at >= 0 && at < tokens.length; at += step) {
    const { kind } = tokens[at]!;
    if (kind === Kind.Open) depth += step;
    if (kind === Kind.Close) depth -= step;
    if (depth === 0) return at;
  }
  return step === 1 ? tokens.length - 1 : 0;
}

/** Words that end an operand, or that no operand, alias or function is called. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  'all and any array as asc between by case cross desc distinct else end except exists fetch filter for from full group having ilike in inner intersect into is join lateral left like limit natural not offset on or order outer over right select similar some tablesample then union using values when where window with'.split(
    ' ',
  ),
);

/** True for a word of the source that is a keyword. */
export function isKeyword(token: Token | undefined): boolean {
  return token?.kind === Kind.Word && KEYWORDS.has(token.word);
}

/** True for a word, or a quoted name, that is a name. */
export function isName(token: Token | undefined): boolean {
  return (
    token?.kind === Kind.QuotedName || (token?.kind === Kind.Word && !KEYWORDS.has(token.word))
  );
}

/** Returns the index where the operand starts that ends at `index`: a literal, a name, a call, brackets, with casts and subscripts. */
export function operandStart(tokens: readonly Token[], index: number): number {
  let at = index;
  while (tokens[at]?.kind === Kind.Close) {
    const isSubscript = tokens[at]!.text === ']';
    at = matching(tokens, at, -1);
    const before = tokens[at - 1];
    if (isSubscript && (before?.kind === Kind.Close || isName(before) || before?.word === 'array'))
      at--;
    else if (
      !isSubscript &&
      (isName(before) || ['array', 'any', 'exists'].includes(before?.word ?? ''))
    )
      at--;
    else break;
  }
  while (tokens[at - 1]?.kind === Kind.Dot && isName(tokens[at - 2])) at -= 2;
  if (tokens[at - 1]?.kind === Kind.Dot && tokens[at - 2]?.kind === Kind.Close)
    return operandStart(tokens, at - 2);
  return tokens[at - 1]?.text === '::' ? operandStart(tokens, at - 2) : at;
}

/** Returns the index where the operand ends that starts at `index`. */
export function operandEnd(tokens: readonly Token[], index: number): number {
  let at = tokens[index]?.kind === Kind.Open ? matching(tokens, index, 1) : index;
  while (true) {
    const next = tokens[at + 1];
    if (next?.kind === Kind.Dot || next?.text === '::') at += 2;
    else if (
      next?.kind === Kind.Open &&
      next.text !== '{' &&
      (next.text === '[' || isName(tokens[at]) || tokens[at]?.word === 'array')
    ) {
      at = matching(tokens, at + 1, 1);
    } else return at;
  }
}
