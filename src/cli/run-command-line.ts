/** Runs a command line. Loads a module only when it is needed. */
import { exitCodeOf, verdictOf } from './exit-codes.ts';
import type { CliOptions, CommandName } from './options.ts';
import { parseArgs } from './parse-args.ts';
import { reportError } from './report.ts';

/** A command: takes words and options, and returns the exit code. */
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
    case 'jobs':
      return (await import('./commands/jobs.ts')).jobs;
    case 'journal':
      return (await import('./commands/journal.ts')).journal;
    case 'report':
      return (await import('./commands/report.ts')).report;
    case 'cache':
      return (await import('./commands/cache.ts')).cache;
    case 'cost':
      return (await import('./commands/cost.ts')).cost;
    case 'log':
      return (await import('./commands/log.ts')).log;
    case 'config':
      return (await import('./commands/config.ts')).config;
    case 'ops':
      return (await import('./commands/ops.ts')).ops;
    case 'bench':
      return (await import('./commands/bench.ts')).bench;
    case 'init':
      return (await import('./commands/init.ts')).init;
    case 'serve':
      return (await import('./commands/serve.ts')).serve;
    case 'server':
      return (await import('./commands/serve.ts')).server;
    case 'user':
      return (await import('./commands/user.ts')).user;
    case 'sim':
      return (await import('./commands/sim.ts')).sim;
  }
}

/** Reads the arguments after `rvbbit` and runs the command. Prints an error, if any. Returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    return await handOver(args);
  } catch (thrown) {
    reportError(thrown);
    return exitCodeOf([verdictOf(thrown)]);
  }
}

async function handOver(args: readonly string[]): Promise<number> {
  const { command, words, options } = parseArgs(args);
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
