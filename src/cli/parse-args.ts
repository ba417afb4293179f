/** Reads a command line by the table of options, with Node's own parser. */
import { existsSync } from 'node:fs';
import { parseArgs as parseTokens } from 'node:util';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { CliError } from './exit-codes.ts';
import { checkDatabase, isDatabaseName } from './file-kinds.ts';
import type { FormatName } from './format/format.ts';
import { INSTEAD_OF_OPTION, INSTEAD_OF_WORD } from './instead.ts';
import { type CliOptions, COMMANDS, type CommandName, OPTIONS, type OptionRow } from './options.ts';
import type { ScriptInput } from './script.ts';

/** A parsed command line. */
export interface ParsedArgs {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly options: CliOptions;
}

/** Flags that choose a format: `-csv` as in DuckDB's command line, and `--csv`, which people try. */
export const FORMAT_ALIASES: ReadonlyMap<string | undefined, FormatName> = new Map([
  ['csv', 'csv'],
  ['tsv', 'tsv'],
  ['json', 'json'],
  ['jsonl', 'jsonl'],
  ['jsonlines', 'jsonl'],
  ['markdown', 'markdown'],
  ['line', 'line'],
  ['table', 'table'],
  ['box', 'table'],
  ['duckbox', 'table'],
]);

/**
 * Returns the options of all commands, in the form of Node's parser: an option that takes a value does so in every
 * command. `command` only decides about letters. A letter that several options share belongs to that command's option.
 */
function knownFor(command: CommandName | undefined) {
  const own = OPTIONS.filter(({ commands }) => command !== undefined && commands.includes(command));
  const letters = new Set(own.map(letterOf));
  return Object.fromEntries(
    OPTIONS.map((row) => {
      const short = letterOf(row);
      const type = takesValue(row) ? ('string' as const) : ('boolean' as const);
      const isTaken = letters.has(short) && !own.some((one) => longName(one) === longName(row));
      return [longName(row), short === undefined || isTaken ? { type } : { type, short }];
    }),
  );
}

function letterOf({ flags }: OptionRow): string | undefined {
  return /^-(\w), /.exec(flags)?.[1];
}

/** Options that DuckDB's command line spells with one dash. Node's parser would read one-letter options in them. */
const ONE_DASH = new Set(['-readonly', '-init', '-silent']);

type Token = ReturnType<typeof tokensOf>[number];

/** Returns words, options and `--` in their order. A value may begin with a dash: `-c '-- a comment first'`. */
function tokensOf(args: readonly string[]) {
  const [word] = args;
  const known = knownFor(isCommand(word) && word !== 'help' ? word : 'query');
  const settings = { options: known, strict: false, allowPositionals: true, tokens: true } as const;
  const spelt = args.map((arg) => (ONE_DASH.has(arg) ? `-${arg}` : arg));
  return parseTokens({ args: spelt, ...settings }).tokens;
}

function isCommand(word: string | undefined): word is CommandName | 'help' {
  return (
    word !== undefined && word !== 'query' && (word === 'help' || Object.hasOwn(COMMANDS, word))
  );
}

/**
 * Reads the arguments after `node main.js`. The first word is looked for in the working folder, to tell a database
 * from a misspelt subcommand. Throws a `CliError` for the first mistake.
 */
export function parseArgs(args: readonly string[]): ParsedArgs {
  const tokens = tokensOf(args);
  const first = tokens.find(({ kind }) => kind !== 'option');
  const word = first?.kind === 'positional' ? first.value : undefined;
  if (!isCommand(word)) return readTokens('query', tokens, args);
  const rest = tokens.filter((token) => token !== first);
  if (word !== 'help') return readTokens(word, rest, args);
  const [topic, extra] = rest.flatMap((token) => (token.kind === 'positional' ? token.value : []));
  if (extra !== undefined) {
    throw new CliError('usage', `help takes one command, and not also '${extra}'`, 'rvbbit --help');
  }
  if (topic !== undefined && topic !== 'query' && !isCommand(topic)) {
    throw unknownCommand(topic, `there is no command '${topic}'`);
  }
  const command = topic === undefined || topic === 'help' ? 'query' : topic;
  return { command, words: [], options: { inputs: [], param: [], help: true } };
}

