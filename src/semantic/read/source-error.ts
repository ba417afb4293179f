/** Errors at a place of the statement as it was written. */
import { createSourceText } from '../../../grammar/source-text.ts';
import type { ErrorCode } from '../../error-codes.ts';
import { RvbbitError } from '../../errors.ts';

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
