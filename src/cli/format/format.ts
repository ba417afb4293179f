/** The output formats, and the module of each format. */
import type { ResultColumn } from '../../result.ts';
import type { Sink } from '../sink/sink.ts';
import type { FormatSettings, ResultWriter } from './writer.ts';

/** Every value of `--format`. */
export const FORMATS = [
  'table',
  'csv',
  'tsv',
  'json',
  'jsonl',
  'markdown',
  'line',
  'parquet',
  'none',
] as const;

/** The name of an output format. */
export type FormatName = (typeof FORMATS)[number];

/** The formats whose output can hold only one result set. */
export const SINGLE_RESULT: ReadonlySet<FormatName> = new Set(['csv', 'tsv', 'json', 'parquet']);

/** A function that begins one result set in a format. */
export type StartResult = (
  columns: readonly ResultColumn[],
  sink: Sink,
  settings: FormatSettings,
) => ResultWriter;

/** Loads the module of a format. Parquet has no module, because DuckDB writes it. */
export async function loadFormat(name: Exclude<FormatName, 'parquet'>): Promise<StartResult> {
  switch (name) {
    case 'table':
      return (await import('./table.ts')).startTable;
    case 'csv':
      return (await import('./delimited.ts')).startCsv;
    case 'tsv':
      return (await import('./delimited.ts')).startTsv;
    case 'json':
      return (await import('./json.ts')).startJson;
    case 'jsonl':
      return (await import('./json.ts')).startJsonl;
    case 'markdown':
      return (await import('./markdown.ts')).startMarkdown;
    case 'line':
      return (await import('./line.ts')).startLine;
    case 'none':
      return () => ({ row: () => undefined, end: () => undefined });
  }
}
