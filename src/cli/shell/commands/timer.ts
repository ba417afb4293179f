import { say } from '../../stderr.ts';
import { switched } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `.timer`: prints the time of statements. */
export const timer: ShellCommand = {
  names: ['.timer', '\\timing'],
  usage: '[on|off]',
  help: 'print the time of each statement',
  completes: ['on', 'off'],
  async run({ workspace }, argument) {
    workspace.isTimed = switched(argument, workspace.isTimed, '.timer');
    say(`the timer is ${workspace.isTimed ? 'on' : 'off'}`);
  },
};
