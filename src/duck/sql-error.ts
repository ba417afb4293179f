/** Converts DuckDB's errors to `RvbbitError`, with a clean message, the SQLSTATE of their class, and the place. */

import { RvbbitError, type SourcePlace, type Stage } from '../errors.ts';
import { graphemes, graphemeWidth } from '../util/graphemes.ts';

const CLASS_STATES: Readonly<Record<string, string>> = {
  Parser: '42601',
  Syntax: '42601',
  Binder: '42000',
  Catalog: '42P01',
  Constraint: '23000',
  Conversion: '22000',
  'Out of Range': '22003',
  'Invalid Input': '22023',
  'Out of Memory': '53200',
  IO: '58030',
  Permission: '42501',
  'Not implemented': '0A000',
  Dependency: '2BP01',
  TransactionContext: '25000',
  INTERRUPT: '57014',
  Interrupt: '57014',
  FATAL: 'XX000',
  INTERNAL: 'XX000',
};

/** Returns the SQLSTATE of a DuckDB message such as `Binder Error: Referenced column …`. */
export function sqlStateOfMessage(message: string): string {
  const errorClass = /^([A-Za-z ]+?) Error: /.exec(message)?.[1] ?? '';
  if (errorClass === 'Binder' && /Referenced column|does not have a column/i.test(message)) {
    return '42703';
  }
  if (errorClass === 'Constraint') {
    if (/Duplicate key/i.test(message)) return '23505';
    if (/NOT NULL constraint/i.test(message)) return '23502';
    if (/CHECK constraint/i.test(message)) return '23514';
    if (/foreign key/i.test(message)) return '23503';
  }
  if (errorClass === 'Catalog') {
    if (/^Catalog Error: (?:Type with name|unrecognized config)/i.test(message)) return '42704';
    if (message.includes('already exists')) return '42P07';
    if (/Function with name/i.test(message)) return '42883';
  }
  if (errorClass === 'TransactionContext') {
    if (/aborted/i.test(message)) return '25P02';
    if (/conflict/i.test(message)) return '40001';
    if (/read-only/i.test(message)) return '25006';
  }
  return CLASS_STATES[errorClass] ?? '42000';
}

/**
 * Returns the place in `sql` at which the caret of DuckDB's `LINE n: …` block points; undefined without such a block.
 * DuckDB cuts long lines (`...`), so the excerpt is looked up in its line.
 */
export function placeInMessage(
  message: string,
  sql: string,
  linesBefore: number,
): SourcePlace | undefined {
  const block = /\n\nLINE (\d+): (.*)\n( *)\^/.exec(message);
  if (block === null) return undefined;
  const [, lineText = '1', excerpt = '', spaces = ''] = block;
  const caret = spaces.length - `LINE ${lineText}: `.length;
  const shown = excerpt.replace(/^\.\.\./, '').replace(/\.\.\.$/, '');
  const cut = excerpt.length > shown.length && excerpt.startsWith('...') ? 3 : 0;
  const line = sql.split('\n')[Number(lineText) - 1] ?? '';
  const start = Math.max(0, line.indexOf(shown));
  return {
    line: Math.max(1, Number(lineText) - linesBefore),
    column: start + offsetAt(shown, Math.max(0, caret - cut)) + 1,
  };
}

/** Returns the offset of the character at a terminal cell. For DuckDB, tabs and other control characters have no width. */
function offsetAt(text: string, cell: number): number {
  if (/^[\x20-\x7e]*$/.test(text)) return cell;
  let width = 0;
  let offset = 0;
  for (const { segment } of graphemes(text)) {
    const own = /^\p{Cc}/u.test(segment) ? 0 : graphemeWidth(segment);
    if (width >= cell && own > 0) break;
    width += own;
    offset += segment.length;
  }
  return offset;
}

/**
 * Converts anything that DuckDB threw to `RVB_SQL`. An `RvbbitError` is returned unchanged. `linesBefore` is the number
 * of lines that the engine put before the user's text.
 */
export function toSqlError(
  thrown: unknown,
  sql = '',
  options: { readonly stage?: Stage; readonly linesBefore?: number } = {},
): RvbbitError {
  if (thrown instanceof RvbbitError) return thrown;
  const raw = (thrown instanceof Error ? thrown.message : String(thrown)).replace(
    /^Failed to extract statements: /,
    '',
  );
  const place = placeInMessage(raw, sql, options.linesBefore ?? 0);
  const message = raw.replace(/\n\nLINE \d+: [\s\S]*$/, '').trim();
  return new RvbbitError('RVB_SQL', message === '' ? 'DuckDB gave no message' : message, {
    stage: options.stage ?? 'read',
    cause: thrown,
    sqlState: sqlStateOfMessage(raw),
    ...(place === undefined ? {} : { place }),
  });
}
