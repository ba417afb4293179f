import * as assert from 'uvu/assert';
import { type Diagnostic, parse, type StatementNode } from '../../grammar/index.ts';

/** The value without its spans, for a comparison of trees. */
export function withoutSpans(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner) => {
      if (key === 'span') return undefined;
      return key === 'distinct' || key === 'async' ? true : inner;
    }),
  );
}

/** The one statement of a source without a diagnostic. */
export function only(source: string): StatementNode {
  const { statements, diagnostics } = parse(source);
  assert.equal(
    diagnostics.map(({ message }) => message),
    [],
    source,
  );
  assert.is(statements.length, 1, source);
  return statements[0]!;
}

/** The first diagnostic of a source. */
export function problem(source: string): Diagnostic {
  const [diagnostic] = parse(source).diagnostics;
  assert.ok(diagnostic, `no diagnostic for ${source}`);
  return diagnostic!;
}

/** Asserts what holds for any input at all. */
export function assertSound(source: string): void {
  const { statements, diagnostics } = parse(source);
  for (const { start, end } of [...statements, ...diagnostics].map(({ span }) => span)) {
    if (!(start >= 0 && start <= end && end <= source.length)) {
      assert.unreachable(`span ${start}..${end} of ${JSON.stringify(source)}`);
    }
  }
  for (const { line, column, message, excerpt, span } of diagnostics) {
    const [shown, carets, ...more] = excerpt.split('\n');
    const sound =
      line >= 1 &&
      column >= 1 &&
      message !== '' &&
      more.length === 0 &&
      shown!.length <= 80 &&
      /^ *\^+$/.test(carets!) &&
      carets!.length <= Math.max(81, shown!.length + 1) &&
      (span.start === 0 || line + column > 2);
    if (!sound) assert.unreachable(`${excerpt} of ${JSON.stringify(source)}`);
  }
  for (const statement of statements) {
    if (statement.kind !== 'Sql') continue;
    if (statement.text !== source.slice(statement.span.start, statement.span.end)) {
      assert.unreachable(`text of ${JSON.stringify(source)}`);
    }
  }
}
