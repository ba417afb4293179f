/** Errors that show the statement as it was written, not as DuckDB got it. */

import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import { type ErrorCode, RvbbitError } from '../errors.ts';
import { signatureOf } from '../operators/check-call.ts';
import type { SemanticStatement } from './read-statement.ts';

/** An error at an offset of the statement. */
export function sourceError(
  code: ErrorCode,
  message: string,
  source: string,
  offset: number,
): RvbbitError {
  const text = createSourceText(source);
  const place = text.positionAt(Math.min(offset, source.length));
  const excerpt = text.excerptAt(Math.min(offset, source.length), 1);
  return new RvbbitError(
    code,
    `line ${place.line}, column ${place.column}: ${message}\n${excerpt}`,
    { stage: 'parse', place, ...(code === 'RVB_SQL' ? { sqlState: '42601' } : {}) },
  );
}

/** DuckDB's error over a rewritten text as one over the statement: its place, and operators by their words. */
export function unrewrittenError(
  thrown: unknown,
  statement: SemanticStatement,
  rewritten: Rewritten,
): unknown {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return thrown;
  const mismatched = statement.placed.find(({ use: { names } }) =>
    [names.infix, names.call].some((name) => thrown.message.includes(`argument types '${name}(`)),
  );
  const place =
    thrown.place === undefined ? undefined : sourcePlace(thrown.place, statement.source, rewritten);
  const message =
    mismatched === undefined
      ? inWords(thrown.message, statement)
      : `${mismatched.span.words} takes ${signatureOf(mismatched.operator)}, but ${argumentsIn(thrown.message)} stand there; cast them, e.g. (a::VARCHAR)`;
  return new RvbbitError(mismatched === undefined ? 'RVB_SQL' : 'RVB_TYPE_MISMATCH', message, {
    stage: 'bind',
    cause: thrown.cause,
    ...(mismatched === undefined ? { sqlState: thrown.sqlState } : {}),
    ...(place === undefined ? {} : { place }),
  });
}

/** A text of DuckDB's with the operators' words in place of their symbols. */
export function inWords(text: string, { placed }: SemanticStatement): string {
  let worded = text;
  for (const { span, use } of placed) {
    worded = worded.replaceAll(
      span.kind === 'call' ? use.names.call : use.names.infix,
      () => span.words,
    );
  }
  return worded;
}

function argumentsIn(message: string): string {
  return /argument types '[^(]*(\([\s\S]*?\))'/.exec(message)?.[1] ?? 'other arguments';
}

function sourcePlace(
  place: { readonly line: number; readonly column: number },
  source: string,
  rewritten: Rewritten,
) {
  const lines = rewritten.text.split('\n');
  const before = lines.slice(0, place.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
  const offset = rewritten.sourceOffset(before + place.column - 1);
  return createSourceText(source).positionAt(offset);
}
