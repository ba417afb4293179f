/** Chooses the output format of a command line. */
import type { CliOptions } from '../options.ts';
import type { FormatName } from './format.ts';

const SUFFIXES: Readonly<Record<string, FormatName>> = {
  csv: 'csv',
  tsv: 'tsv',
  json: 'json',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  md: 'markdown',
  parquet: 'parquet',
};

/** Returns the format for the suffix of a file's name, if there is one. */
function formatOfFile(path: string): FormatName | undefined {
  const suffix = /\.([a-z]+)$/i.exec(path)?.[1];
  return suffix === undefined ? undefined : SUFFIXES[suffix.toLowerCase()];
}

/** Returns `--format`; else the format for the suffix of `-o`; else a table on a terminal. The default is jsonl. */
export function chooseFormat({
  format,
  output,
}: Pick<CliOptions, 'format' | 'output'>): FormatName {
  if (format !== undefined) return format;
  if (output !== undefined) return formatOfFile(output) ?? 'jsonl';
  return process.stdout.isTTY ? 'table' : 'jsonl';
}
