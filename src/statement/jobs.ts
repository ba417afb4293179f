/** Submits, runs, awaits, cancels and shows jobs: statements with ASYNC, which go on without their caller. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { AwaitJobStatement, CancelJobStatement, RunStatement } from '../../grammar/ast.ts';
import { parseDurationMs } from '../../grammar/duration.ts';
import { settingValues } from '../../grammar/setting-values.ts';
import { type Delivered, deliverReader, limitNotice, NOTHING } from '../deliver/delivered.ts';
import { isInTransaction } from '../duck/in-transaction.ts';
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import { dropStage, type StagedQuery, stageQuery } from '../duck/stage.ts';
import { CANCELLED, type Failure, failureOf, RvbbitError } from '../errors.ts';
import type { Statement } from '../execute/statement.ts';
import {
  isAskedToCancel,
  type Job,
  type JobFacts,
  jobRow,
  listJobs,
  rowsOf,
} from '../jobs/job-folder.ts';
import { cancelJob, type JobRunner, jobEnded, jobNamed, noSuchJob } from '../jobs/job-runner.ts';
import { ABORT_SETTLE_MS, JOB_AWAIT_MS } from '../limits.ts';
import { bindStatement } from '../plan/bind-statement.ts';
import { tableComment } from '../plan/named-object.ts';
import type { MapTarget } from '../plan/plan.ts';
import { planStatement } from '../plan/plan-statement.ts';
import { resolveTarget, sqlName } from '../plan/resolve-target.ts';
import { jobsView } from '../receipts/jobs-view.ts';
import type { ResultColumn } from '../result.ts';
import { findColumn } from '../util/find-column.ts';
import type { JsonObject } from '../util/json.ts';
import { runTask } from './cascade.ts';
import { type Task, taskOf, textOf } from './names.ts';
import { readStatement } from './read.ts';

/** The columns of the one row of a job. */
export const JOB_ROW: readonly ResultColumn[] = [{ name: 'result', type: 'VARCHAR' }];

/** Stages the rows of a statement with ASYNC in the state folder, and returns the row of its job. */
export async function submitJob(node: Task, statement: Statement): Promise<Delivered> {
  const { session, stop, ledger, parameters, origin, source, purse } = statement;
  const { signal } = stop;
  const jobs = await jobsOf(statement);
  if (purse !== undefined) {
    throw unsupported(
      'what this session may spend is bounded, and a job outlives it; leave ASYNC out',
    );
  }
  if (await isInTransaction(session)) {
    throw unsupported('a job cannot be submitted inside of a transaction; COMMIT first', '25001');
  }
  const task = taskOf(node);
  refuseLost(task);
  const { body, target, done } = await resolveTarget(task, statement, source);
  if (done) return NOTHING;
  const { annotations } = node;
  const bound = await bindStatement({ ...body, annotations }, statement);
  const plan = planStatement(bound, target, ledger.nextTable);
  const stage = await stageQuery(session, plan.query, {
    limit: plan.limit.rows ?? undefined,
    parameters,
    distinct: plan.kind === 'map' ? plan.distinct : undefined,
    signal,
  });
  try {
    const ordinal = freeName(stage);
    const facts = await jobs.submit(
      {
        id: ledger.session,
        sql: textOf(node, source),
        origin,
        isReadOnly: session.isReadOnly,
        rows: stage.rowCount,
        ordinal,
        table: plan.kind === 'run' ? plan.asTable : nameOf(task),
        ...(bound.settings.choosesParallel ? {} : { parallel: bound.settings.parallel }),
        place: await placeOf(session),
      },
      (path) => writeRows(session, stage, ordinal, path, databaseOf(ledger.session), signal),
    );
    const isCut = stage.cut && plan.limit.source === 'default';
    return delivered(facts, isCut ? [limitNotice(plan.kind)] : []);
  } finally {
    await dropStage(session, stage);
  }
}

