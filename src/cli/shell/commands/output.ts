import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

/** `.output`: sends results to a file. */
export const output: ShellCommand = {
  names: ['.output', '\\o'],
  usage: '[FILE]',
  help: 'write results to a file, whole; without a file, end it and print again',
  completes: 'files',
  run: (shell, argument) => shell.setOutput(onlyWord(argument, '.output [FILE]')),
};
