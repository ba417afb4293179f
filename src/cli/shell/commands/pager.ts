import { say } from '../../stderr.ts';
import { switched } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `.pager`: turns the pager on or off. */
export const pager: ShellCommand = {
  names: ['.pager'],
  usage: '[on|off]',
  help: 'show what does not fit on the screen in $PAGER, or in less',
  completes: ['on', 'off'],
  async run(shell, argument) {
    if (shell.pager === undefined) return say('there is no pager without a terminal');
    shell.pager.isOn = switched(argument, shell.pager.isOn, '.pager');
    say(`the pager is ${shell.pager.isOn ? 'on' : 'off'}`);
  },
};
