/**
 * Writes CSV and TSV with RFC 4180's quoting and `\n` at line ends. NULL is an empty field and the empty string is
 * `""`, so that a reader can distinguish them. Nested values are JSON text.
 */
import type { ResultColumn } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { plainText } from '../text/value.ts';
import type { ResultWriter } from './writer.ts';

/** Begins a result set of comma-separated values with a header. */
export function startCsv(columns: readonly ResultColumn[], sink: Sink): ResultWriter {
  return startDelimited(columns, sink, ',');
}

/** Begins a result set of tab-separated values with a header. */
export function startTsv(columns: readonly ResultColumn[], sink: Sink): ResultWriter {
  return startDelimited(columns, sink, '\t');
}

function startDelimited(
  columns: readonly ResultColumn[],
  sink: Sink,
  delimiter: string,
): ResultWriter {
  const quotable = new RegExp(`["\\r\\n${delimiter}]`);
  const field = (value: unknown): string => {
    if (value === null || value === undefined) return '';
    const text = plainText(value);
    return text === '' || quotable.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const header = columns.map(({ name }) => field(name)).join(delimiter);
  let lead = `${header}\n`;
  return {
    row(row) {
      const line = columns.map(({ name }) => field(row[name])).join(delimiter);
      const text = `${lead}${line}\n`;
      lead = '';
      return sink.write(text);
    },
    end: () => (lead === '' ? undefined : sink.write(lead)),
  };
}
