/** Reads a command line by the table of options, with Node's own parser. */
import { parseArgs as parseTokens } from 'node:util';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { CliError } from './exit-codes.ts';
import type { FormatName } from './format/format.ts';
import { type CliOptions, COMMANDS, type CommandName, OPTIONS, type OptionRow } from './options.ts';
import type { ScriptInput } from './script.ts';

/** A command line, read. */
export interface ParsedArgs {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly options: CliOptions;
}

/** DuckDB's spellings of a format, and the long forms that people type unasked. */
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
 * Of all commands: an option that takes a value takes one in each of them. A letter is that of the command's own option,
 * where it comes first.
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

/** Words, options and `--` in their order. A value may begin with a dash: `-c '-- a comment first'`. */
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
 * Reads the arguments after `node main.js`. `isFile` tells a database that is there from a misspelt
 * subcommand. Throws a usage error.
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

/** The words and options of a command; the last of several values counts, but where all are kept. */
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
    else values[keyOf(row)] = value;
  }
  const own = command === 'report' ? values : withoutStdout(values);
  return { command, words, options: { ...own, inputs, param } };
}

/** The value as the option takes it. */
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

/** `--keep-going` → `keepGoing`, `--no-color` → `color`. */
function keyOf(row: OptionRow): string {
  return longName(row)
    .replace(/^no-/, '')
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What is typed for a word that reads like a command. */
const INSTEAD: Readonly<Record<string, string>> = { query: "-c 'SQL'", version: '--version' };

function unknownCommand(word: string): CliError {
  const near = nearestSpelling(word, [...Object.keys(COMMANDS), 'help']);
  const hint = near === undefined ? 'rvbbit --help' : `did you mean ${near}?`;
  return new CliError('usage', `there is no command '${word}'`, hint);
}

/** The first word is a database unless it looks like something else that was meant. */
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

/** `-o -` is what happens without `-o`; a file that took the place of /dev/stdout would take it from the shell as well. */
function withoutStdout({ output, ...values }: Record<string, unknown>): Record<string, unknown> {
  return output === undefined || output === '-' || output === '/dev/stdout'
    ? values
    : { ...values, output };
}
