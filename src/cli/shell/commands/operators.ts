import { operatorReport } from '../../commands/ops.ts';
import { reportError } from '../../report.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `.operators`: lists the semantic operators. */
export const operators: ShellCommand = {
  names: ['.operators'],
  usage: '[PART]',
  help: 'the semantic operators, such as MEANS; PART of a name',
  async run(shell, argument) {
    const part = (onlyWord(argument, '.operators [PART]') ?? '').toUpperCase();
    const { columns, rows, errors } = await operatorReport(shell.options);
    await shell.print(
      columns,
      rows.filter(({ name }) => String(name).toUpperCase().includes(part)),
    );
    for (const error of errors) reportError(error);
  },
};
