/** Writes each row as a block of lines, with one line for each column: for rows that are too wide for a table. */
import type { ResultColumn } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { visible } from '../text/escape.ts';
import { plainText } from '../text/value.ts';
import { displayWidth, padWidth } from '../text/width.ts';
import type { FormatSettings, ResultWriter } from './writer.ts';

/** Begins a result set of `name = value` lines, with an empty line between rows. */
export function startLine(
  columns: readonly ResultColumn[],
  sink: Sink,
  { dim }: FormatSettings,
): ResultWriter {
  const width = Math.max(0, ...columns.map(({ name }) => displayWidth(visible(name))));
  const heads = columns.map(({ name }) => dim(`${padWidth(visible(name), width, 'right')} = `));
  return {
    row(row) {
      const lead = sink.results++ > 0 ? '\n' : '';
      const lines = columns.map(({ name }, index) => {
        const value = row[name];
        return `${heads[index]}${value == null ? dim('NULL') : visible(plainText(value))}\n`;
      });
      return sink.write(lead + lines.join(''));
    },
    end: () => undefined,
  };
}
