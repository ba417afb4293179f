import { existsSync } from 'node:fs';
import { CliError, refuseWord } from '../../exit-codes.ts';
import { say } from '../../stderr.ts';
import { wordsOf } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

const USAGE = '.open [-readonly] [FILE]';

/** `.open`: opens another database. */
export const open: ShellCommand = {
  names: ['.open', '\\c'],
  usage: '[-readonly] [FILE]',
  help: 'open another database; without a file, one in memory',
  completes: 'files',
  async run(shell, argument) {
    const words = wordsOf(argument);
    const isFlag = (word: string) => /^--?readonly$/.test(word);
    const unknown = words.find((word) => word.startsWith('-') && !isFlag(word));
    if (unknown !== undefined) {
      throw new CliError('usage', `.open has no option ${unknown}`, USAGE);
    }
    const [file = ':memory:', left] = words.filter((word) => !isFlag(word));
    refuseWord(left, USAGE);
    const isNew = file !== ':memory:' && !existsSync(file);
    await shell.open(file, words.some(isFlag));
    say(
      file === ':memory:' ? 'a database in memory' : `opened ${file}${isNew ? ', a new file' : ''}`,
    );
  },
};
