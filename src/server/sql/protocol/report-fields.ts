/** The fields of errors and notices on the wire. */
import { messageOf, RvbbitError } from '../../../errors.ts';
import type { Notice } from '../../../result.ts';

/** The engine's own excerpt in a message: the line of the text, and a caret under it. psql draws both by the position. */
const EXCERPT = /\n[^\n]*\n *\^[^\n]*/;

/**
 * Returns the fields of an ErrorResponse. `source` is the text that the client sent, in which the error's place counts.
 * The routine (R) is the engine's own error code.
 */
export function errorFields(
  thrown: unknown,
  source: string,
  severity: 'ERROR' | 'FATAL' = 'ERROR',
): ReadonlyMap<string, string> {
  const fields = new Map<string, string>([
    ['S', severity],
    ['V', severity],
  ]);
  if (!(thrown instanceof RvbbitError)) {
    return fields.set('C', 'XX000').set('M', messageOf(thrown)).set('R', 'RVB_INTERNAL');
  }
  const { place, message, sqlState, code } = thrown;
  fields.set('C', sqlState);
  const position = place?.file === undefined && place !== undefined ? positionIn(source, place) : 0;
  if (place === undefined || position === 0) fields.set('M', message);
  else {
    const told = message.replace(`line ${place.line}, column ${place.column}: `, '');
    fields.set('M', told.replace(EXCERPT, '')).set('P', String(position));
  }
  return fields.set('R', code);
}

/** Returns the 1-based position of a place in characters (code points, as Postgres counts); 0 if it is not in the text. */
function positionIn(
  source: string,
  place: { readonly line: number; readonly column: number },
): number {
  const lines = source.split('\n');
  if (place.line > lines.length) return 0;
  const before = lines.slice(0, place.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
  return [...source.slice(0, before + place.column - 1)].length + 1;
}

/** Returns the fields of a NoticeResponse. */
export function noticeFields(
  { code, message }: Notice | { readonly code: string; readonly message: string },
  severity: 'NOTICE' | 'WARNING' | 'INFO' = 'NOTICE',
): ReadonlyMap<string, string> {
  return new Map([
    ['S', severity],
    ['V', severity],
    ['C', severity === 'WARNING' ? '01000' : '00000'],
    ['M', message],
    ['R', code],
  ]);
}
