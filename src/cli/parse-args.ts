/** Reads a command line by the table of options, with Node's own parser. */
import { parseArgs as parseTokens } from 'node:util';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { CliError } from './exit-codes.ts';
import type { FormatName } from './format/format.ts';
import { type CliOptions, COMMANDS, type CommandName, OPTIONS, type OptionRow } from './options.ts';
import type { ScriptInput } from './script.ts';

/** A parsed command line. */
export interface ParsedArgs {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly options: CliOptions;
}

/** Flags that choose a format: `-csv` as in DuckDB's command line, and `--csv`, which people try. */
const FORMAT_ALIASES: ReadonlyMap<string | undefined, FormatName> = new Map([
  ['csv', 'csv'],
  ['tsv', 'tsv'],
  ['json', 'json'],
  ['jsonl', 'jsonl'],
  ['jsonlines', 'jsonl'],
  ['markdown', 'markdown'],
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

type Token = ReturnType<typeof tokensOf>[number];

/** Returns words, options and `--` in their order. A value may begin with a dash: `-c '-- a comment first'`. */
function tokensOf(args: readonly string[]) {
  const [word] = args;
  const known = knownFor(isCommand(word) && word !== 'help' ? word : 'query');
  const settings = { options: known, strict: false, allowPositionals: true, tokens: true } as const;
  return parseTokens({ args: [...args], ...settings }).tokens;
}

function isCommand(word: string | undefined): word is CommandName | 'help' {
  return (
    word !== undefined && word !== 'query' && (word === 'help' || Object.hasOwn(COMMANDS, word))
  );
}

/**
 * Reads the arguments after `node main.js`. `isFile` distinguishes an existing database from a misspelt subcommand.
 * Throws a usage error.
 */
export function parseArgs(args: readonly string[], isFile: (path: string) => boolean): ParsedArgs {
  const tokens = tokensOf(args);
  const first = tokens.find(({ kind }) => kind !== 'option');
  const word = first?.kind === 'positional' ? first.value : undefined;
  if (!isCommand(word)) {
    const parsed = readTokens('query', tokens, args);
    if (word !== undefined) refuseMisspelling(word, parsed, isFile);
    return parsed;
  }
  const rest = tokens.filter((token) => token !== first);
  if (word !== 'help') return readTokens(word, rest, args);
  const topic = rest.find((token) => token.kind === 'positional')?.value;
  if (topic !== undefined && topic !== 'query' && !isCommand(topic)) throw unknownCommand(topic);
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
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
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
  const { flags, choices, number } = row;
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
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CliError('usage', `${flag} takes a whole number from 1, not '${text}'`);
}

function unknownOption(command: CommandName, flag: string, rows: readonly OptionRow[]): CliError {
  const near = nearestSpelling(
    flag,
    rows.map((row) => `--${longName(row)}`),
  );
  const hint = near === undefined ? helpOf(command) : `did you mean ${near}?`;
  return new CliError('usage', `unknown option '${flag}'`, hint);
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

/** What to type instead of a word that looks like a command but is none. */
const INSTEAD: Readonly<Record<string, string>> = { query: "-c 'SQL'", version: '--version' };

function unknownCommand(word: string): CliError {
  const near = nearestSpelling(word, [...Object.keys(COMMANDS), 'help']);
  const hint = near === undefined ? 'rvbbit --help' : `did you mean ${near}?`;
  return new CliError('usage', `there is no command '${word}'`, hint);
}

/** Throws a usage error if the first word, which names the database, looks like something else. */
function refuseMisspelling(
  word: string,
  { options, words }: ParsedArgs,
  isFile: (path: string) => boolean,
): void {
  if (word === '-' || words[0] !== word || options.help || options.version) return;
  if (/^[a-z]+$/i.test(word) && !isFile(word)) {
    const near = nearestSpelling(word, [...Object.keys(COMMANDS), 'help', 'version']);
    if (near === undefined) return;
    const meant = INSTEAD[near] ?? near;
    const hint = `did you mean rvbbit ${meant}? For a new database of that name write ./${word}`;
    throw new CliError('usage', `'${word}' is neither a command nor a database that exists`, hint);
  }
  if (/^\s*(?:select|from|with|rvbbit|create|insert|explain)\s/i.test(word)) {
    throw new CliError('usage', 'the first word is a database file', "did you mean -c 'SQL'?");
  }
  if (/\.sql$/i.test(word)) {
    throw new CliError(
      'usage',
      `'${word}' stands where the database goes`,
      `did you mean -f ${word}?`,
    );
  }
  if (/\.ya?ml$/i.test(word)) {
    throw new CliError(
      'usage',
      `'${word}' stands where the database goes`,
      `did you mean rvbbit run ${word}?`,
    );
  }
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
