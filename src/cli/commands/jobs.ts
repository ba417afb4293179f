/** `rvbbit jobs`: lists the jobs of a state folder, waits for one, or cancels it. */

import { messageOf } from '../../errors.ts';
import { findJob, type JobFacts, listJobs } from '../../jobs/job-folder.ts';
import { cancelJob, jobEnded } from '../../jobs/job-runner.ts';
import { JOB_AWAIT_MS } from '../../limits.ts';
import { JOB_COLUMNS, jobRows } from '../../receipts/jobs-view.ts';
import { CliError, exitCodeOf, noAction, refuseWord } from '../exit-codes.ts';
import { type CliOptions, refuseOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { readAgeMs } from '../read-bounds.ts';
import { openEngine, STATE_DIR } from '../session.ts';
import { watchInterrupts } from '../signals.ts';
import { say } from '../stderr.ts';

const USAGE = 'rvbbit jobs list|await <id>|cancel <id>';
/** The options for running a job, which only `await` uses. */
const RUNNING = ['timeout', 'cascades', 'threads'] as const;

/** Runs `list`, `await` or `cancel`. Returns the exit code. */
export async function jobs(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, id, ...more] = words;
  if (action !== 'list' && action !== 'await' && action !== 'cancel') {
    throw noAction('jobs', action, USAGE);
  }
  if (action !== 'await') refuseOptions('jobs', action, options, RUNNING);
  refuseWord(action === 'list' ? id : more[0], USAGE);
  const { stateDir = STATE_DIR } = options;
  if (action === 'list') {
    await print(listJobs(stateDir), options);
    return 0;
  }
  if (id === undefined) throw new CliError('usage', `jobs ${action} needs the id of a job`, USAGE);
  const facts = findJob(stateDir, id);
  if (facts === undefined) {
    throw new CliError('usage', `there is no job ${id} in ${stateDir}`, 'rvbbit jobs list');
  }
  const interrupts = watchInterrupts();
  const { signal } = interrupts;
  try {
    if (action === 'await') return await awaitEnd(facts, stateDir, options, signal);
    await print([await cancelJob(stateDir, id, signal)], options);
    return 0;
  } finally {
    interrupts.close();
  }
}

/** Waits for a job on an engine of its database, which runs it. Where another process has the database, that one does. */
async function awaitEnd(
  { job, end }: JobFacts,
  stateDir: string,
  options: CliOptions,
  signal: AbortSignal,
): Promise<number> {
  const { timeout } = options;
  const timeoutMs = timeout === undefined ? JOB_AWAIT_MS : readAgeMs('--timeout', timeout);
  const engine =
    end === undefined && job.owner === undefined
      ? await openEngine(options, job.database).catch((thrown: unknown) => {
          if (options.quiet !== true) say(`${messageOf(thrown)}: waiting for whoever runs the job`);
          return undefined;
        })
      : undefined;
  try {
    const ended = await jobEnded(stateDir, job.id, timeoutMs, signal);
    await print([ended], options);
    if (ended.state === 'success') return 0;
    return exitCodeOf([ended.state === 'incomplete' ? 'budget' : 'failed']);
  } finally {
    await engine?.close();
  }
}

function print(jobs: readonly JobFacts[], options: CliOptions): Promise<void> {
  return printRows(JOB_COLUMNS, jobRows(jobs), options);
}
