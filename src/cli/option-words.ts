/** What is read of a command line before its options are: its first word, and formats in short. */
import type { CommandName } from './command-names.ts';
import type { FormatName } from './format/format.ts';
import { OPTIONS } from './options.ts';

/** DuckDB's spellings of a format, and the long forms that people type unasked. */
const FORMAT_ALIASES: Readonly<Record<string, FormatName>> = {
  csv: 'csv',
  tsv: 'tsv',
  json: 'json',
  jsonl: 'jsonl',
  jsonlines: 'jsonl',
  markdown: 'markdown',
  table: 'table',
  box: 'table',
  duckbox: 'table',
};

const VALUE_FLAGS: ReadonlySet<string> = new Set(
  OPTIONS.filter(({ flags }) => flags.includes('<')).flatMap(
    ({ flags }) => flags.match(/--?[a-z]+(?:-[a-z]+)*/g) ?? [],
  ),
);

/** The index of the first argument that is neither an option nor the value of one; -1 if there is none. */
export function firstWord(args: readonly string[]): number {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--') return -1;
    if (VALUE_FLAGS.has(arg)) at++;
    else if (arg === '-' || !arg.startsWith('-')) return at;
  }
  return -1;
}

/** Whether the command has `--format`. */
export function takesFormat(command: CommandName): boolean {
  return OPTIONS.some(
    ({ flags, commands }) => flags.startsWith('--format') && commands.includes(command),
  );
}

/** The arguments with `-csv`, `--json` and their like written as `--format`. */
export function spellOutFormats(args: readonly string[]): string[] {
  const spelt: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const alias = FORMAT_ALIASES[/^--?([a-z]+)$/.exec(arg)?.[1] ?? ''];
    if (arg === '--') return [...spelt, ...args.slice(at)];
    if (alias !== undefined) spelt.push('--format', alias);
    else spelt.push(arg);
    if (VALUE_FLAGS.has(arg) && at + 1 < args.length) spelt.push(args[++at]!);
  }
  return spelt;
}
