import { checkAnnotations, readAnnotations } from './annotations.ts';
import type {
  Annotation,
  MapStatement,
  ParseResult,
  RunStatement,
  Span,
  StatementNode,
} from './ast.ts';
import { buildStatement } from './cst-to-ast.ts';
import { nulProblem, type Problem, unterminatedProblem } from './diagnostics.ts';
import { lex } from './lexer.ts';
import { MAX_STATEMENT_CHARS } from './limits.ts';
import { callSlice, parseSource } from './parse-source.ts';
import { parseTokens } from './parser.ts';
import { type StatementSlice, splitStatements } from './split.ts';
import { explainSyntaxError } from './syntax-errors.ts';

function parseDialect(
  source: string,
  slice: StatementSlice,
  problems: Problem[],
): StatementNode | undefined {
  const { span, significant } = slice;
  if (span.end - span.start > MAX_STATEMENT_CHARS) {
    problems.push({
      code: 'RVB_LIMIT',
      message: `This statement is longer than ${MAX_STATEMENT_CHARS} characters; put its data into a table or file.`,
      span: { start: significant.start, end: significant.start + 1 },
    });
    return undefined;
  }
  const annotations = readAnnotations(source, span.start, significant.start);
  const statement = readDialect(source, slice, annotations, problems);
  // Annotations come first in the source, so their problems come first in the list.
  problems.unshift(...checkAnnotations(annotations, statement && verbOf(statement)));
  return statement;
}

function readDialect(
  source: string,
  slice: StatementSlice,
  annotations: readonly Annotation[],
  problems: Problem[],
): StatementNode | undefined {
  const { span, significant } = slice;
  if (slice.unterminated !== undefined) {
    problems.push(unterminatedProblem(slice.unterminated.what, slice.unterminated.start));
    return undefined;
  }
  const lexed = lex(source, significant);
  if (lexed.problem !== undefined) {
    problems.push(lexed.problem);
    return undefined;
  }
  const nul = slice.text.indexOf('\0');
  if (nul >= 0) problems.push(nulProblem(span.start + nul));
  const parsed = parseTokens(lexed.tokens);
  if ('error' in parsed) {
    problems.push(explainSyntaxError(lexed.tokens, parsed.error, significant));
    return undefined;
  }
  const statement = buildStatement({ source, problems }, parsed.tree, {
    span: significant,
    annotations,
  });
  if (statement !== undefined) checkAsync(statement, problems);
  return statement;
}

/** Returns which of MAP and RUN a statement holds; undefined if it holds neither. */
function verbOf(statement: StatementNode): 'map' | 'run' | undefined {
  switch (statement.kind) {
    case 'Map':
      return 'map';
    case 'Run':
      return 'run';
    case 'CreateTable':
    case 'Insert':
    case 'Explain':
      return verbOf(statement.body);
    default:
      return undefined;
  }
}

/** Reports a MAP with ASYNC but without a table for its rows. Nobody waits for them, so they must be stored. */
function checkAsync(statement: StatementNode, problems: Problem[]): void {
  const inner = statement.kind === 'Explain' ? statement.body : statement;
  const map = inner.kind === 'Insert' ? inner.body : inner;
  if (map.kind !== 'Map' || map.async === undefined) return;
  if (map.options.some(({ key }) => key.value === 'as_table')) return;
  problems.push({
    code: 'RVB_SYNTAX',
    message:
      "ASYNC on MAP needs a table for its rows: WITH (as_table = 'name') or CREATE TABLE … AS.",
    span: map.async,
    expected: ['as_table', 'CREATE TABLE'],
  });
}

/**
 * Parses the MAP or RUN at a span that `callSpans` found. Returns undefined if the call has a problem; `parse` of the
 * whole script reports that problem.
 */
export function parseCall(source: string, span: Span): MapStatement | RunStatement | undefined {
  const problems: Problem[] = [];
  const call = parseDialect(source, callSlice(source, span), problems);
  const isCall = call?.kind === 'Map' || call?.kind === 'Run';
  return isCall && problems.length === 0 ? call : undefined;
}

/**
 * Parses a script. Never throws: a problem becomes a diagnostic, and the statements without problems are returned.
 * A statement without dialect becomes a `Sql` statement, byte for byte.
 */
export function parse(source: string): ParseResult {
  return parseSource(source, splitStatements(source), parseDialect);
}
