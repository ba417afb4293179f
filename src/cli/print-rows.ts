/** Prints the rows of a command's own report like the rows of a result. */
import type { ResultColumn, Row } from '../result.ts';
import { CliError } from './exit-codes.ts';
import { chooseFormat } from './format/choose-format.ts';
import { loadFormat } from './format/format.ts';
import type { CliOptions } from './options.ts';
import { FileSink } from './sink/file-sink.ts';
import { intoSink, type Sink } from './sink/sink.ts';
import { StdoutSink } from './sink/stdout-sink.ts';
import { stdoutStyle } from './stderr.ts';

/** The rows of a command's own report. `columns` maps names to DuckDB types. */
export interface Report {
  readonly columns: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** Prints rows. `columns` maps names to DuckDB types. Throws a usage error for Parquet, which only DuckDB writes. */
export async function printRows(
  columns: Report['columns'],
  rows: Report['rows'],
  options: Pick<CliOptions, 'format' | 'output'>,
): Promise<void> {
  const { output } = options;
  const format = chooseFormat(options);
  if (format === 'parquet') throw new CliError('usage', 'a report is not written as parquet');
  const start = await loadFormat(format);
  const isTerminal = output === undefined && process.stdout.isTTY === true;
  const list: ResultColumn[] = Object.entries(columns).map(([name, type]) => ({ name, type }));
  const onBroken = () => undefined;
  const sink: Sink =
    output === undefined ? new StdoutSink(onBroken) : await FileSink.open(output, onBroken);
  const writer = start(list, sink, {
    all: true,
    columns: isTerminal ? process.stdout.columns : undefined,
    dim: output === undefined ? (text) => stdoutStyle('dim', text) : (text) => text,
  });
  await intoSink(sink, async () => {
    for (const row of rows) await writer.row(row);
    await writer.end();
  });
}
