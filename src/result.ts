/** What a statement gives back: rows, their columns, notices and the account of what was done. */
import type { ErrorCode } from './error-codes.ts';

/**
 * How values come back: `js` as node-api's JS forms, `json` as JSON-safe values, `json-numbers` as `json` but a DECIMAL
 * as a number where a double holds it exactly; `docs/values.md` has each type.
 */
export type ValueForm = 'js' | 'json' | 'json-numbers';

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
    | 'cascade_warning'
    | 'default_limit'
    | 'shadowed_table'
    | 'rows_failed'
    | 'RVB_ANSWERS_MISSING'
    | 'column_renamed'
    | 'possibly_paid_twice'
    | 'pairs_compared'
    | 'parameter_refused'
    | 'fallback_model'
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
  /** At what failed it: a model call, a cell that is retried, or one that a ward refused. Of takes, at the first that failed. */
  readonly attempts: number;
}

/**
 * How a MAP's runs come to its lanes. `batch`: each lane takes the next. `sequential`: one after another. `wave`: n at a
 * time, the next when all have ended. `static`: n slices, a lane each. `union_all`: n branches by hash, a lane each.
 */
export type Strategy = 'batch' | 'sequential' | 'union_all' | 'static' | 'wave';

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
  readonly tokens: {
    readonly in: number;
    readonly out: number;
    /** Of `in`: tokens from the providers' caches, and tokens put into them. Absent for none. */
    readonly cached?: number;
    readonly cacheWrite?: number;
  };
  /** Of the calls with a known price; null where no call has one: never 0 for "unknown". */
  readonly costMicroUsd: number | null;
  /** Part of it by list prices of models of the same name, whose servers are not known to sell them. Absent for none. */
  readonly assumedCostMicroUsd?: number;
  readonly uncostedCalls: number;
  readonly durationMs: number;
  /** Of that time: no call could go out, for limits or after a 429. Waits of less than half a second are left out. */
  readonly waitedMs: number;
  /** `none`: no cascade was run. */
  readonly strategy: Strategy | 'none';
  /** Parameters that models (`provider/model`) refused for the first time; `instead` is the name that they take. Absent for none. */
  readonly refusedParameters?: readonly {
    readonly model: string;
    readonly parameter: string;
    readonly instead?: string;
  }[];
  /** Answers of models (`provider/model`) that took the place of ones that could not be asked. Absent for none. */
  readonly fallbacks?: readonly {
    readonly model: string;
    readonly insteadOf: string;
    readonly calls: number;
  }[];
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

/** A figure that EXPLAIN predicts; `least` = `expected` = `most` where it is determined. */
export interface Estimate {
  readonly least: number;
  readonly expected: number;
  /** Null where nothing bounds it. */
  readonly most: number | null;
}

/** Micro-USD of calls; null where none of them has a price. */
export interface CostEstimate {
  readonly low: number | null;
  readonly expected: number | null;
  /** Null as well where nothing bounds the calls. */
  readonly high: number | null;
  /** `partly`: the figures leave out calls of models without a price. */
  readonly status: 'priced' | 'partly' | 'uncosted';
}

/** Calls of one cell of a cascade, and what their figures are taken from. */
export interface CellEstimate {
  readonly cascade: string;
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: Estimate;
  readonly cached: Estimate;
  readonly tokensIn: Estimate;
  readonly tokensOut: Estimate;
  /** Part of tokensIn that comes from the provider's cache, as in earlier calls; absent for none. */
  readonly cachedShare?: number;
  readonly cost: CostEstimate;
  /** By the list price of a model of this name, whose server is not known to sell it. */
  readonly isCostAssumed?: true;
  /** Of one call. */
  readonly meanMs: number;
  /** Where tokens out and time come from: earlier calls of the cell, or of the model, or what holds without any. */
  readonly basis: 'cell' | 'model' | 'default';
  readonly basisCalls: number;
}

/** What bounds a statement's calls; what is absent does not. */
export interface ExplainGuards {
  readonly maxCalls?: number;
  readonly maxPairs?: number;
  readonly maxTokens?: number;
  readonly maxCostMicroUsd?: number;
  /** Of a provider, or of the statement itself. */
  readonly rpm?: number;
  readonly inputTpm?: number;
  readonly outputTpm?: number;
  readonly inFlight?: number;
}

/** A node of the plan, what it does before what it does it with. */
export interface ExplainNode {
  readonly name: string;
  readonly facts: readonly string[];
  readonly children: readonly ExplainNode[];
}

/** What a statement did, beside what was predicted. */
export interface ExplainActual {
  readonly status: 'complete' | 'incomplete';
  readonly resultRows: number;
  readonly runs: number;
  readonly failed: number;
  readonly calls: number;
  readonly cached: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number | null;
  readonly seconds: number;
  /** What was expected is this many per cent above what came; null where nothing came, or the figure is not known. */
  readonly errorPercent: Readonly<Record<ExplainFigure, number | null>>;
}

/** Figures that are predicted and measured. */
export type ExplainFigure =
  | 'resultRows'
  | 'runs'
  | 'calls'
  | 'cached'
  | 'tokensIn'
  | 'tokensOut'
  | 'cost'
  | 'seconds';

/** EXPLAIN: what a statement would do, without doing it. */
export interface ExplainReport {
  /** `sql`: plain SQL with MAPs or RUNs in brackets. */
  readonly statement: 'map' | 'run' | 'semantic' | 'sql';
  /** The files of the cascades that it runs. */
  readonly cascades: readonly string[];
  /** Rows read; in semantic SQL those that plain conditions leave, null where it is not planned. */
  readonly rows: number | null;
  readonly deduped: number;
  /** Rows that come out, or are written. */
  readonly resultRows: Estimate;
  /** Inputs that differ: in semantic SQL the questions. */
  readonly distinctInputs: Estimate;
  /** Runs of cascades. */
  readonly runs: Estimate;
  /** Model calls that are made, retries aside. */
  readonly calls: Estimate;
  /** Calls that need not be made: an answer is at hand, or an equal call of the statement gives it. */
  readonly cached: Estimate;
  readonly tokensIn: Estimate;
  readonly tokensOut: Estimate;
  readonly cost: CostEstimate;
  readonly seconds: Estimate;
  /** n: runs at a time. */
  readonly parallel: number;
  readonly limit: { readonly rows: number | null; readonly source: 'default' | 'option' | 'query' };
  /** The limit cuts rows off. */
  readonly cut: boolean;
  readonly guards: ExplainGuards;
  /** Why the statement would be refused, or would end early. */
  readonly refusal: string | null;
  readonly strategy: string;
  /** Why this strategy. */
  readonly reason: string;
  /** Columns that cross into the workers. */
  readonly inputColumns: readonly string[];
  readonly cells: readonly CellEstimate[];
  /** Why figures are ranges, and what they are taken from. */
  readonly notes: readonly string[];
  /** The SQL sent to DuckDB. */
  readonly sql: readonly string[];
  readonly tree: ExplainNode;
  /** EXPLAIN ANALYZE: what it did. */
  readonly actual?: ExplainActual;
}
