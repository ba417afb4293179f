import type { Span } from './ast.ts';
import type { IToken, TokenType } from './chevrotain.ts';
import { nulProblem, type Problem, shown, unterminatedProblem } from './diagnostics.ts';
import { MAX_NESTING } from './limits.ts';
import { stringValue } from './quotes.ts';
import { createLexeme, Kind, type Lexeme, scan } from './scan.ts';
import * as tokens from './tokens.ts';

/** The tokens of one statement. If `problem` is set, the parser must not see them. */
export interface Lexed {
  readonly tokens: IToken[];
  readonly problem?: Problem;
}

const TYPES: Readonly<Partial<Record<Kind, TokenType>>> = {
  [Kind.QuotedName]: tokens.QuotedName,
  [Kind.String]: tokens.StringToken,
  [Kind.Number]: tokens.NumberToken,
  [Kind.Comma]: tokens.Comma,
  [Kind.Dot]: tokens.Dot,
  [Kind.Equals]: tokens.Equals,
  [Kind.Minus]: tokens.Minus,
};
const KEYWORDS: ReadonlyMap<string, TokenType> = new Map(
  tokens.KEYWORDS.map((name) => [name, tokens.keyword[name]]),
);
const LONGEST_KEYWORD = Math.max(...tokens.KEYWORDS.map(({ length }) => length));

function typeOf(kind: Kind, image: string): TokenType {
  if (kind === Kind.Word) {
    if (image.length > LONGEST_KEYWORD) return tokens.Word;
    return KEYWORDS.get(image.toUpperCase()) ?? tokens.Word;
  }
  if (image === '(') return tokens.Open;
  if (image === ')') return tokens.Close;
  if (kind === Kind.Open || kind === Kind.Close) return tokens.SquareOrBrace;
  if (image === ':' || image === ':=' || image === '=>') return tokens.NotEquals;
  return TYPES[kind] ?? tokens.Operator;
}

function token(type: TokenType, source: string, start: number, end: number): IToken {
  return {
    tokenType: type,
    tokenTypeIdx: type.tokenTypeIdx as number,
    image: source.slice(start, end),
    startOffset: start,
    endOffset: end - 1,
  };
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The offsets of the open brackets, and the problem with the brackets if there is one. */
interface Nesting {
  readonly open: number[];
  problem: Problem | undefined;
}

function track(source: string, { kind, start, end }: Lexeme, nesting: Nesting): void {
  const { open } = nesting;
  if (kind === Kind.Open) {
    open.push(start);
    if (open.length > MAX_NESTING) {
      nesting.problem = {
        code: 'RVB_LIMIT',
        message: `Brackets are nested more than ${MAX_NESTING} deep here.`,
        span: { start, end },
      };
    }
    return;
  }
  const opening = open.pop();
  if (opening === undefined) {
    nesting.problem = {
      code: 'RVB_SYNTAX',
      message: `This ${source[start]} closes nothing.`,
      span: { start, end },
    };
  } else if (CLOSING[source[opening]!] !== source[start]) {
    nesting.problem = unclosed(source, opening);
  }
}

function unclosed(source: string, opening: number): Problem {
  const closing = CLOSING[source[opening]!]!;
  return {
    code: 'RVB_SYNTAX',
    message: `This ${source[opening]} is not closed; a ${closing} is missing.`,
    span: { start: opening, end: opening + 1 },
    expected: [closing],
  };
}

function nulInString({ start, end }: Lexeme): Problem {
  return {
    code: 'RVB_SYNTAX',
    message: 'This string holds a NUL character, at which DuckDB would stop reading.',
    span: { start, end },
  };
}

function emptyName({ start, end }: Lexeme): Problem {
  return {
    code: 'RVB_SYNTAX',
    message: 'This name is empty; DuckDB takes no name without a character.',
    span: { start, end },
  };
}

/**
 * Returns the tokens of the statement in the range. The query in `USING ( … )` is one token: only DuckDB parses it.
 * `lex` also matches the brackets, so that the parser sees only balanced brackets of a bounded depth.
 */
export function lex(source: string, { start, end }: Span): Lexed {
  const result: IToken[] = [];
  const lexeme = createLexeme();
  lexeme.end = start;
  const nesting: Nesting = { open: [], problem: undefined };
  let islandStart = -1;
  let afterUsing = false;
  // A table that is named before RVBBIT MAP or RVBBIT RUN may be called `using` or `rvbbit.using`.
  let sawCall = false;
  for (;;) {
    scan(source, lexeme.end, end, lexeme);
    const { kind } = lexeme;
    if (lexeme.unterminated !== undefined) {
      return { tokens: result, problem: unterminatedProblem(lexeme.unterminated, lexeme.start) };
    }
    if (kind === Kind.End) break;
    if (kind === Kind.Nul) return { tokens: result, problem: nulProblem(lexeme.start) };
    if (kind === Kind.Open || kind === Kind.Close) track(source, lexeme, nesting);
    if (nesting.problem !== undefined) return { tokens: result, problem: nesting.problem };
    if (islandStart >= 0) {
      if (nesting.open.length > 0) continue;
      result.push(token(tokens.Island, source, islandStart, lexeme.end));
      islandStart = -1;
      continue;
    }
    if (afterUsing && kind === Kind.Open && source[lexeme.start] === '(') {
      const using = result.pop()!;
      result.push(token(tokens.Using, source, using.startOffset, lexeme.start));
      const last = result.at(-1)!;
      last.image = using.image;
      last.endOffset = using.endOffset!;
      islandStart = lexeme.start;
    } else {
      const image = source.slice(lexeme.start, lexeme.end);
      if (kind === Kind.String && stringValue(image).includes('\0')) {
        return { tokens: result, problem: nulInString(lexeme) };
      }
      if (image === '""') return { tokens: result, problem: emptyName(lexeme) };
      result.push(token(typeOf(kind, image), source, lexeme.start, lexeme.end));
    }
    const word = nesting.open.length === 0 && kind === Kind.Word;
    if (word && opensCall(result)) sawCall = true;
    afterUsing = word && sawCall && isUsing(source, lexeme);
  }
  const opening = nesting.open.at(-1);
  return opening === undefined
    ? { tokens: result }
    : { tokens: result, problem: unclosed(source, nesting.open[0] ?? opening) };
}

/** True if the last two tokens are RVBBIT MAP or RVBBIT RUN. */
function opensCall(read: readonly IToken[]): boolean {
  const verb = read.at(-1)?.tokenType;
  const { RVBBIT, MAP, RUN } = tokens.keyword;
  return (verb === MAP || verb === RUN) && read.at(-2)?.tokenType === RVBBIT;
}

function isUsing(source: string, { start, end }: Lexeme): boolean {
  return end - start === 5 && source.slice(start, end).toUpperCase() === 'USING';
}

/** Returns a token as a message shows it. */
export function shownToken({ image, tokenType }: IToken): string {
  if (tokenType === tokens.StringToken) return `the string ${shown(image)}`;
  if (tokenType === tokens.Island) return 'a query in brackets';
  return shown(image);
}
