/** `rvbbit resume`: lists the statements that did not complete, and runs one of them again. */
import { RvbbitError } from '../../errors.ts';
import { findJob } from '../../jobs/job-folder.ts';
import { realFileSystem } from '../../journal/disk/file-system.ts';
import { type ListedStatement, listStatements } from '../../journal/disk/list-statements.ts';
import { lockRun } from '../../journal/run-lock.ts';
import { existingJournal } from '../existing-journal.ts';
import { CliError, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { refuseOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { reportDamage } from '../report-damage.ts';
import { say } from '../stderr.ts';
import { counted } from '../text/counted.ts';
import { query } from './query.ts';

/** The text before a statement whose result went to a Parquet file. It is removed; the user has to give `-o` again. */
const PARQUET_TABLE = /CREATE TEMP TABLE rvbbit_output_[0-9a-f]{8} AS /;
/** The options for running a statement, which `--list` does not use. */
const RUNNING = ['param', 'cascades', 'parallel', 'threads', 'stats'] as const;
const USAGE = 'rvbbit resume --list | <session> [db]';

/** With `--list`, lists statements. Otherwise runs the statement's SQL again, which asks only for missing answers. */
export async function resume(words: readonly string[], options: CliOptions): Promise<number> {
  const [prefix, ...database] = words;
  if (options.list === true) {
    refuseWord(prefix, USAGE);
    refuseOptions('resume', '--list', options, RUNNING);
    const { stateDir, folder } = existingJournal(options);
    const isNoJob = ({ session }: ListedStatement) => findJob(stateDir, session) === undefined;
    await printList(statementsOf(folder).filter(isNoJob), options);
    return 0;
  }
  if (prefix === undefined) throw new CliError('usage', 'resume needs a session', USAGE);
  const { stateDir, folder } = existingJournal(options);
  if (findJob(stateDir, prefix) !== undefined) {
    const message = `${prefix} is a job, which an engine goes on with by itself`;
    throw new CliError('usage', message, `rvbbit jobs await ${prefix}`);
  }
  const { session } = chosen(statementsOf(folder), prefix);
  const lock = await lockRun(stateDir, session);
  try {
    // The list is read again under the lock, because the last holder of the lock may have completed the statement.
    const statement = chosen(statementsOf(folder), session);
    if (statement.ending === 'running') throw running(statement);
    tell(statement, options);
    return await query(database, {
      ...options,
      inputs: [{ kind: 'sql', text: statement.sql.replace(PARQUET_TABLE, '') }],
      parallel: options.parallel ?? statement.parallel,
      resume: {
        resumes: session,
        ...(options.parallel === undefined ? {} : { resumeParallel: options.parallel }),
      },
    });
  } finally {
    lock.release();
  }
}

function statementsOf(folder: string): ListedStatement[] {
  return listStatements(realFileSystem, folder, reportDamage);
}

function chosen(statements: readonly ListedStatement[], prefix: string): ListedStatement {
  const found = statements.filter(({ session }) => session.startsWith(prefix));
  const exact = found.find(({ session }) => session === prefix);
  const [statement, ...others] = exact === undefined ? found : [exact];
  if (statement === undefined) {
    const message = `no statement that has not completed has a session that begins with ${prefix}`;
    throw new CliError('usage', message, 'rvbbit resume --list');
  }
  if (others.length > 0) {
    const names = found.map(({ session }) => session).join(', ');
    throw new CliError('usage', `${prefix} begins several sessions: ${names}`, 'say more of it');
  }
  return statement;
}

function running({ session, pid }: ListedStatement): RvbbitError {
  return new RvbbitError(
    'RVB_RUN_LOCKED',
    `${session} is still run by process ${pid}: wait for it, or end it`,
    { stage: 'journal' },
  );
}

function tell(statement: ListedStatement, { quiet, param }: CliOptions): void {
  const { session, ending, settled, rows, inFlight, hasParameters } = statement;
  if (quiet === true) return;
  const done = rows === undefined ? 'no rows were read' : `${settled} of ${rows} rows had settled`;
  const cut = inFlight === 0 ? '' : `, ${counted(inFlight, 'call')} in flight`;
  say(`resuming ${session} (${ending}): ${done}${cut}`);
  if (hasParameters && param.length === 0) {
    say('the statement had parameters, which no journal keeps: give the same ones with --param');
  }
}

async function printList(
  statements: readonly ListedStatement[],
  options: CliOptions,
): Promise<void> {
  await printRows(
    {
      session: 'VARCHAR',
      started: 'TIMESTAMP',
      ending: 'VARCHAR',
      runs: 'BIGINT',
      rows: 'BIGINT',
      settled: 'BIGINT',
      calls: 'BIGINT',
      in_flight: 'BIGINT',
      parameters: 'BOOLEAN',
      sql: 'VARCHAR',
    },
    statements.map((statement) => ({
      session: statement.session,
      started: new Date(statement.at / 1_000).toISOString(),
      ending: statement.ending,
      runs: statement.runs,
      rows: statement.rows ?? null,
      settled: statement.settled,
      calls: statement.calls,
      in_flight: statement.inFlight,
      parameters: statement.hasParameters,
      sql: firstLine(statement.sql),
    })),
    options,
  );
}

/** Returns the first line that is no annotation or other comment. */
function firstLine(sql: string): string {
  const lines = sql.trim().split('\n');
  return lines.find((line) => !/^\s*(?:--.*)?$/.test(line))?.trim() ?? lines[0] ?? '';
}