/** Runs a job, on a connection of its own. `path` is the database file with its rows. */
export async function runJob(job: Job, path: string, statement: Statement): Promise<Delivered> {
  const { session, stop } = statement;
  const { id, rows, ordinal, place } = job;
  const own = { own: true };
  const node = (await readStatement(job.sql)) as Task;
  const task = taskOf(node);
  const [catalog, schema] = [place.catalog, place.schema].map(quoteIdentifier);
  await session.run(`USE ${catalog}.${schema}`, own);
  await session.run(`SET TimeZone = ${quoteLiteral(place.zone)}`, own);
  const comment = `made by the job ${id}`;
  const isWritten = async (signal: AbortSignal) => {
    if (task.kind !== 'CreateTable') return false;
    const parts = task.table.parts.map(({ value }) => value);
    return (await tableComment(session, parts, signal)) === comment;
  };
  // An earlier execution wrote the table, and its process ended before it could record that.
  if (await isWritten(stop.signal)) return NOTHING;
  const { body, target, done } = await resolveTarget(task, statement, job.sql);
  if (done) return NOTHING;
  const name = databaseOf(id);
  await session.run(`ATTACH ${quoteLiteral(path)} AS ${name} (READ_ONLY)`, own);
  try {
    const order = quoteIdentifier(ordinal);
    const text = `SELECT * EXCLUDE (${order}) FROM ${name}.main.rvb_rows ORDER BY ${order} LIMIT ${rows}`;
    const staged = { ...body, query: { ...body.query, text } };
    const within = { ...statement, batchFolder: batchFolderOf(path) };
    const ended = await runTask(staged, marked(target, task, comment), node, within, job.table);
    return task.kind === 'Run' ? await withFiles(ended, task, dirname(path), session) : ended;
  } catch (thrown) {
    // A cancel that comes while the table is committed does not undo it. A job whose table is there has succeeded.
    await session.run('ROLLBACK', own).catch(() => undefined);
    const signal = AbortSignal.timeout(ABORT_SETTLE_MS);
    if (await isWritten(signal).catch(() => false)) return NOTHING;
    const { stateDir } = await statement.jobs!();
    const isCancelled = isAskedToCancel(stateDir, id);
    // An engine that closes leaves the batches to the next one. Nobody uses the answers of a job that has failed.
    const isStopped = ['RVB_CANCELLED', 'RVB_CLOSED'].includes(failureOf(thrown).code);
    if (isStopped && !isCancelled) throw thrown;
    const left = await cancelBatchesOf(id, statement);
    throw left === undefined ? thrown : withLeft(failureOf(thrown), left);
  } finally {
    await session.run(`DETACH ${name}`, own).catch(() => undefined);
  }
}

function withLeft({ code, message }: Failure, left: readonly string[]): RvbbitError {
  const text = `${message}; not all of its batches could be cancelled: ${left.join('; ')}`;
  return new RvbbitError(code, text, { stage: 'execute' });
}

/** Cancels the batches of a job at their providers. Returns those that could not be cancelled, if any. */
async function cancelBatchesOf(
  id: string,
  { jobs, models }: Statement,
): Promise<readonly string[] | undefined> {
  const { stateDir } = await jobs!();
  const folder = batchFolderOf(rowsOf(stateDir, id));
  if (!existsSync(folder)) return undefined;
  const { cancelBatches } = await import('../calls/provider-batches.ts');
  const left = await cancelBatches(folder, await models.httpProviders());
  return left.length === 0 ? undefined : left;
}

/** Where a job keeps the names of its batches. `path` is the file with its rows. */
function batchFolderOf(path: string): string {
  return join(dirname(path), 'batches');
}

/** Waits for the end of a job, or cancels it, and returns its row. */
export async function awaitOrCancelJob(
  node: AwaitJobStatement | CancelJobStatement,
  statement: Statement,
): Promise<Delivered> {
  const jobs = await jobsOf(statement);
  const { stateDir } = jobs;
  const { signal } = statement.stop;
  const { kind, session, annotations } = node;
  const { value: id } = session;
  const found = jobNamed(stateDir, id);
  if (!isVisible(found, statement)) throw noSuchJob(id);
  if (kind === 'CancelJob') {
    const facts = await cancelJob(stateDir, id, signal);
    // An engine that runs the job cancels its batches.
    const left = found.state === 'queued' ? await cancelBatchesOf(id, statement) : undefined;
    if (left !== undefined) throw withLeft(CANCELLED, left);
    return delivered(facts);
  }
  const timeout = settingValues(annotations, node.options).get('timeout');
  const timeoutMs = timeout === undefined ? JOB_AWAIT_MS : parseDurationMs(String(timeout))!;
  jobs.wake(0);
  return delivered(await jobEnded(stateDir, id, timeoutMs, signal));
}

/** Returns a row for each job of the state folder, the newest first. */
export async function showJobs(statement: Statement): Promise<Delivered> {
  const { stateDir, session, stop, valueForm } = statement;
  const jobs = stateDir === undefined ? [] : listJobs(stateDir);
  const { columns, from } = jobsView(jobs.filter((facts) => isVisible(facts, statement)));
  const list = columns.map(([name, sql]) => `${sql} AS "${name}"`).join(', ');
  const options = { signal: stop.signal, own: true };
  return deliverReader(await session.run(`SELECT ${list} FROM ${from}`, options), valueForm);
}

