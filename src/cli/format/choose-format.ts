/** Chooses the output format of a command line. */
import { CliError } from '../exit-codes.ts';
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

/** Suffixes of formats that are not written: a reader of such a file would not find what its name says. */
const NOT_WRITTEN = /\.(?:xlsx?|ods|html?|xml|arrow|feather|avro|orc|sql|duckdb|ddb|db|sqlite3?)$/i;

/** Returns the format for the suffix of a file's name, if there is one. Throws for the suffix of another format. */
function formatOfFile(path: string): FormatName | undefined {
  if (NOT_WRITTEN.test(path)) {
    const hint = `-o takes a file that ends in .${Object.keys(SUFFIXES).join(', .')}; --format writes a format to any file`;
    throw new CliError('usage', `results are not written as ${path.replace(/.*\./, '.')}`, hint);
  }
  const suffix = /\.([a-z]+)$/i.exec(path)?.[1];
  return suffix === undefined ? undefined : SUFFIXES[suffix.toLowerCase()];
}

/**
 * Returns `--format`; else the format for the suffix of `-o`; else a table on a terminal. The default is jsonl. Throws a
 * usage error if `-o` has the suffix of a format that is not written.
 */
export function chooseFormat({
  format,
  output,
}: Pick<CliOptions, 'format' | 'output'>): FormatName {
  if (format !== undefined) return format;
  if (output !== undefined) return formatOfFile(output) ?? 'jsonl';
  return process.stdout.isTTY ? 'table' : 'jsonl';
}
