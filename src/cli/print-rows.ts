/** Prints rows of a command's own report as results are printed. */
import type { ResultColumn, Row } from '../result.ts';
import { type FormatName, loadFormat } from './format/format.ts';
import type { CliOptions } from './options.ts';
import { StdoutSink } from './sink/stdout-sink.ts';
import { stdoutStyle } from './stderr.ts';

/** `columns` are names to DuckDB types. */
export async function printRows(
  columns: Readonly<Record<string, string>>,
  rows: readonly Row[],
  { format }: CliOptions,
): Promise<void> {
  const isTerminal = process.stdout.isTTY === true;
  const name = (format ?? (isTerminal ? 'table' : 'jsonl')) as Exclude<FormatName, 'parquet'>;
  const start = await loadFormat(name);
  const sink = new StdoutSink(() => undefined);
  const list: ResultColumn[] = Object.entries(columns).map(([each, type]) => ({
    name: each,
    type,
  }));
  const writer = start(list, sink, {
    all: true,
    columns: isTerminal ? process.stdout.columns : undefined,
    dim: (text) => stdoutStyle('dim', text),
  });
  for (const row of rows) await writer.row(row);
  await writer.end();
  await sink.close();
}
