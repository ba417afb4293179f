/**
 * Reads a command line with Node's own parser, which costs nothing to load. Whatever that does not take is
 * left to commander, which knows how to say what is wrong.
 */
import { parseArgs } from 'node:util';
import type { CommandName } from './command-names.ts';
import { type CliOptions, isWholeNumber, OPTIONS, type OptionRow } from './options.ts';
import type { ScriptInput } from './script.ts';

/** A command line, read. */
export interface ParsedArgs {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly options: CliOptions;
}

function longName({ flags }: OptionRow): string {
  return /--([a-z-]+)/.exec(flags)?.[1] ?? '';
}

/** `keep-going` → `keepGoing`, `no-color` → `color`: the keys that commander makes as well. */
function keyOf(name: string): string {
  return name.replace(/^no-/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function tokensOf(rows: readonly OptionRow[], args: readonly string[]) {
  const options = Object.fromEntries(
    rows.map((row) => {
      const short = /^-(\w), /.exec(row.flags)?.[1];
      const type = row.flags.includes('<') ? ('string' as const) : ('boolean' as const);
      return [longName(row), short === undefined ? { type } : { type, short }];
    }),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true }).tokens;
  } catch {
    return undefined;
  }
}

function isAllowed({ choices, number }: OptionRow, value: string): boolean {
  return (choices?.includes(value) ?? true) && (!number || isWholeNumber(value));
}

/** The command line by the table of options, or undefined if anything about it is not in order. */
export function readOptions(command: CommandName, args: readonly string[]): ParsedArgs | undefined {
  const rows = OPTIONS.filter(({ commands }) => commands.includes(command));
  const inputs: ScriptInput[] = [];
  const param: string[] = [];
  const words: string[] = [];
  const values: Record<string, unknown> = {};
  const tokens = tokensOf(rows, args);
  if (tokens === undefined) return undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const row = rows.find((candidate) => longName(candidate) === token.name);
    const { name, value } = token;
    if (row === undefined) return undefined;
    if (value === undefined) values[keyOf(name)] = !name.startsWith('no-');
    else if (row.collect === 'sql') inputs.push({ kind: 'sql', text: value });
    else if (row.collect === 'file') inputs.push({ kind: 'file', path: value });
    else if (row.collect === 'param') param.push(value);
    else if (isAllowed(row, value)) values[keyOf(name)] = row.number ? Number(value) : value;
    else return undefined;
  }
  return { command, words, options: { ...values, inputs, param } };
}
