import { checkAnnotations, readAnnotations } from './annotations.ts';
import type {
  Annotation,
  Diagnostic,
  ParseResult,
  Span,
  SqlStatement,
  StatementNode,
} from './ast.ts';
import { callSpans } from './call-spans.ts';
import { createDiagnostic, nulProblem, type Problem, unterminatedProblem } from './diagnostics.ts';
import { createSourceText } from './source-text.ts';
import type { StatementSlice } from './split.ts';

/** Parses one slice that holds dialect, and adds its problems to the list. Undefined if there is no statement. */
export type ParseDialect = (
  source: string,
  slice: StatementSlice,
  problems: Problem[],
) => StatementNode | undefined;

/** Returns the statement of a slice without dialect. Its text keeps all comments, annotation lines included. */
function sqlStatementOf(source: string, slice: StatementSlice): SqlStatement {
  const { text, span, significant } = slice;
  const annotations = readAnnotations(source, span.start, significant.start);
  return Object.freeze({ kind: 'Sql', text, annotations, span });
}

/** Parses every slice of a source. A statement with a problem is left out; the other statements are returned. */
export function parseSource(
  source: string,
  slices: readonly StatementSlice[],
  parseDialect: ParseDialect,
): ParseResult {
  const statements: StatementNode[] = [];
  const diagnostics: Diagnostic[] = [];
  const text = createSourceText(source);
  for (const slice of slices) {
    const problems: Problem[] = [];
    const statement = slice.dialect
      ? parseDialect(source, slice, problems)
      : parsePlain(source, slice, problems);
    if (problems.length === 0) checkCalls(source, slice.significant, parseDialect, problems);
    for (const problem of problems) diagnostics.push(createDiagnostic(text, problem));
    if (statement !== undefined && problems.length === 0) statements.push(statement);
  }
  return Object.freeze({
    source,
    statements: Object.freeze(statements),
    diagnostics: Object.freeze(diagnostics),
  });
}

/** Checks the calls in brackets within a range, and the calls nested in these calls. */
function checkCalls(
  source: string,
  range: Span,
  parseDialect: ParseDialect,
  problems: Problem[],
): void {
  for (const span of callSpans(source, range)) {
    const [annotation] = readAnnotations(source, span.after, span.start);
    if (annotation !== undefined) {
      const message = `Annotations stand before the whole statement; in brackets write WITH (${annotation.key} = …).`;
      problems.push({ code: 'RVB_SYNTAX', message, span: annotation.span });
    }
    const call = parseDialect(source, callSlice(source, span), problems);
    if (call !== undefined && call.kind !== 'Map' && call.kind !== 'Run') {
      const message = 'Only RVBBIT MAP and RVBBIT RUN may stand in brackets.';
      problems.push({ code: 'RVB_SYNTAX', message, span, expected: ['MAP', 'RUN'] });
    }
    checkCalls(source, span, parseDialect, problems);
  }
}

/** Returns a call in brackets as the slice of a separate statement. */
export function callSlice(source: string, span: Span): StatementSlice {
  const text = source.slice(span.start, span.end);
  return { text, span, significant: span, dialect: true };
}

function parsePlain(source: string, slice: StatementSlice, problems: Problem[]): SqlStatement {
  const { span, unterminated } = slice;
  if (unterminated !== undefined) {
    problems.push(unterminatedProblem(unterminated.what, unterminated.start));
  }
  const nul = slice.text.indexOf('\0');
  if (nul >= 0) problems.push(nulProblem(span.start + nul));
  return sqlStatementOf(source, slice);
}

/**
 * Returns the diagnostics of a statement's annotations. `parse` reports them for dialect statements. A caller that
 * finds semantic operators in a `Sql` statement reports them itself.
 */
export function annotationDiagnostics(
  source: string,
  annotations: readonly Annotation[],
): readonly Diagnostic[] {
  const text = createSourceText(source);
  return checkAnnotations(annotations).map((problem) => createDiagnostic(text, problem));
}
