import { say } from '../../stderr.ts';
import { switched } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `.all`: shows every row of a table. */
export const all: ShellCommand = {
  names: ['.all'],
  usage: '[on|off]',
  help: 'show every row of a table, or the first and the last 20',
  completes: ['on', 'off'],
  async run({ workspace }, argument) {
    const isAll = switched(argument, workspace.formatSettings.all, '.all');
    workspace.formatSettings = { ...workspace.formatSettings, all: isAll };
    say(isAll ? 'tables show every row' : 'tables show the first and the last 20 rows');
  },
};
