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

/** The one statement of a text. */
export function readStatement(grammar: Grammar, source: string): Statement {
  const [statement, ...more] = readScript(grammar, source);
  if (statement === undefined) {
    throw new RvbbitError('RVB_SYNTAX', 'there is no statement in the text', { stage: 'parse' });
  }
  if (more.length > 0) {
    throw new RvbbitError(
      'RVB_MULTIPLE_STATEMENTS',
      `the text holds ${more.length + 1} statements, and query() takes one; use script()`,
      { stage: 'parse' },
    );
  }
  return statement;
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
