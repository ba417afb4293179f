/** What a statement gives back: rows, their columns, notices and the account of what was done. */
import type { ErrorCode } from './errors.ts';

/** How values come back: `js` as node-api's JS forms, `json` as JSON-safe values; `docs/values.md` has each type. */
export type ValueForm = 'js' | 'json';

/** One row: column names to values in the form that was asked for. */
export type Row = Record<string, unknown>;

export interface ResultColumn {
  readonly name: string;
  /** DuckDB's text of the type, e.g. `DECIMAL(10,2)`. */
  readonly type: string;
}

/** Something that the user should know about a result that is not an error. */
export interface Notice {
  readonly code:
    | 'incomplete'
    | 'default_limit'
    | 'shadowed_table'
    | 'rows_failed'
    | 'RVB_ANSWERS_MISSING'
    | 'column_renamed'
    | 'possibly_paid_twice'
    | 'ward_advisory';
  readonly message: string;
}

/** Rows by outcome. `in` = `ok + null + failed + skipped + notRun`; `deduped` stands outside that sum. */
export interface RowAccount {
  readonly in: number;
  readonly ok: number;
  /** Succeeded with NULL. */
  readonly null: number;
  /** Failed, whatever `on_error` made of them. */
  readonly failed: number;
  /** A `when` left no value. */
  readonly skipped: number;
  readonly notRun: number;
  /** Dropped by DISTINCT or `dedupe_by`, before the limit. */
  readonly deduped: number;
}

export interface RowFailure {
  /** The row's 0-based place among the rows read. */
  readonly ordinal: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly attempts: number;
}

/** The account of one statement. It reads nothing but the journal's records. */
export interface Summary {
  readonly sessionId: string;
  readonly callerId: string;
  readonly status: 'complete' | 'incomplete';
  /** Why a statement is incomplete, e.g. `cancelled`, `deadline`, `failed`. */
  readonly reason?: string;
  readonly rows: RowAccount;
  /** Cascade runs: fewer than rows where equal inputs ran once. */
  readonly runs: number;
  readonly calls: {
    readonly sent: number;
    readonly retried: number;
    readonly cacheHits: number;
    /** Calls that were out when an earlier process died and were made again: both may have been paid. */
    readonly possiblyPaidTwice: number;
  };
  readonly tokens: { readonly in: number; readonly out: number };
  /** Of the calls with a known price; null where no call has one: never 0 for "unknown". */
  readonly costMicroUsd: number | null;
  readonly uncostedCalls: number;
  readonly durationMs: number;
  readonly strategy: 'batch' | 'sequential' | 'union_all' | 'none';
  /** The first 100 failures in row order. */
  readonly failures: readonly RowFailure[];
}

/** What a statement was. `sql` is plain SQL. */
export type StatementKind = 'map' | 'run' | 'create_table' | 'insert' | 'explain' | 'sql';

export interface QueryResult {
  readonly kind: StatementKind;
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly Row[];
  /** Rows returned, or rows changed where none are returned (CREATE TABLE AS, INSERT, UPDATE, …). */
  readonly rowCount: number;
  readonly notices: readonly Notice[];
  readonly summary: Summary;
}

/** Rows in order as they become known; `columns` is set before the first row. */
export interface RowStream extends AsyncIterable<Row> {
  readonly columns: Promise<readonly ResultColumn[]>;
  /** Settles when the statement has ended. */
  readonly summary: Promise<Summary>;
  readonly notices: readonly Notice[];
}

/** EXPLAIN: what a statement would do, without doing it. */
export interface ExplainReport {
  readonly statement: 'map' | 'run';
  readonly cascade: string;
  readonly rows: number;
  readonly deduped: number;
  readonly distinctInputs: number;
  readonly runs: number;
  readonly parallel: number;
  readonly limit: { readonly rows: number | null; readonly source: 'default' | 'option' | 'query' };
  readonly cut: boolean;
  readonly strategy: string;
  /** Columns that cross into the workers. */
  readonly inputColumns: readonly string[];
  /** The SQL sent to DuckDB. */
  readonly sql: readonly string[];
}
