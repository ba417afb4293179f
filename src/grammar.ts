/** Reads scripts with the grammar: plain SQL without its parser, dialect with it; diagnostics become one error. */
import type { Diagnostic, ParseResult, SqlStatement, Statement } from '../grammar/ast.ts';
import { splitStatements } from '../grammar/split.ts';
import { RvbbitError } from './errors.ts';

/** The part of the grammar that needs chevrotain. */
export interface Grammar {
  parse(source: string): ParseResult;
}

/** Loads the parser; cheap to call again. */
export function loadGrammar(): Promise<Grammar> {
  return import('../grammar/index.ts');
}

/** The statements of a script; throws the first diagnostic, and says how many more there are. */
export function readScript(grammar: Grammar, source: string): readonly Statement[] {
  const slices = splitStatements(source);
  if (!slices.some(({ dialect }) => dialect)) {
    return slices.map(({ text, span }): SqlStatement => ({ kind: 'Sql', text, span, annotations: [] }));
  }
  const { statements, diagnostics } = grammar.parse(source);
  const [first, ...more] = diagnostics;
  if (first !== undefined) throw syntaxError(first, more);
  return statements;
}

function syntaxError(first: Diagnostic, more: readonly Diagnostic[]): RvbbitError {
  const others =
    more.length === 0
      ? ''
      : `\n(and ${more.length} more, the next at line ${more[0]!.line}, column ${more[0]!.column})`;
  return new RvbbitError(
    first.code,
    `line ${first.line}, column ${first.column}: ${first.message}\n${first.excerpt}${others}`,
    { stage: 'parse', place: { line: first.line, column: first.column } },
  );
}
