import { CliError } from '../../exit-codes.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `.read`: runs a file. */
export const read: ShellCommand = {
  names: ['.read', '\\i'],
  usage: 'FILE',
  help: 'run the statements and commands of a file',
  completes: 'files',
  async run(shell, argument) {
    const file = onlyWord(argument, '.read FILE');
    if (file === undefined) throw new CliError('usage', '.read needs a file', '.read report.sql');
    await shell.runFile(file);
  },
};