async function jobsOf({ jobs }: Statement): Promise<JobRunner> {
  if (jobs !== undefined) return jobs();
  throw unsupported(
    'jobs are kept in a state folder, and this engine has none; give it one (stateDir, --state-dir), or leave ASYNC out',
  );
}

/** A read-only session sees what its own user submitted, as it cannot read the receipts of others either. */
function isVisible({ job }: JobFacts, { session, origin }: Statement): boolean {
  return !session.isReadOnly || job.origin === origin;
}

/** Refuses what would be lost with the job's own connection. */
function refuseLost(task: Task): void {
  if (task.kind === 'CreateTable' && task.temporary) {
    throw unsupported('a temporary table would end with the connection of its job; leave TEMP out');
  }
  if (task.kind === 'Run' && (task.columns ?? task.returningTables) !== undefined) {
    throw unsupported(
      'RETURNING of a job needs a table for its rows: CREATE TABLE … AS RVBBIT RUN ASYNC …',
    );
  }
}

/** Writes the tables that a RUN has made, and keeps in no schema, to files: they end with the connection. */
async function withFiles(
  ended: Delivered,
  { options }: RunStatement,
  folder: string,
  session: Session,
): Promise<Delivered> {
  const [column] = ended.columns;
  const report = JSON.parse(String(ended.rows[0]![column!.name])) as JsonObject;
  const tables = report['tables'] as readonly string[];
  if (tables.length === 0 || options.some(({ key }) => key.value === 'schema')) return ended;
  // A number, and not the name of the table, which may be no name of a file.
  const files = tables.map((_, index) => resolve(folder, `table-${index + 1}.parquet`));
  for (const [index, table] of tables.entries()) {
    const from = `temp.main.${quoteIdentifier(table)}`;
    await session.run(`COPY (FROM ${from}) TO ${quoteLiteral(files[index]!)} (FORMAT parquet)`, {
      own: true,
    });
  }
  return { ...ended, rows: [{ [column!.name]: JSON.stringify({ ...report, files }) }] };
}

function marked(target: MapTarget, task: Task, comment: string): MapTarget {
  if (target.kind !== 'create' || task.kind !== 'CreateTable') return target;
  return { ...target, mark: { table: sqlName(task.table), comment } };
}

function nameOf(task: Task): string {
  return task.kind === 'CreateTable' ? task.table.parts.map(({ value }) => value).join('.') : '';
}

function freeName({ columns }: StagedQuery): string {
  let name = 'rvb_ordinal';
  while (findColumn(columns, name) !== undefined) name += '_';
  return name;
}

/** The name under which a job's rows are attached. */
function databaseOf(id: string): string {
  return quoteIdentifier(`rvb_${id.replaceAll('-', '_')}`);
}

/** Writes staged rows to a DuckDB file, which keeps every type exactly. */
async function writeRows(
  session: Session,
  { columns, ordinal: from, table }: StagedQuery,
  ordinal: string,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const names = columns.map((column) => quoteIdentifier(column.name));
  const list = [...names, `${from} AS ${quoteIdentifier(ordinal)}`].join(', ');
  const how = "READ_WRITE, STORAGE_VERSION 'latest'";
  await session.run(`ATTACH ${quoteLiteral(path)} AS ${name} (${how})`, { own: true });
  try {
    const text = `CREATE TABLE ${name}.main.rvb_rows AS SELECT ${list} FROM ${table}`;
    await session.run(text, { own: true, signal });
  } finally {
    await session.run(`DETACH ${name}`, { own: true });
  }
}

async function placeOf(session: Session): Promise<Job['place']> {
  const reader = await session.run(
    `SELECT current_database() AS catalog, current_schema() AS "schema", current_setting('TimeZone') AS zone`,
    { own: true },
  );
  const [row] = await reader.rows('json');
  const text = (name: string) => String(row?.[name]);
  return { catalog: text('catalog'), schema: text('schema'), zone: text('zone') };
}

function delivered(facts: JobFacts, notices: Delivered['notices'] = []): Delivered {
  const rows = [{ result: JSON.stringify(jobRow(facts)) }];
  return { columns: JOB_ROW, rows, rowCount: 1, notices };
}

function unsupported(message: string, sqlState?: string): RvbbitError {
  const state = sqlState === undefined ? {} : { sqlState };
  return new RvbbitError('RVB_UNSUPPORTED', message, { stage: 'bind', ...state });
}
