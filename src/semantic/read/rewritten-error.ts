/** Translates DuckDB's errors in a rewritten text back to the statement as it was written. */

import type { Rewritten } from '../../../grammar/semantic/rewrite.ts';
import { createSourceText } from '../../../grammar/source-text.ts';
import { RvbbitError } from '../../errors.ts';
import { checkCall, signatureOf } from '../../operators/check-call.ts';
import { refusedCall } from './argument-types.ts';
import type { SemanticStatement } from './read-statement.ts';
import { sourceError } from './source-error.ts';

/** DuckDB's error in a rewritten text as an error in the statement: with its place there, and the operators' own words. */
export function unrewrittenError(
  thrown: unknown,
  statement: SemanticStatement,
  rewritten: Rewritten,
): unknown {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return thrown;
  const { place } = thrown;
  const offset =
    place === undefined ? undefined : sourceOffset(place, statement.source.length, rewritten);
  const mismatch = mismatchIn(thrown.message, offset, statement);
  if (mismatch !== undefined) return mismatch;
  const message = `${inWords(thrown.message, statement)}${tableAdvice(thrown.message, statement)}`;
  return new RvbbitError('RVB_SQL', message, {
    stage: 'bind',
    cause: thrown.cause,
    sqlState: thrown.sqlState,
    ...(offset === undefined
      ? {}
      : { place: createSourceText(statement.source).positionAt(offset) }),
  });
}

/**
 * The error for arguments of types that an operator does not take, if the binder's error is about that; `offset` is its
 * place in the source.
 */
function mismatchIn(
  message: string,
  offset: number | undefined,
  { placed, source }: SemanticStatement,
): RvbbitError | undefined {
  const refused = refusedCall(message);
  if (refused === undefined) return undefined;
  const { name, types } = refused;
  const named = placed.filter(({ use: { names } }) => [names.infix, names.call].includes(name));
  const found = named.find(({ span: { span } }) => span.start === offset) ?? named[0];
  if (found === undefined) return undefined;
  const { operator, span } = found;
  const wrong =
    checkCall(operator, types) ??
    `${span.words} takes ${signatureOf(operator)}, and got (${types.join(', ')})`;
  return sourceError('RVB_TYPE_MISMATCH', wrong, source, offset ?? span.span.start);
}

/** What to say of an operator's function that stands where a table is expected; empty for any other error. */
function tableAdvice(message: string, { placed }: SemanticStatement): string {
  const name = /^Catalog Error: Table Function with name (\w+) does not exist/.exec(message)?.[1];
  const found = placed.find(({ use }) => use.names.call === name);
  if (found === undefined) return '';
  return `\n${found.span.words} gives a value and no table: ${signatureOf(found.operator)}`;
}

/** A text from DuckDB with the operators' words in place of their symbols. */
export function inWords(text: string, { placed }: SemanticStatement): string {
  let worded = text;
  for (const { span, use } of placed) {
    const symbol =
      span.kind === 'call' ? new RegExp(`${use.names.call}(?!\\d)`, 'g') : use.names.infix;
    worded = worded.replaceAll(symbol, () => span.words);
  }
  return worded;
}

function sourceOffset(
  place: { readonly line: number; readonly column: number },
  sourceLength: number,
  rewritten: Rewritten,
): number {
  const lines = rewritten.text.split('\n');
  const before = lines.slice(0, place.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
  return Math.min(sourceLength, rewritten.sourceOffset(before + place.column - 1));
}
