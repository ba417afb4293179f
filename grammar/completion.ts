import type { ISyntacticContentAssistPath } from './chevrotain.ts';
import { lex } from './lexer.ts';
import { OPTIONS } from './options.ts';
import { suggestNext } from './parser.ts';
import { quoteString } from './quotes.ts';
import { splitStatements } from './split.ts';
import { KEYWORDS, keyword, MODIFIERS } from './tokens.ts';
import { specFor } from './value-spec.ts';

/** With more tokens than this before the offset, nothing is offered: the search for the next token is not linear. */
const MAX_TOKENS = 400;
const STARTS = [
  'RVBBIT',
  'SHOW RVBBIT JOBS',
  'SHOW RVBBIT CASCADES',
  'SHOW RVBBIT OPERATORS',
  'EXPLAIN',
  'CREATE TABLE',
  'INSERT INTO',
];
const REPEATABLE = new Set(['AS', 'FROM', 'OR', 'NOT', 'TRUE', 'FALSE']);

/**
 * Returns what may come at an offset of a dialect statement: keywords in capitals, option keys, and the values that
 * an option allows. A word that begins before the offset narrows the list. Inside a query, a string or plain SQL the
 * list is empty.
 */
export function completionsAt(source: string, offset: number): readonly string[] {
  const before = source.slice(0, offset);
  const begun = /[A-Za-z_]*$/.exec(before.slice(-40))![0];
  const head = before.slice(0, before.length - begun.length);
  const slice = splitStatements(`${head}x`).at(-1);
  if (slice === undefined || slice.unterminated !== undefined) return [];
  const narrow = (words: readonly string[]) =>
    words.filter((word) => word.toLowerCase().startsWith(begun.toLowerCase()));
  const { start } = slice.significant;
  if (start === head.length) return narrow(STARTS);
  const { tokens } = lex(source, { start, end: head.length });
  if (tokens.length > MAX_TOKENS || !slice.dialect) return [];
  const used = new Set(tokens.map(({ tokenType }) => tokenType.name));
  const run = used.has('RUN') && !used.has('MAP');
  const paths = suggestNext(tokens);
  if (paths.some(isOptionKey))
    return narrow(used.has('AWAIT') ? ['timeout'] : optionKeys(run ? 'run' : 'map'));
  const key = tokens.at(-2)?.image.toLowerCase() ?? '';
  const values = tokens.at(-1)?.image === '=' ? optionValues(key, run ? 'run' : 'map') : [];
  const words = KEYWORDS.filter(
    (word) =>
      paths.some(({ nextTokenType }) => nextTokenType === keyword[word]) &&
      (!used.has(word) || REPEATABLE.has(word)) &&
      !(run && (word === 'AS' || (word !== 'ASYNC' && MODIFIERS.includes(word)))),
  );
  const using = paths.some(({ nextTokenType }) => nextTokenType.name === 'USING') ? ['USING'] : [];
  return narrow([...values, ...words, ...using]);
}

function isOptionKey({ ruleStack }: ISyntacticContentAssistPath): boolean {
  return ruleStack.at(-1) === 'name' && ruleStack.at(-2) === 'optionPair';
}

function optionKeys(verb: 'map' | 'run'): readonly string[] {
  return [...OPTIONS.values()]
    .filter(({ appliesTo }) => appliesTo.includes(verb))
    .map(({ key }) => key);
}

function optionValues(key: string, verb: 'map' | 'run'): readonly string[] {
  const spec = OPTIONS.get(key);
  if (spec === undefined) return [];
  const { kinds, values = [] } = specFor(spec, verb);
  return [...(kinds.includes('boolean') ? ['true', 'false'] : []), ...values.map(quoteString)];
}
