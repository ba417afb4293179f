import type { Span } from './ast.ts';
import type { IRecognitionException, IToken } from './chevrotain.ts';
import { didYouMean, either, type Problem, shown } from './diagnostics.ts';
import { shownToken } from './lexer.ts';
import { nameValue, quoteName, quoteString, stringValue } from './quotes.ts';
import { nearestSpelling } from './spelling.ts';
import * as t from './tokens.ts';

/** The place where the parser stopped, with the tokens of the statement. */
interface ParserStop {
  readonly tokens: readonly IToken[];
  readonly index: number;
  /** The token at `index`; undefined at the end of the statement. */
  readonly found: IToken | undefined;
  /** The innermost grammar rule. */
  readonly rule: string;
  /** The names of the token types that the rule accepts here. */
  readonly names: readonly string[];
}

const CASCADE = 'the cascade path in quotes';
const QUERY = 'USING ( query )';

const WORDS: Readonly<Record<string, string>> = {
  Word: 'a name',
  QuotedName: 'a name',
  Number: 'a number',
  Open: '(',
  Close: ')',
  Comma: ',',
  Dot: '.',
  Equals: '=',
  USING: QUERY,
  Island: '( query )',
};
const HIDDEN = new Set(['NotEquals', 'Minus', 'SquareOrBrace', 'Operator']);
const STRING_OF: Readonly<Record<string, string>> = {
  call: CASCADE,
  job: 'the session id in quotes',
  column: 'a JSON path in quotes',
};

function before({ tokens, index }: ParserStop, type: t.Keyword): boolean {
  return tokens.slice(0, index).some(({ tokenType }) => tokenType === t.keyword[type]);
}

/** Describes what could stand at the place. */
function expectedWords(place: ParserStop): readonly string[] {
  const { rule, names } = place;
  if (rule === 'call' && names.includes('String')) {
    const run = before(place, 'RUN') && !before(place, 'MAP');
    const free = t.MODIFIERS.filter((word) => !before(place, word as t.Keyword));
    const next = [...(run ? free.filter((word) => word === 'ASYNC') : free), CASCADE];
    return isKeyword(place.tokens[place.index - 1], 'PARALLEL') ? ['a number', ...next] : next;
  }
  if (rule === 'call' && names.includes('USING')) {
    return before(place, 'AS') || before(place, 'RUN') ? [QUERY] : ['AS', QUERY];
  }
  if (names.length === 0) return leftOverWords(place);
  if (rule === 'optionPair' && names.includes('Number')) {
    return ['a string in quotes', 'a number', 'true', 'false'];
  }
  const words = names
    .filter((name) => !HIDDEN.has(name))
    .map((name) => (name === 'String' ? (STRING_OF[rule] ?? 'a string') : (WORDS[name] ?? name)));
  if (names[0] === 'Close') words.unshift(',');
  return [...new Set(words)];
}

/** Describes what could stand after a complete statement. */
function leftOverWords(place: ParserStop): readonly string[] {
  const end = 'the end of the statement';
  if (!place.tokens.some(({ tokenType }) => tokenType === t.Using)) return [end];
  const clauses = (['RETURNING', 'WITH'] as const).filter((word) => !before(place, word));
  return [...clauses, end];
}

function isKeyword(token: IToken | undefined, ...words: readonly string[]): boolean {
  return token !== undefined && words.includes(token.tokenType.name);
}

/** True if the token begins where `previous` ends, as the parts of an unquoted path do. */
function isPathPart(previous: IToken | undefined, token: IToken | undefined): boolean {
  return token?.startOffset === (previous?.endOffset ?? Number.NaN) + 1;
}

function isPath(tokens: readonly IToken[], index: number): boolean {
  const next = tokens[index + 1];
  return isPathPart(tokens[index], next) && (next?.image === '.' || next?.image === '/');
}

