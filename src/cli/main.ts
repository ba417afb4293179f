#!/usr/bin/env node
/** The `rvbbit` command: reads the command line and hands over to the command. Loads nothing that it may not need. */
import { existsSync } from 'node:fs';
import { type CliError, exitCodeOf, verdictOf } from './exit-codes.ts';
import type { CliOptions, CommandName } from './options.ts';
import { parseArgs } from './parse-args.ts';
import { reportError } from './report.ts';
import { isReaderGone, outputError } from './sink/output-error.ts';

/** A command: its words and options in, the exit code out. */
type RunCommand = (words: readonly string[], options: CliOptions) => Promise<number>;

async function loadCommand(name: CommandName): Promise<RunCommand> {
  switch (name) {
    case 'query':
      return (await import('./commands/query.ts')).query;
    case 'run':
      return (await import('./commands/run.ts')).run;
    case 'test':
      return (await import('./commands/test.ts')).test;
    case 'explain':
      return (await import('./commands/explain.ts')).explain;
    case 'doctor':
      return (await import('./commands/doctor.ts')).doctor;
    case 'resume':
      return (await import('./commands/resume.ts')).resume;
    case 'journal':
      return (await import('./commands/journal.ts')).journal;
    case 'cache':
      return (await import('./commands/cache.ts')).cache;
    case 'config':
      return (await import('./commands/config.ts')).config;
    case 'ops':
      return (await import('./commands/ops.ts')).ops;
    case 'init':
      return (await import('./commands/init.ts')).init;
    case 'sim':
      return (await import('./commands/sim.ts')).sim;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { command, words, options } = parseArgs(args, existsSync);
  if (options.color === false) {
    delete process.env['FORCE_COLOR'];
    process.env['NO_COLOR'] = '1';
  }
  if (options.help || options.version) {
    const { helpText } = await import('./help.ts');
    const { packageVersion } = await import('../util/version.ts');
    process.stdout.write(`${options.help ? helpText(command) : `rvbbit ${packageVersion()}`}\n`);
    return 0;
  }
  const run = await loadCommand(command);
  return run(words, options);
}

let unwritten: CliError | undefined;
process.stdout.on('error', (error) => {
  if (!isReaderGone(error)) unwritten ??= outputError(error);
});
process.stderr.on('error', () => {});

let code: number;
try {
  code = await main(process.argv.slice(2));
} catch (thrown) {
  reportError(thrown);
  code = exitCodeOf([verdictOf(thrown)]);
}
// An open stdin, or a thread that will not stop, must not keep the process alive. The stream's 'error' comes after the
// callback of the write.
process.stdout.write('', () => setImmediate(exit));

function exit(): void {
  if (code === 0 && unwritten !== undefined) {
    reportError(unwritten);
    code = exitCodeOf([unwritten.verdict]);
  }
  process.exit(code);
}
