/** Writes and reads archives: Parquet files of records. Uses DuckDB for both. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { appendColumns } from '../../duck/append.ts';
import { quoteLiteral } from '../../duck/quote.ts';
import { acquireDatabase } from '../../duck/registry.ts';
import { COMPACT_APPEND_RECORDS } from '../../limits.ts';
import { parseSegmentName } from './segment-name.ts';
import type { StoredRecord } from './stored-record.ts';

/** One record that is to be written to an archive. */
export interface ArchiveRow {
  /** The name of the segment that held the record. */
  readonly segment: string;
  readonly record: StoredRecord;
  readonly json: string;
}

const TABLE = { name: 'records' };
const COLUMNS = 'segment, seq, "at", session, caller, t, json';
/** The types of an archive's columns. */
const TYPES = 'VARCHAR,BIGINT,TIMESTAMP,VARCHAR,VARCHAR,VARCHAR,VARCHAR';
const CREATE = `CREATE TABLE records
  (segment VARCHAR, seq BIGINT, "at" BIGINT, session VARCHAR, caller VARCHAR, t VARCHAR, json VARCHAR)`;

/** Collects records in its own in-memory DuckDB database and writes them to a Parquet file. */
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

  /** Adds a record. The caller must await the returned promise before it adds the next record. */
  add(row: ArchiveRow): Promise<void> | undefined {
    this.#rows.push(row);
    return this.#rows.length < COMPACT_APPEND_RECORDS ? undefined : this.#append();
  }

  /** Writes all added records to an existing, empty file, then removes them from memory. */
  async write(path: string): Promise<void> {
    await this.#append();
    const columns = 'segment, seq, make_timestamp("at") AS "at", session, caller, t, json';
    // Without DuckDB's temporary file, which would not have the permissions of the existing file.
    await this.#connection.run(
      `COPY (SELECT ${columns} FROM records ORDER BY 3, 2) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
    );
    await this.#connection.run('DELETE FROM records');
  }

  /** Returns the names of the segments in a Parquet file. Fails if the file is damaged or holds an invalid name. */
  async segmentsIn(path: string): Promise<string[]> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT DISTINCT segment FROM read_parquet(${quoteLiteral(path)})`,
    );
    return reader.getRows().map(([segment]) => {
      // The files with these names are removed, so a name must not lead out of the folder.
      if (typeof segment === 'string' && parseSegmentName(segment) !== undefined) return segment;
      throw new Error('it holds records of what is no segment');
    });
  }

  /** Returns the JSON of the records whose `column` equals `value`. Fails if the file is damaged. */
  async jsonWhere(path: string, column: 't' | 'caller', value: string): Promise<string[]> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT json FROM read_parquet(${quoteLiteral(path)}) WHERE ${column} = $1`,
      [value],
    );
    return reader.getRows().map(([json]) => String(json));
  }

  /** Reads every value of a Parquet file and returns the number of records. Fails if the file is damaged. */
  async check(path: string): Promise<number> {
    const from = `FROM read_parquet(${quoteLiteral(path)})`;
    const described = await this.#connection.runAndReadAll(`DESCRIBE SELECT ${COLUMNS} ${from}`);
    const types = described.getRows().map(([, type]) => type);
    if (types.join() !== TYPES) throw new Error(`its columns are ${types.join(', ')}`);
    const reader = await this.#connection.runAndReadAll(
      `SELECT count(*), bit_xor(hash(${COLUMNS})), count(*) FILTER (NOT coalesce(json_valid(json), false)) ${from}`,
    );
    await this.segmentsIn(path);
    const [records, , wrong] = reader.getRows()[0]!;
    if (Number(wrong) > 0) throw new Error(`${wrong} of its records are no JSON`);
    return Number(records);
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
