import { SPEND_KEYS, type SpendKey } from '../../../receipts/spend.ts';
import { spendRows } from '../../commands/cost.ts';
import { CliError } from '../../exit-codes.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

const KEYS: readonly string[] = SPEND_KEYS;

/** `.cost`: shows what was spent. */
export const cost: ShellCommand = {
  names: ['.cost'],
  usage: '[BY]',
  help: `what was spent; BY ${KEYS.join(', ')}`,
  completes: KEYS,
  async run(shell, argument) {
    const by = onlyWord(argument, '.cost [BY]') ?? 'model';
    if (!KEYS.includes(by)) {
      throw new CliError('usage', `.cost takes ${KEYS.join(', ')}, not '${by}'`);
    }
    const { columns, rows } = await spendRows(shell.options, by as SpendKey);
    await shell.print(columns, rows);
  },
};
