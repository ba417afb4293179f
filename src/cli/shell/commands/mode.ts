import { CliError } from '../../exit-codes.ts';
import { FORMATS } from '../../format/format.ts';
import { FORMAT_ALIASES } from '../../parse-args.ts';
import { say } from '../../stderr.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

const NAMES = FORMATS.filter((name) => name !== 'parquet');

/** `.mode`: chooses the format of results. */
export const mode: ShellCommand = {
  names: ['.mode'],
  usage: '[NAME]',
  help: `how results are printed: ${NAMES.join(', ')}`,
  completes: NAMES,
  async run(shell, argument) {
    const word = onlyWord(argument, '.mode [NAME]')?.toLowerCase();
    if (word === undefined) return say(`the mode is ${shell.workspace.format}`);
    const format = NAMES.find((name) => name === word) ?? FORMAT_ALIASES.get(word);
    if (format === undefined) {
      const hint = word === 'parquet' ? "COPY (SELECT …) TO 'result.parquet'" : undefined;
      throw new CliError('usage', `.mode takes ${NAMES.join(', ')}, not '${word}'`, hint);
    }
    await shell.setFormat(format);
  },
};
