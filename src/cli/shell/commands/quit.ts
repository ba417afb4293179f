import { refuseWord } from '../../exit-codes.ts';
import type { ShellCommand } from '../command.ts';

/** `.quit`: ends the shell. */
export const quit: ShellCommand = {
  names: ['.quit', '.exit', '\\q'],
  usage: '',
  help: 'end the shell, or the script',
  async run({ workspace }, argument) {
    refuseWord(argument || undefined, '.quit');
    workspace.isOver = true;
  },
};
