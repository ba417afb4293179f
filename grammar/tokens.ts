import { createToken, type TokenType } from './chevrotain.ts';

/** Any word. Every keyword is also a word, so that no keyword is reserved. */
export const Word: TokenType = createToken({ name: 'Word' });

/** The keywords of the dialect, in capitals. */
export const KEYWORDS = [
  'RVBBIT',
  'MAP',
  'RUN',
  'AWAIT',
  'CANCEL',
  'SHOW',
  'JOBS',
  'CASCADES',
  'OPERATORS',
  'EXPLAIN',
  'ANALYZE',
  'FORMAT',
  'CREATE',
  'OR',
  'REPLACE',
  'TEMP',
  'TEMPORARY',
  'TABLE',
  'IF',
  'NOT',
  'EXISTS',
  'AS',
  'INSERT',
  'INTO',
  'PARALLEL',
  'BATCH',
  'AUTO',
  'DISTINCT',
  'ASYNC',
  'RETURNING',
  'TABLES',
  'FROM',
  'WITH',
  'TRUE',
  'FALSE',
] as const;
export type Keyword = (typeof KEYWORDS)[number];

/** The keywords that may stand between MAP or RUN and the cascade. */
export const MODIFIERS: readonly string[] = ['PARALLEL', 'BATCH', 'DISTINCT', 'ASYNC'];

/** The token type of each keyword. */
export const keyword = Object.fromEntries(
  KEYWORDS.map((name) => [name, createToken({ name, categories: Word })]),
) as unknown as Readonly<Record<Keyword, TokenType>>;

/** `USING` before the bracket of a call's query. Anywhere else `using` is a `Word`. */
export const Using: TokenType = createToken({ name: 'USING' });
/** The query after USING: the brackets and everything between them. */
export const Island: TokenType = createToken({ name: 'Island' });
export const QuotedName: TokenType = createToken({ name: 'QuotedName' });
export const StringToken: TokenType = createToken({ name: 'String' });
export const NumberToken: TokenType = createToken({ name: 'Number' });
export const Open: TokenType = createToken({ name: 'Open' });
export const Close: TokenType = createToken({ name: 'Close' });
/** `[`, `]`, `{` or `}`. The dialect accepts them only in types. */
export const SquareOrBrace: TokenType = createToken({ name: 'SquareOrBrace' });
export const Comma: TokenType = createToken({ name: 'Comma' });
export const Dot: TokenType = createToken({ name: 'Dot' });
export const Equals: TokenType = createToken({ name: 'Equals' });
/** `=>`, `:=` or `:` instead of `=`. The parser accepts this mistake, so that it checks the other options too. */
export const NotEquals: TokenType = createToken({ name: 'NotEquals' });
export const Minus: TokenType = createToken({ name: 'Minus' });
export const Operator: TokenType = createToken({ name: 'Operator' });

/** Every token type, for the parser. */
export const VOCABULARY: TokenType[] = [
  Word,
  ...Object.values(keyword),
  Using,
  Island,
  QuotedName,
  StringToken,
  NumberToken,
  Open,
  Close,
  SquareOrBrace,
  Comma,
  Dot,
  Equals,
  NotEquals,
  Minus,
  Operator,
];
