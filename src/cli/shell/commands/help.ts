import { CliError } from '../../exit-codes.ts';
import { onlyWord } from '../arguments.ts';
import type { Shell, ShellCommand } from '../command.ts';

const NAME_WIDTH = 26;
const PSQL_WIDTH = 12;

const KEYS = `
A statement ends with ; and may have several lines. Tab completes, the arrow keys find earlier statements.
Ctrl-C stops the running statement, or drops what is typed. Ctrl-D ends the shell.`;

/** `.help`: lists the commands. */
export const help: ShellCommand = {
  names: ['.help', '\\?'],
  usage: '[COMMAND]',
  help: 'this list, or one line of it',
  async run(shell, argument) {
    const word = onlyWord(argument, '.help [COMMAND]');
    const lines = linesOf(shell, word);
    if (lines.length === 0) {
      throw new CliError('usage', `there is no command ${word}`, '.help lists the commands');
    }
    await shell.write(`${[...lines, ...(word === undefined ? [KEYS] : [])].join('\n')}\n`);
  },
};

function linesOf({ commands }: Shell, word: string | undefined): string[] {
  const isMeant = (names: readonly string[]) =>
    word === undefined || names.some((name) => name === word || name.slice(1) === word);
  return commands
    .filter(({ names }) => isMeant(names))
    .map(({ names, usage, help: text }) => {
      const [first, ...others] = names;
      const left = `${first} ${usage}`.trimEnd().padEnd(NAME_WIDTH);
      return `${left} ${others.join(' ').padEnd(PSQL_WIDTH)} ${text}`;
    });
}
