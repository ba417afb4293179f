/** Reads a command line with commander: the odd ones, and those that are wrong, for its advice. */
import { Command, CommanderError, Option } from 'commander';
import type { CommandName } from './command-names.ts';
import { CliError } from './exit-codes.ts';
import { isWholeNumber, OPTIONS } from './options.ts';
import type { ParsedArgs } from './read-options.ts';
import type { ScriptInput } from './script.ts';

/** The command line by the table of options. Throws a usage error. */
export function readWithCommander(name: CommandName, args: readonly string[]): ParsedArgs {
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
  return { command: name, words: command.args, options: { ...said(command), inputs, param } };
}

/** The options that were given: without commander's default for `--no-…`, and what the collectors have. */
function said(command: Command): Record<string, unknown> {
  const collected = new Set(['command', 'file', 'param']);
  return Object.fromEntries(
    Object.entries(command.opts<Record<string, unknown>>()).filter(
      ([key]) => !collected.has(key) && command.getOptionValueSource(key) === 'cli',
    ),
  );
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
  if (!isWholeNumber(text)) {
    throw new CliError('usage', `${flag} takes a whole number from 1, not '${text}'`);
  }
  return Number(text);
}
