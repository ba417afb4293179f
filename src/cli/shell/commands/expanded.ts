import { say } from '../../stderr.ts';
import { switched } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `\x`: shows rows as lines. */
export const expanded: ShellCommand = {
  names: ['\\x'],
  usage: '[on|off]',
  help: 'a line for each column, or a table again',
  completes: ['on', 'off'],
  async run(shell, argument) {
    const isOn = switched(argument, shell.workspace.format === 'line', '\\x');
    await shell.setFormat(isOn ? 'line' : 'table');
    say(isOn ? 'a line for each column' : 'tables');
  },
};
