/**
 * JSON: one array with a row a line, or a row a line alone. Numbers that a double cannot hold come as
 * exact strings: rows are in the form `json-numbers`.
 */
import type { ResultColumn, Row } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { jsonText } from '../text/value.ts';
import type { ResultWriter } from './writer.ts';

/** Writes a row's fields in the order of the columns, which an object would not keep for names such as "1". */
function rowText(columns: readonly ResultColumn[]): (row: Row) => string {
  const keys = columns.map(({ name }) => [name, `${jsonText(name)}:`] as const);
  return (row) => `{${keys.map(([name, key]) => key + jsonText(row[name])).join(',')}}`;
}

/** One result set as an array of objects. */
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

/** One result set as an object a line. */
export function startJsonl(columns: readonly ResultColumn[], sink: Sink): ResultWriter {
  const textOf = rowText(columns);
  return {
    row: (row) => sink.write(`${textOf(row)}\n`),
    end: () => undefined,
  };
}
