/** Attaches the catalogue of receipts (views of the journal) if a statement mentions it. */
import { dirname } from 'node:path';
import { quoteLiteral } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import { messageOf, RvbbitError } from '../errors.ts';
import { listJobs } from '../jobs/job-folder.ts';
import { journalFolder } from '../journal/disk/journal-folder.ts';
import type { Journal } from '../journal/journal.ts';
import type { Notice } from '../result.ts';
import { Semaphore } from '../util/semaphore.ts';
import { jobsView } from './jobs-view.ts';
import { damageNotices, surveyReceipts } from './survey-receipts.ts';
import { CATALOG, recordsSql, VIEWS, viewSql } from './views.ts';

/** Matches the qualified name of a view of the catalogue. */
const MENTION = new RegExp(
  `\\b${CATALOG}"?\\s*\\.\\s*(?:"?main"?\\s*\\.\\s*)?"?(?:records|jobs|${VIEWS.map(({ name }) => name).join('|')})\\b`,
  'i',
);

/** The sources of the receipts: a session to make the views in, and the journal that they read. */
export interface ReceiptSource {
  readonly session: Session;
  readonly journal: Journal;
  readonly stateDir: string;
}

/** True if a text may read receipts. Cheap, because it is called for every text that names `rvbbit`. */
export function mayReadReceipts(sql: string): boolean {
  return MENTION.test(sql);
}

/**
 * Makes the views of the receipts. They show all records up to now. Returns a notice of damage that they leave out. Does
 * nothing if the database has a catalogue or schema `rvbbit` of the user's own.
 */
export function attachReceipts(source: ReceiptSource): Promise<readonly Notice[]> {
  return turns.use(() => attach(source));
}

/** Returns DuckDB's error about a missing view with a hint: without a state folder there are no receipts. */
export function withoutReceipts({
  message,
  stage,
  sqlState,
  place,
  cause,
}: RvbbitError): RvbbitError {
  const hint = `${CATALOG}.unified_logs and the like are read from the journal, and this engine keeps none: give it a state folder (stateDir, --state-dir)`;
  return new RvbbitError('RVB_SQL', `${message}\n${hint}`, {
    stage,
    sqlState,
    cause,
    ...(place === undefined ? {} : { place }),
  });
}

/** How often a statement is tried whose files go while it reads them. */
const MAX_READS = 5;

/** One attach at a time: DuckDB reports a conflict if two connections make one view at the same time. */
const turns = new Semaphore(1);

async function attach({ session, journal, stateDir }: ReceiptSource): Promise<readonly Notice[]> {
  // On another connection, because the caller's transaction may write to only one database.
  return session.beside(async (beside) => {
    const { isTaken, isOurs, source } = await findCatalog(beside);
    // A schema `rvbbit` that the user made later would be ambiguous beside our catalogue.
    if (isTaken && isOurs) await beside.run(`DETACH ${CATALOG}`);
    if (isTaken) return [];
    await journal.open();
    await journal.commit();
    return makeViews(beside, journalFolder(stateDir), source);
  });
}

/**
 * Makes the views over a journal's folder, unless `from`, the SQL of the existing `records` view, is still right. Returns
 * a notice of damage that they leave out.
 */
export function makeViews(
  session: Session,
  folder: string,
  from?: unknown,
): Promise<readonly Notice[]> {
  return whileFilesGo(() => makeViewsOnce(session, folder, from));
}

async function makeViewsOnce(
  session: Session,
  folder: string,
  from: unknown,
): Promise<readonly Notice[]> {
  const files = await surveyReceipts(folder);
  const records = recordsSql(folder, files);
  const jobs = listJobs(dirname(folder));
  if (records !== from) {
    // READ_WRITE: beside a database that is opened read-only, others are read-only unless they say so.
    await session.run(`ATTACH IF NOT EXISTS ':memory:' AS ${CATALOG} (READ_WRITE)`);
    for (const sql of [records, ...VIEWS.flatMap(viewSql)]) await session.run(sql);
  }
  // The view of jobs holds its rows, and these change.
  if (records !== from || jobs.length > 0) {
    for (const sql of viewSql(jobsView(jobs))) await session.run(sql);
  }
  if (records !== from) {
    await session.run(`COMMENT ON VIEW ${CATALOG}.main.records IS ${quoteLiteral(records)}`);
  }
  return damageNotices(files);
}

/** Does `read` again if a file of the journal is gone, which another process has compacted or pruned meanwhile. */
export async function whileFilesGo<T>(read: () => Promise<T>): Promise<T> {
  for (let left = MAX_READS - 1; ; left -= 1) {
    try {
      return await read();
    } catch (thrown) {
      const message = messageOf(thrown);
      const isGone = /No such file|No files found/.test(message);
      if (left === 0 || !isGone || !/\.(?:ndjson|parquet)"/.test(message)) throw thrown;
    }
  }
}

/** Says if the user has a schema or database with our name, if our views exist, and the SQL of their `records` view. */
async function findCatalog(
  session: Session,
): Promise<{ readonly isTaken: boolean; readonly isOurs: boolean; readonly source: unknown }> {
  const reader = await session.run(
    `SELECT (SELECT count(*) FROM duckdb_schemas() WHERE lower(schema_name) = '${CATALOG}') AS schemas,
(SELECT count(*) FROM duckdb_databases() WHERE lower(database_name) = '${CATALOG}') AS databases,
(SELECT count(*) FROM duckdb_views() WHERE database_name = '${CATALOG}' AND view_name = 'records') AS views,
(SELECT any_value(comment) FROM duckdb_views() WHERE database_name = '${CATALOG}' AND view_name = 'records') AS source`,
  );
  const [row] = await reader.rows('json');
  const { schemas, databases, views, source } = row!;
  const isOurs = Number(views) > 0;
  const isOther = Number(databases) > 0 && !isOurs;
  return { isTaken: Number(schemas) > 0 || isOther, isOurs, source };
}
