/** Parquet files of records, written and read with DuckDB. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { appendColumns } from '../../duck/append.ts';
import { quoteLiteral } from '../../duck/quote.ts';
import { acquireDatabase } from '../../duck/registry.ts';
import { COMPACT_APPEND_RECORDS } from '../../limits.ts';
import { parseSegmentName } from './segment-name.ts';
import type { StoredRecord } from './stored-record.ts';

/** One record on its way into an archive. */
export interface ArchiveRow {
  /** The segment that it stood in. */
  readonly segment: string;
  readonly record: StoredRecord;
  readonly json: string;
}

const TABLE = { name: 'records' };
const COLUMNS = 'segment, seq, "at", session, caller, t, json';
const CREATE = `CREATE TABLE records
  (segment VARCHAR, seq BIGINT, "at" BIGINT, session VARCHAR, caller VARCHAR, t VARCHAR, json VARCHAR)`;

/** Collects records in a DuckDB of its own and writes them to one Parquet file. */
export class Archive {
  readonly #connection: DuckDBConnection;
  readonly #release: () => Promise<void>;
  #rows: ArchiveRow[] = [];

  private constructor(connection: DuckDBConnection, release: () => Promise<void>) {
    this.#connection = connection;
    this.#release = release;
  }

  static async open(): Promise<Archive> {
    const lease = await acquireDatabase(':memory:');
    const connection = await lease.instance.connect();
    await connection.run(CREATE);
    return new Archive(connection, () => {
      connection.closeSync();
      return lease.release();
    });
  }

  /** Adds a record; await what it gives before the next. */
  add(row: ArchiveRow): Promise<void> | undefined {
    this.#rows.push(row);
    return this.#rows.length < COMPACT_APPEND_RECORDS ? undefined : this.#append();
  }

  /** Writes everything added so far to a file that is there and empty, and forgets it. */
  async write(path: string): Promise<void> {
    await this.#append();
    const columns = 'segment, seq, make_timestamp("at") AS "at", session, caller, t, json';
    // No temporary file of DuckDB's: it would not have the permissions of the one that is there.
    await this.#connection.run(
      `COPY (SELECT ${columns} FROM records ORDER BY 3, 2) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
    );
    await this.#connection.run('DELETE FROM records');
  }

  /** The segments whose records a Parquet file holds. Fails if it is damaged, or names what is no segment. */
  async segmentsIn(path: string): Promise<string[]> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT DISTINCT segment FROM read_parquet(${quoteLiteral(path)})`,
    );
    return reader.getRows().map(([segment]) => {
      // Their files are removed: a name must not lead out of the folder.
      if (typeof segment === 'string' && parseSegmentName(segment) !== undefined) return segment;
      throw new Error('it holds records of what is no segment');
    });
  }

  /** The JSON of those records of a Parquet file that have a value in a column. Fails if the file is damaged. */
  async jsonWhere(path: string, column: 't' | 'caller', value: string): Promise<string[]> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT json FROM read_parquet(${quoteLiteral(path)}) WHERE ${column} = $1`,
      [value],
    );
    return reader.getRows().map(([json]) => String(json));
  }

  /** Reads every value of a Parquet file; gives the number of records. Fails if the file is damaged. */
  async check(path: string): Promise<number> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT count(*), bit_xor(hash(${COLUMNS})) FROM read_parquet(${quoteLiteral(path)})`,
    );
    await this.segmentsIn(path);
    return Number(reader.getRows()[0]?.[0]);
  }

  close(): Promise<void> {
    return this.#release();
  }

  async #append(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    const column = (type: 'VARCHAR' | 'BIGINT', of: (row: ArchiveRow) => unknown) => ({
      type,
      values: rows.map(of),
    });
    await appendColumns(
      this.#connection,
      TABLE,
      [
        column('VARCHAR', ({ segment }) => segment),
        column('BIGINT', ({ record }) => record.seq),
        column('BIGINT', ({ record }) => record.at),
        column('VARCHAR', ({ record }) => record.session),
        column('VARCHAR', ({ record }) => record.caller),
        column('VARCHAR', ({ record }) => record.t),
        column('VARCHAR', ({ json }) => json),
      ],
      rows.length,
    );
  }
}
