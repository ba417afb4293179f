/** Errors of DuckDB about a part of a statement, told at its place in the source. */
import { createSourceText } from '../../grammar/source-text.ts';
import { RvbbitError } from '../errors.ts';

/** The error as one of binding at an offset of the source; what is no error of SQL stays as it is. */
export function placedAt(error: unknown, source: string, offset: number): unknown {
  if (!(error instanceof RvbbitError) || error.code !== 'RVB_SQL') return error;
  return new RvbbitError(error.code, error.message, {
    stage: 'bind',
    cause: error.cause,
    sqlState: error.sqlState,
    place: createSourceText(source).positionAt(offset),
  });
}

/** An error whose place counts in `text`, which stands at `start` of the source, as it counts in the source. */
export function placedWithin(error: unknown, source: string, start: number, text: string): unknown {
  if (!(error instanceof RvbbitError) || error.place === undefined) return error;
  return placedAt(error, source, start + createSourceText(text).offsetAt(error.place));
}
