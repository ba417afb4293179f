/** Gives DuckDB's errors about a part of a statement their place in the source. */
import { createSourceText } from '../../grammar/source-text.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';

/** Returns the error as a bind error at an offset of the source. An error that is not RVB_SQL is returned unchanged. */
export function placedAt(error: unknown, source: string, offset: number): unknown {
  if (!(error instanceof RvbbitError) || error.code !== 'RVB_SQL') return error;
  return new RvbbitError(error.code, error.message, {
    stage: 'bind',
    cause: error.cause,
    sqlState: error.sqlState,
    place: createSourceText(source).positionAt(offset),
  });
}

/** Converts an error whose place refers to `text`, which starts at `start`, to a place in the source. */
export function placedWithin(error: unknown, source: string, start: number, text: string): unknown {
  if (!(error instanceof RvbbitError) || error.place === undefined) return error;
  return placedAt(error, source, start + createSourceText(text).offsetAt(error.place));
}

/** Returns the error with its place in the source. Its place counts from `start`: of a statement, or of a part of it. */
export function placedFrom(error: unknown, source: string, start: number): unknown {
  if (!(error instanceof RvbbitError) || error.place === undefined) return error;
  const { file, line, column } = error.place;
  // The error is in another file: a cascade, or the configuration.
  if (file !== undefined) return error;
  const first = createSourceText(source).positionAt(start);
  const place = {
    line: first.line + line - 1,
    column: line === 1 ? first.column + column - 1 : column,
  };
  return movedTo(error, place);
}

/** Returns an error that has a place with another place, also in its message. */
export function movedTo(error: RvbbitError, to: SourcePlace): RvbbitError {
  const { code, stage, sqlState, retryable, cause, place = to } = error;
  const message = error.message.replace(
    `line ${place.line}, column ${place.column}: `,
    `line ${to.line}, column ${to.column}: `,
  );
  const moved = new RvbbitError(code, message, { stage, sqlState, retryable, cause, place: to });
  if (error.summary !== undefined) moved.summary = error.summary;
  return moved;
}
