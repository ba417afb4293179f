/** Writes Markdown tables as GitHub reads them. */
import type { ResultColumn } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import { visible } from '../text/escape.ts';
import { plainText } from '../text/value.ts';
import { isNumeric } from './columns.ts';
import type { FormatSettings, ResultWriter } from './writer.ts';

// Markdown ends a cell at a pipe and a row at a line break, and reads `<` as the start of HTML.
function cell(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return plainText(value)
    .replace(/[\\|<]/g, '\\$&')
    .split(/\r\n|\r|\n/)
    .map(visible)
    .join('<br>');
}

/** Begins a result set that is a Markdown table. */
export function startMarkdown(
  columns: readonly ResultColumn[],
  sink: Sink,
  _settings: FormatSettings,
): ResultWriter {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  let lead =
    line(columns.map(({ name }) => cell(name))) +
    line(columns.map(({ type }) => (isNumeric(type) ? '---:' : '---')));
  if (sink.results > 0) lead = `\n${lead}`;
  sink.results++;
  return {
    row(row) {
      const text = lead + line(columns.map(({ name }) => cell(row[name])));
      lead = '';
      return sink.write(text);
    },
    end: () => (lead === '' ? undefined : sink.write(lead)),
  };
}