/** Returns the special message of a common mistake; undefined for any other error. */
function usualSlip(place: ParserStop): Pick<Problem, 'message' | 'suggestion'> | undefined {
  const { found, rule, names, tokens, index } = place;
  if (found === undefined) return undefined;
  const word = found.image.toUpperCase();
  const wantsCascade = rule === 'call' && names.includes('String');
  const wantsQuery = rule === 'call' && names.includes('USING');
  if (found.image === '<' && tokens[index + 1]?.tokenType === t.Word) {
    const placeholder = shown(`<${tokens[index + 1]!.image}>`);
    const after = isKeyword(tokens[index - 1], 'PARALLEL') ? ', for example PARALLEL 5' : '';
    return { message: `${placeholder} is a placeholder; write what it stands for${after}.` };
  }
  if ((wantsCascade || rule === 'job') && found.tokenType === t.QuotedName) {
    const suggestion = quoteString(nameValue(found.image));
    const thing = wantsCascade ? 'cascade path' : 'session id';
    return {
      message: `The ${thing} is a string, in single quotes: ${shown(suggestion)}. Double quotes are for names.`,
      suggestion,
    };
  }
  if (wantsCascade && found.tokenType === t.Word && isPath(tokens, index)) {
    const end = tokens.findIndex((token, at) => at > index && !isPathPart(tokens[at - 1], token));
    const path = tokens.slice(index, end < 0 ? undefined : end).map(({ image }) => image);
    const suggestion = quoteString(path.join(''));
    return { message: `The cascade path stands in quotes: ${shown(suggestion)}.`, suggestion };
  }
  if (wantsCascade && found.tokenType === t.Using) {
    return { message: `${CASCADE.replace('the', 'The')} is missing before USING.` };
  }
  if (wantsQuery && word === 'USING') {
    return {
      message: 'USING takes a query in parentheses: USING (SELECT …).',
      suggestion: 'USING (SELECT …)',
    };
  }
  if (wantsQuery && isKeyword(found, 'WITH', 'RETURNING')) {
    return { message: `${word} comes after USING ( … ).` };
  }
  if ((wantsQuery || names.length === 0) && isKeyword(found, ...t.MODIFIERS)) {
    return { message: `${word} comes before the cascade path.` };
  }
  if (rule === 'as' && found.tokenType === t.StringToken) {
    const suggestion = quoteName(stringValue(found.image));
    return {
      message: `An alias is a name, not a string: AS ${shown(suggestion)}.`,
      suggestion,
    };
  }
  if (names.length === 0 && found.tokenType === t.Using) {
    return { message: 'USING stands twice; a statement has one query.' };
  }
  if (names.length === 0 && isKeyword(found, 'AS')) {
    return { message: 'AS comes before USING.' };
  }
  const previous = tokens[index - 1];
  if (previous?.tokenType === t.Comma && found.tokenType === t.Close) {
    return { message: 'Nothing follows the comma; take it away or go on with the list.' };
  }
  return undefined;
}

/** Returns the problem at which the parser stopped, with a message for the user. */
export function explainSyntaxError(
  tokens: readonly IToken[],
  error: IRecognitionException,
  statement: Span,
): Problem {
  const failed = Number.isNaN(error.token.startOffset) ? undefined : error.token;
  const names = error.message.split(' ').filter((name) => name !== '');
  const at = failed === undefined ? tokens.length : tokens.indexOf(failed);
  const index = at < 0 ? tokens.length : at;
  const found = tokens[index];
  const span =
    found === undefined
      ? { start: statement.end, end: statement.end }
      : { start: found.startOffset, end: (found.endOffset ?? found.startOffset) + 1 };
  const rule = error.context.ruleStack.at(-1) ?? '';
  const place: ParserStop = { tokens, index, found, rule, names };
  const expected = expectedWords(place);
  const slip = usualSlip(place);
  if (slip !== undefined) return { code: 'RVB_SYNTAX', span, expected, ...slip };
  if (found === undefined) {
    const message = `The statement ends here, but ${either(expected)} was expected.`;
    return { code: 'RVB_SYNTAX', message, span, expected };
  }
  const keywords = rule === 'statement' ? ['RVBBIT'] : expected.map((word) => word.split(' ')[0]!);
  const isWord = found.tokenType === t.Word || found.tokenType.CATEGORIES?.includes(t.Word);
  const suggestion = isWord
    ? nearestSpelling(
        found.image,
        keywords.filter((word) => /^[A-Z]+$/.test(word)),
      )
    : undefined;
  return {
    code: 'RVB_SYNTAX',
    message: `Expected ${either(expected)}, but ${shownToken(found)} stands here.${didYouMean(suggestion)}`,
    span,
    expected,
    suggestion,
  };
}