/** Reads the words and options of a command. Of a repeated option the last value counts, unless all are kept. */
function readTokens(
  command: CommandName,
  tokens: readonly Token[],
  args: readonly string[],
): ParsedArgs {
  const rows = OPTIONS.filter(({ commands }) => commands.includes(command));
  const inputs: ScriptInput[] = [];
  const param: string[] = [];
  const words: string[] = [];
  const values: Record<string, unknown> = {};
  const first = tokens.find(({ kind }) => kind !== 'option');
  for (const token of tokens) {
    if (token.kind === 'positional') {
      // A word after `--` is not meant as a command.
      if (command === 'query' && token === first) checkFirstWord(token.value);
      words.push(token.value);
    }
    if (token.kind !== 'option') continue;
    const alias = FORMAT_ALIASES.get(/^--?([a-z]+)$/.exec(args[token.index]!)?.[1]);
    const format = alias && rows.find((row) => longName(row) === 'format');
    const row = format ?? rows.find((candidate) => longName(candidate) === token.name);
    if (row === undefined) throw unknownOption(command, token.rawName, rows);
    const value = readValue(row, format === undefined ? token.value : alias, command);
    if (row.collect === 'param') param.push(String(value));
    else if (row.collect === 'sql') inputs.push({ kind: 'sql', text: String(value) });
    else if (row.collect === 'file') inputs.push({ kind: 'file', path: String(value) });
    else if (row.collect === 'list') values[keyOf(row)] = [...listOf(values[keyOf(row)]), value];
    else values[keyOf(row)] = value;
  }
  const own = command === 'report' ? values : withoutStdout(values);
  return { command, words, options: { ...own, inputs, param } };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Converts an option's text to its value. Throws a usage error for a wrong or missing value. */
function readValue(
  row: OptionRow,
  text: string | undefined,
  command: CommandName,
): string | number | boolean {
  const { flags, choices, number, from = 1, to = 999_999_999 } = row;
  const flag = `--${longName(row)}`;
  if (!takesValue(row)) {
    if (text === undefined) return !flag.startsWith('--no-');
    throw new CliError('usage', `${flag} takes no value, and not '${text}'`, helpOf(command));
  }
  if (text === undefined) {
    throw new CliError('usage', `${flag} needs a value: ${flags}`, helpOf(command));
  }
  if (choices?.includes(text) === false) {
    const taken = choices.join(', ');
    throw new CliError('usage', `${flag} takes ${taken}, not '${text}'`, helpOf(command));
  }
  if (!number) return text;
  if (number === 'dollars') {
    if (/^\d{1,9}(?:\.\d{1,6})?$/.test(text)) return Number(text);
    throw new CliError('usage', `${flag} takes US dollars, e.g. 0.50, not '${text}'`);
  }
  if (/^(0|[1-9]\d{0,8})$/.test(text) && Number(text) >= from && Number(text) <= to)
    return Number(text);
  throw new CliError(
    'usage',
    `${flag} takes a whole number from ${from}${row.to === undefined ? '' : ` to ${to}`}, not '${text}'`,
  );
}

function unknownOption(command: CommandName, flag: string, rows: readonly OptionRow[]): CliError {
  const name = flag.replace(/^-+/, '');
  const near = nearestSpelling(name, rows.map(longName));
  const others = OPTIONS.filter((row) => longName(row) === name).flatMap(
    ({ commands }) => commands,
  );
  const hint =
    (command === 'query' ? INSTEAD_OF_OPTION.get(name) : undefined) ??
    (others.length > 0 ? `it is an option of ${othersText(others)}` : undefined) ??
    (near === undefined ? helpOf(command) : `did you mean --${near}?`);
  return new CliError('usage', `unknown option '${flag}'`, hint);
}

function othersText(commands: readonly CommandName[]): string {
  return commands.map((name) => (name === 'query' ? 'rvbbit [db]' : `rvbbit ${name}`)).join(', ');
}

function helpOf(command: CommandName): string {
  return `rvbbit ${command === 'query' ? '' : `${command} `}--help`;
}

function takesValue({ flags }: OptionRow): boolean {
  return flags.includes('<');
}

function longName({ flags }: OptionRow): string {
  return /--([a-z-]+)/.exec(flags)?.[1] ?? '';
}

/** Returns the key of an option: `--keep-going` → `keepGoing`, `--no-color` → `color`. */
function keyOf(row: OptionRow): string {
  return longName(row)
    .replace(/^no-/, '')
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns the error for a word that is no command. `otherwise`: advice if it may also be a database. */
function unknownCommand(word: string, message: string, otherwise?: string): CliError {
  const instead = INSTEAD_OF_WORD.get(word.toLowerCase());
  if (instead !== undefined) return new CliError('usage', message, instead);
  const near = nearestCommand(word.toLowerCase());
  const hint =
    near === undefined
      ? `rvbbit --help lists the commands${otherwise === undefined ? '' : '.'}`
      : `did you mean rvbbit ${near}?`;
  return new CliError('usage', message, [hint, otherwise].filter(Boolean).join(' '));
}

/** Returns the command that the word shortens or lengthens, or that is spelt most like it. */
function nearestCommand(word: string): string | undefined {
  const names = [...Object.keys(COMMANDS).filter((name) => name !== 'query'), 'help'];
  const longer = word.length < 3 ? undefined : names.find((name) => name.startsWith(word));
  const shorter = names.find((name) => word.startsWith(name) && word.length < 3 * name.length);
  return longer ?? shorter ?? nearestSpelling(word, names);
}

/** Throws a usage error if the first word, which is no command, is no database either. */
function checkFirstWord(word: string): void {
  if (word === '-') return;
  if (/^[\w-]+$/.test(word) && !isDatabaseName(word) && !existsSync(word)) {
    throw unknownCommand(
      word,
      `'${word}' is neither a command nor a database that exists`,
      `For a new database of that name write ./${word} or ${word}.duckdb`,
    );
  }
  checkDatabase(word);
}

/**
 * Drops `-o -` and `-o /dev/stdout`, which mean the same as no `-o`. A file that replaced /dev/stdout would take it
 * away from the shell as well.
 */
function withoutStdout({ output, ...values }: Record<string, unknown>): Record<string, unknown> {
  return output === undefined || output === '-' || output === '/dev/stdout'
    ? values
    : { ...values, output };
}
