/** What crosses between the engine and the process that runs the queries of SQL cells. JSON values only. */
import type { SqlCellOutcome } from '../../../workers/protocol.ts';
import type { Failure } from '../../errors.ts';
import type { Json } from '../../json.ts';
import type { SearchPath } from './search-path.ts';

/** What a statement's DuckDB in the process is set up like: as strict as the session's, and answering like it. */
export interface DatabaseProfile {
  readonly searchPath: SearchPath;
  /** The session's settings, as text. */
  readonly settings: Readonly<Record<string, string>>;
  readonly allowedDirectories: readonly string[];
  readonly allowedPaths: readonly string[];
  /** Extensions that the session has loaded and that are not built in. */
  readonly extensions: readonly string[];
  /** The engine's private folder: snapshots, results and spilled data. */
  readonly folder: string;
}

/** Something that a query needs to find: a table, a view, a macro, a type. */
export interface Definition {
  /** What it defines. */
  readonly key: string;
  /** Another version of the same takes its place. */
  readonly version: number;
  readonly sql: string;
  /**
   * `database`: all connections see it. `macro`: so they do, and it is checked where it is made, against
   * what that connection sees. `connection`: each needs its own.
   */
  readonly scope: 'database' | 'macro' | 'connection';
}

/** The id of a definition within its statement. */
export function definitionId({ key, version }: Definition): string {
  return `${version} ${key}`;
}

/** A query for the process. */
export interface ProcessQuery {
  readonly statementId: number;
  readonly text: string;
  readonly values: readonly Json[];
  /** In the order in which they are to be made, where they are not there yet. */
  readonly needs: readonly Definition[];
  /** The Parquet file that its result goes to, instead of back. */
  readonly resultFile?: string;
}

/** A query as the process is told it: its definitions by their ids, since they are the same for many. */
export type ToldQuery = Omit<ProcessQuery, 'needs'> & { readonly needs: readonly string[] };

/** A column that lies in a Parquet file. */
export interface CarriedColumn {
  readonly name: string;
  /** SQL text of its type. */
  readonly type: string;
  readonly collation?: string;
}

/** What came of a query: rows, or the columns of the file that it went to. */
export type ProcessOutcome =
  | Extract<SqlCellOutcome, { ok: true }>
  | { readonly ok: 'file'; readonly columns: readonly CarriedColumn[]; readonly rowCount: number }
  | { readonly ok: false; readonly error: Failure };

/** The engine's word to the process. */
export type ToProcess =
  | { readonly kind: 'open'; readonly statementId: number; readonly profile: DatabaseProfile }
  /** What queries from now on need by its id. */
  | {
      readonly kind: 'define';
      readonly statementId: number;
      readonly definitions: Readonly<Record<string, Definition>>;
    }
  | { readonly kind: 'query'; readonly id: number; readonly query: ToldQuery }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Nothing will ask for this any more. */
  | { readonly kind: 'drop'; readonly statementId: number; readonly sql: string }
  | { readonly kind: 'close'; readonly statementId: number };

/** The process's word to the engine. */
export type FromProcess =
  | { readonly kind: 'hello' }
  | { readonly kind: 'failed'; readonly message: string }
  /** All that the query needs is there: from now on what happens is its doing. */
  | { readonly kind: 'begun'; readonly id: number }
  | { readonly kind: 'outcome'; readonly id: number; readonly outcome: ProcessOutcome };
