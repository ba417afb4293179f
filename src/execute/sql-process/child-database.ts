/** One statement's DuckDB in the process of the SQL cells: in memory, set up like the session's. */
import { acquireDatabase, type DatabaseLease } from '../../duck/registry.ts';
import { Semaphore } from '../../duck/semaphore.ts';
import { Session } from '../../duck/session.ts';
import { cancelledError } from '../../errors.ts';
import { runSqlCell } from '../sql-cell.ts';
import { carriedColumns } from './carried-columns.ts';
import { writeParquetSql } from './carry-columns.ts';
import {
  applySearchPath,
  applySettings,
  differingSettings,
  loadExtensions,
  lockDown,
  makeSearchPath,
} from './child-settings.ts';
import type { DatabaseProfile, Definition, ProcessOutcome, ToldQuery } from './messages.ts';
import { SQL_PROCESS_QUERIES } from './process-limits.ts';

/** A connection and the versions of what was defined on it alone. */
interface Connection {
  readonly session: Session;
  readonly defined: Map<string, number>;
}

/** The instance that the next statement will have: making one takes longer than most queries. */
let spare: Promise<DatabaseLease> | undefined;

/** Makes that instance. */
export function prepareDatabase(): void {
  spare ??= acquireDatabase(':memory:');
  spare.catch(() => {});
}

/** The prepared instance, and another one prepared. */
async function takeDatabase(): Promise<DatabaseLease> {
  prepareDatabase();
  const taken = spare!;
  spare = undefined;
  const lease = await taken;
  prepareDatabase();
  return lease;
}

export class ChildDatabase {
  readonly #lease: DatabaseLease;
  /** Defines what all connections see; a query that is cancelled must not take such a thing from another. */
  readonly #definer: Session;
  readonly #known = new Map<string, Definition>();
  readonly #defined = new Map<string, Promise<void>>();
  readonly #free: Connection[];
  readonly #permits = new Semaphore(SQL_PROCESS_QUERIES);

  static async open(profile: DatabaseProfile): Promise<ChildDatabase> {
    const lease = await takeDatabase();
    const definer = await Session.open(lease);
    const connections: Connection[] = [];
    // All of them now: once the configuration is locked, a new one could not be set up.
    while (connections.length < SQL_PROCESS_QUERIES) {
      connections.push({ session: await Session.open(lease), defined: new Map() });
    }
    await makeSearchPath(definer, profile);
    await loadExtensions(definer, profile);
    const settings = await differingSettings(definer, profile.settings);
    for (const session of [definer, ...connections.map((connection) => connection.session)]) {
      await applySettings(session, settings);
      await applySearchPath(session, profile);
    }
    await lockDown(definer, profile);
    return new ChildDatabase(lease, definer, connections);
  }

  private constructor(lease: DatabaseLease, definer: Session, connections: Connection[]) {
    this.#lease = lease;
    this.#definer = definer;
    this.#free = connections;
  }

  /** Runs a query, once what it needs is there. Throws what DuckDB throws. */
  async run(query: ToldQuery, signal: AbortSignal, onBegun: () => void): Promise<ProcessOutcome> {
    return this.#permits.use(async () => {
      const connection = this.#free.pop()!;
      try {
        for (const id of query.needs) await this.#define(id, connection, signal);
        onBegun();
        const { session } = connection;
        const { text, values, resultFile } = query;
        if (resultFile === undefined) return await runSqlCell(session, { text, values }, signal);
        return await resultToFile(session, query, resultFile, signal);
      } finally {
        this.#free.push(connection);
      }
    }, signal);
  }

  /** What queries may need, by id. */
  learn(definitions: Readonly<Record<string, Definition>>): void {
    for (const [id, definition] of Object.entries(definitions)) this.#known.set(id, definition);
  }

  /** Makes room: what the text drops is not asked for any more. */
  async drop(sql: string): Promise<void> {
    await this.#definer.run(sql);
  }

  async close(): Promise<void> {
    const sessions = [this.#definer, ...this.#free.map(({ session }) => session)];
    await Promise.all(sessions.map((session) => session.close()));
    await this.#lease.release();
  }

  async #define(id: string, connection: Connection, signal: AbortSignal): Promise<void> {
    const { key, version, sql, scope } = this.#known.get(id)!;
    if (scope === 'connection') {
      if (connection.defined.get(key) === version) return;
      // It takes no time, and one that is cut short may have been made or not.
      await connection.session.run(sql);
      connection.defined.set(key, version);
      return;
    }
    let defining = this.#defined.get(id);
    if (defining === undefined) {
      const maker = scope === 'macro' ? connection.session : this.#definer;
      defining = maker.run(sql).then(() => undefined);
      defining.catch(() => this.#defined.delete(id));
      this.#defined.set(id, defining);
    }
    await untilAborted(defining, signal);
  }
}

/** The result goes to a table first: its types are the ones that the session's table would have. */
async function resultToFile(
  session: Session,
  { text, values }: ToldQuery,
  file: string,
  signal: AbortSignal,
): Promise<ProcessOutcome> {
  try {
    const made = `CREATE OR REPLACE TEMP TABLE rvb_result AS\n${text}`;
    const { changes } = await session.runBound(made, values, { signal });
    const columns = await session.describe('SELECT * FROM temp.main.rvb_result', { signal });
    const written = await session.run(writeParquetSql(columns, 'temp.main.rvb_result', file), {
      signal,
    });
    return {
      ok: 'file',
      columns: await carriedColumns(session, columns, 'temp.main.rvb_result', signal),
      rowCount: written.changes ?? changes ?? 0,
    };
  } finally {
    await session.run('DROP TABLE IF EXISTS temp.main.rvb_result').catch(() => {});
  }
}

function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => reject(cancelledError());
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}
