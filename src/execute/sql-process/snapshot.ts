/** A table of the session as it stood once, in a file that another process reads. */
import { rm } from 'node:fs/promises';
import { qualifiedName, quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import { carriedColumns } from './carried-columns.ts';
import { readParquetSql, writeParquetSql } from './carry-columns.ts';
import type { FoundTable } from './find-table.ts';
import type { Definition } from './messages.ts';
import { databaseNeeds, defineOnce, schemaNeeds } from './places.ts';
import type { PrivateFolder } from './private-folder.ts';

/** Where a statement's DuckDB keeps the rows; views on them bear the names, since a copy's `rowid` would be another. */
const STORE = 'rvb_snapshots';

export class Snapshot {
  readonly definitions: readonly Definition[];
  /** SQL that makes room where this has been the table's last reading. */
  readonly dropSql: string;
  readonly #file: string;

  /** Writes the table to a file. Throws RVB_SQL, and RVB_UNSUPPORTED for a type that would not come back. */
  static async write(
    session: Session,
    table: FoundTable,
    options: {
      readonly folder: PrivateFolder;
      readonly version: number;
      readonly signal: AbortSignal;
    },
  ): Promise<Snapshot> {
    const { folder, version, signal } = options;
    const place = qualifiedName([table.database, table.schema, table.name]);
    const columns = await session.describe(`SELECT * FROM ${place}`, { signal });
    const file = await folder.newFile();
    const writing = writeParquetSql(columns, place, file);
    const carried = await carriedColumns(session, columns, place, signal);
    try {
      await session.run(writing, { signal });
    } catch (thrown) {
      await rm(file, { force: true });
      throw cannotWrite(place, await folder.path(), thrown);
    }
    return new Snapshot(table, file, version, readParquetSql(carried, file));
  }

  private constructor(table: FoundTable, file: string, version: number, reading: string) {
    this.#file = file;
    const stored = `${STORE}.main.s${version}`;
    this.dropSql = `DROP TABLE IF EXISTS ${stored}`;
    this.definitions = [
      ...databaseNeeds(STORE),
      defineOnce(`table ${stored}`, `CREATE TABLE ${stored} AS ${reading}`),
      ...viewNeeds(table, `AS FROM ${stored}`, version),
    ];
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

function viewNeeds(table: FoundTable, as: string, version: number): Definition[] {
  const { database, schema, name, isTemporary } = table;
  if (isTemporary) {
    const view = quoteIdentifier(name);
    const sql = `CREATE OR REPLACE TEMP VIEW ${view} ${as}`;
    return [{ key: `view ${view}`, version, sql, scope: 'connection' }];
  }
  const view = qualifiedName([database, schema, name]);
  return [
    ...schemaNeeds(database, schema),
    { ...defineOnce(`view ${view}`, `CREATE OR REPLACE VIEW ${view} ${as}`), version },
  ];
}

function cannotWrite(place: string, folder: string, thrown: unknown): unknown {
  if (!(thrown instanceof RvbbitError) || !/^Permission Error/.test(thrown.message)) return thrown;
  return new RvbbitError(
    'RVB_SQL',
    `${place} cannot be handed to the process of the SQL cells, since this DuckDB may not write to ${folder}: put its parent folder into allowed_directories, or open the engine with sqlCells: 'inline' (${messageOf(thrown)})`,
    { stage: 'execute', sqlState: '42501', cause: thrown },
  );
}
