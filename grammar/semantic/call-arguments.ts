import type { Span } from '../ast.ts';
import { stringValue } from '../quotes.ts';
import { Kind } from '../scan.ts';
import type { SemanticSpan } from './find-operators.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';

/** One argument of a call, read from its lexemes without a parser. */
export interface CallArgument {
  readonly span: Span;
  /** The name before `:=` or `=>`. */
  readonly name?: string;
  /** The value, if the argument is a text literal and nothing else. */
  readonly literal?: string;
}

/** Returns the arguments of a call, in order. Never throws; without a closing bracket the last argument is left out. */
export function callArguments(source: string, { to }: SemanticSpan): readonly CallArgument[] {
  const lexemes = semanticLexemes(source);
  const found: CallArgument[] = [];
  let depth = 0;
  let from = to + 1;
  for (let at = to; at < lexemes.length; at++) {
    const { kind } = lexemes[at]!;
    if (kind === Kind.Open) depth++;
    if (kind === Kind.Close) depth--;
    const ends = depth === 0 || (depth === 1 && kind === Kind.Comma);
    if (!ends) continue;
    if (at > from) found.push(argumentOf(source, lexemes.slice(from, at)));
    if (depth === 0) break;
    from = at + 1;
  }
  return found;
}

function argumentOf(source: string, lexemes: readonly SemanticLexeme[]): CallArgument {
  const [first, second] = lexemes;
  const { start, end } = first!;
  const image = source.slice(start, end);
  const isNamed = second?.text === ':=' || second?.text === '=>';
  const isLiteral = lexemes.length === 1 && first!.kind === Kind.String;
  return {
    span: { start, end: lexemes.at(-1)!.end },
    ...(isNamed ? { name: image } : {}),
    ...(isLiteral ? { literal: stringValue(image) } : {}),
  };
}
