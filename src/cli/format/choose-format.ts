/** Which format a command line means. */
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

/** The format that a file's name asks for, if any. */
function formatOfFile(path: string): FormatName | undefined {
  const suffix = /\.([a-z]+)$/i.exec(path)?.[1];
  return suffix === undefined ? undefined : SUFFIXES[suffix.toLowerCase()];
}

/** `--format`, else what the name of `-o` ends in, else a table for people and a JSON object a line for programs. */
export function chooseFormat({
  format,
  output,
}: Pick<CliOptions, 'format' | 'output'>): FormatName {
  if (format !== undefined) return format;
  if (output !== undefined) return formatOfFile(output) ?? 'jsonl';
  return process.stdout.isTTY ? 'table' : 'jsonl';
}
