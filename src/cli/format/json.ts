/**
 * Writes JSON: an array with one row per line, or only one row per line. Rows come in the form `json-numbers`, in which
 * a number that a double cannot hold is an exact string.
 */
import type { ResultColumn, Row } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { jsonText } from '../text/value.ts';
import type { ResultWriter } from './writer.ts';

/** Returns a writer of rows whose fields are in column order. An object does not keep this order for names like "1". */
function rowText(columns: readonly ResultColumn[]): (row: Row) => string {
  const keys = columns.map(({ name }) => [name, `${jsonText(name)}:`] as const);
  return (row) => `{${keys.map(([name, key]) => key + jsonText(row[name])).join(',')}}`;
}

/** Begins a result set that is an array of objects. */
export function startJson(columns: readonly ResultColumn[], sink: Sink): ResultWriter {
  const textOf = rowText(columns);
  let lead = '[\n  ';
  return {
    row(row) {
      const text = lead + textOf(row);
      lead = ',\n  ';
      return sink.write(text);
    },
    end: () => sink.write(lead === '[\n  ' ? '[]\n' : '\n]\n'),
  };
}

/** Begins a result set with one object per line. */
export function startJsonl(columns: readonly ResultColumn[], sink: Sink): ResultWriter {
  const textOf = rowText(columns);
  return {
    row: (row) => sink.write(`${textOf(row)}\n`),
    end: () => undefined,
  };
}
