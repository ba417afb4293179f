/** Reads a command line by the table of options. */
import { Command, CommanderError, Option } from 'commander';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { CliError } from './exit-codes.ts';
import {
  type CliOptions,
  COMMANDS,
  type CommandName,
  firstWord,
  OPTIONS,
  spellOutFormats,
} from './options.ts';
import type { ScriptInput } from './script.ts';

/** A command line, read. */
export interface ParsedArgs {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly options: CliOptions;
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
  const at = firstWord(args);
  const word = at < 0 ? undefined : args[at];
  if (!isCommand(word)) {
    const parsed = parseOptions('query', spellOutFormats(args));
    if (word !== undefined) refuseMisspelling(word, parsed, isFile);
    return parsed;
  }
  const rest = args.toSpliced(at, 1);
  if (word !== 'help') return parseOptions(word, word === 'explain' ? spellOutFormats(rest) : rest);
  const topic = rest[0];
  if (topic !== undefined && topic !== 'query' && !isCommand(topic)) throw unknownCommand(topic);
  const command = topic === undefined || topic === 'help' ? 'query' : topic;
  return { command, words: [], options: { inputs: [], param: [], help: true } };
}

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
  if (word === '-' || words[0] !== word || isFile(word) || options.help || options.version) return;
  if (/^[a-z]+$/i.test(word)) {
    const near = nearestSpelling(word, [...Object.keys(COMMANDS), 'help']);
    if (near === undefined || near === 'query') return;
    const hint = `did you mean rvbbit ${near}? For a new database of that name write ./${word}`;
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

function parseOptions(name: CommandName, args: readonly string[]): ParsedArgs {
  const inputs: ScriptInput[] = [];
  const param: string[] = [];
  const command = buildCommand(name, inputs, param);
  let message = '';
  command.exitOverride().configureOutput({
    writeErr: (text) => {
      message += text;
    },
  });
  try {
    command.parse(args, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    const [first = '', ...more] = (message || thrown.message).trim().split('\n');
    const advice =
      /\((Did.*)\)/.exec(more.join(' '))?.[1] ??
      `rvbbit ${name === 'query' ? '' : `${name} `}--help`;
    throw new CliError('usage', first.replace(/^error: /, ''), advice);
  }
  return { command: name, words: command.args, options: { ...command.opts(), inputs, param } };
}

function buildCommand(name: CommandName, inputs: ScriptInput[], param: string[]): Command {
  const command = new Command('rvbbit').helpOption(false).argument('[words...]');
  for (const { flags, help, commands, choices, number, collect } of OPTIONS) {
    if (!commands.includes(name)) continue;
    const option = new Option(flags, help);
    if (choices !== undefined) option.choices([...choices]);
    if (number) option.argParser((text: string) => wholeNumber(option.long ?? '', text));
    if (collect === 'sql')
      option.argParser((text: string) => void inputs.push({ kind: 'sql', text }));
    if (collect === 'file')
      option.argParser((path: string) => void inputs.push({ kind: 'file', path }));
    if (collect === 'param') option.argParser((text: string) => void param.push(text));
    command.addOption(option);
  }
  return command;
}

function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new CliError('usage', `${flag} takes a whole number from 1, not '${text}'`);
  }
  return Number(text);
}
