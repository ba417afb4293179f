/** The result of a statement: rows, their columns, notices and the account of what was done. */
import type { ErrorCode } from './error-codes.ts';

/**
 * The form of the values: `js` is node-api's JavaScript forms, and `json` is JSON-safe values. `json-numbers` is
 * `json`, but with a DECIMAL as a number if a double holds it exactly. `docs/values.md` has each type.
 */
export type ValueForm = 'js' | 'json' | 'json-numbers';

/** One row: values by column name, in the requested form. */
export type Row = Record<string, unknown>;

export interface ResultColumn {
  readonly name: string;
  /** The type in DuckDB's spelling, e.g. `DECIMAL(10,2)`. */
  readonly type: string;
}

/** A message about a result that is no error, but that the user should know. */
export interface Notice {
  readonly code:
    | 'incomplete'
    | 'batch_alone'
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
    | 'ward_advisory'
    | 'receipts_damaged';
  readonly message: string;
}

/** Rows by outcome. `in` = `ok + null + failed + skipped + notRun`; `deduped` is not part of that sum. */
export interface RowAccount {
  readonly in: number;
  readonly ok: number;
  /** Rows that succeeded with NULL. */
  readonly null: number;
  /** Rows that failed, whatever `on_error` made of them. */
  readonly failed: number;
  /** Rows for which a `when` left no value. */
  readonly skipped: number;
  readonly notRun: number;
  /** Rows that DISTINCT or `dedupe_by` dropped before the limit. */
  readonly deduped: number;
}

export interface RowFailure {
  /** The row's 0-based position among the rows read. */
  readonly ordinal: number;
  readonly code: ErrorCode;
  readonly message: string;
  /**
   * The number of attempts at what failed: a model call, a retried cell, or a cell that a ward refused. Of several
   * takes, the attempts at the first take that failed.
   */
  readonly attempts: number;
}

/**
 * How a MAP's runs are given to its n lanes. `batch`: each lane takes the next runs when it is free. `sequential`: one
 * run after another. `wave`: n runs at a time, and the next n when all have ended. `static`: n slices of the rows, one
 * per lane. `union_all`: n branches by hash, one per lane.
 */
export type Strategy = 'batch' | 'sequential' | 'union_all' | 'static' | 'wave';

/** The account of one statement. It is computed from the journal's records alone. */
export interface Summary {
  readonly sessionId: string;
  readonly callerId: string;
  readonly status: 'complete' | 'incomplete';
  /** Why the statement is incomplete, e.g. `cancelled`, `deadline`, `failed`. */
  readonly reason?: string;
  readonly rows: RowAccount;
  /** The number of cascade runs: fewer than the rows if equal inputs ran once. */
  readonly runs: number;
  readonly calls: {
    readonly sent: number;
    readonly retried: number;
    readonly cacheHits: number;
    /** Calls that were in flight when an earlier process died, and were made again. Both may have been paid. */
    readonly possiblyPaidTwice: number;
  };
  readonly tokens: {
    readonly in: number;
    readonly out: number;
    /** The part of `in` that came from the providers' caches. Absent if there is none. */
    readonly cached?: number;
    /** The part of `in` that was put into the providers' caches. Absent if there is none. */
    readonly cacheWrite?: number;
  };
  /** The cost of the calls with a known price. Null if no call has a known price; never 0 for "unknown". */
  readonly costMicroUsd: number | null;
  /**
   * The part of the cost that is computed with list prices of models of the same name, from servers that are not known
   * to sell these models. Absent if there is none.
   */
  readonly assumedCostMicroUsd?: number;
  readonly uncostedCalls: number;
  readonly durationMs: number;
  /**
   * The sum of the durations of all calls: what they would take one after another. Divided by `durationMs` it is the
   * speed-up. Absent without calls.
   */
  readonly callsMs?: number;
  /** The part of `durationMs` in which limits or a 429 let no call go out. Waits below 0.5 s are ignored. */
  readonly waitedMs: number;
  /** `none` means that no cascade was run. */
  readonly strategy: Strategy | 'none';
  /**
   * The parameters that models (`provider/model`) refused for the first time. `instead` is the name that the model
   * accepts. Absent if there are none.
   */
  readonly refusedParameters?: readonly {
    readonly model: string;
    readonly parameter: string;
    readonly instead?: string;
  }[];
  /** The models (`provider/model`) that answered in place of models that could not be asked. Absent for none. */
  readonly fallbacks?: readonly {
    readonly model: string;
    readonly insteadOf: string;
    readonly calls: number;
  }[];
  /** The first 100 failures in row order. */
  readonly failures: readonly RowFailure[];
}

/** The kind of a statement. `sql` is plain SQL. */
export type StatementKind = 'map' | 'run' | 'create_table' | 'insert' | 'explain' | 'sql';

/** `T` is the type that the caller expects of a row; the engine does not check it. */
export interface QueryResult<T extends object = Row> {
  readonly kind: StatementKind;
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly T[];
  /** The number of rows returned; of rows changed if none are returned (CREATE TABLE AS, INSERT, UPDATE, …). */
  readonly rowCount: number;
  readonly notices: readonly Notice[];
  readonly summary: Summary;
}

/** What a statement takes and gives. */
export interface StatementDescription {
  /** The types of `$1`, `$2`, …; undefined for a parameter that the statement does not read. */
  readonly parameters: readonly (string | undefined)[];
  /**
   * The columns of its rows; none if it returns no rows. A `DECIMAL` without digits has those of the bound values. With
   * values of these parameter types, the rows have these columns.
   */
  readonly columns: readonly ResultColumn[];
  /** True if only values decide about the columns, of which then none is named: give `describe` the values. */
  readonly needsValues?: true;
}

/** Rows in order, as they become known. `columns` resolves before the first row. */
export interface RowStream<T extends object = Row> extends AsyncIterable<T> {
  readonly columns: Promise<readonly ResultColumn[]>;
  /** Settles when the statement has ended. */
  readonly summary: Promise<Summary>;
  readonly notices: readonly Notice[];
  /**
   * Takes the next row if it is there already, which costs less than to wait for it.
   *
   * @internal
   */
  takeReady(): T | undefined;
}

/** A figure that EXPLAIN predicts. `least` = `expected` = `most` if the figure is certain. */
export interface Estimate {
  readonly least: number;
  readonly expected: number;
  /** Null if nothing bounds the figure. */
  readonly most: number | null;
}

/** The predicted cost of calls in micro-USD; null if none of the calls has a price. */
export interface CostEstimate {
  readonly low: number | null;
  readonly expected: number | null;
  /** Also null if nothing bounds the calls. */
  readonly high: number | null;
  /** `partly` means that the figures leave out calls of models without a price. */
  readonly status: 'priced' | 'partly' | 'uncosted';
}

/** The predicted calls of one cell of a cascade, and the source of the figures. */
export interface CellEstimate {
  readonly cascade: string;
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: Estimate;
  readonly cached: Estimate;
  readonly tokensIn: Estimate;
  readonly tokensOut: Estimate;
  /** The part of `tokensIn` that comes from the provider's cache, as in earlier calls. Absent if there is none. */
  readonly cachedShare?: number;
  readonly cost: CostEstimate;
  /** Set if the cost is at the list price of a model with this name, from a server that is not known to sell it. */
  readonly isCostAssumed?: true;
  /** The mean time of one call. */
  readonly meanMs: number;
  /** The source of `tokensOut` and `meanMs`: earlier calls of the cell, earlier calls of the model, or defaults. */
  readonly basis: 'cell' | 'model' | 'default';
  readonly basisCalls: number;
}

/** The bounds of a statement's calls. An absent bound does not apply. */
export interface ExplainGuards {
  readonly maxCalls?: number;
  readonly maxPairs?: number;
  readonly maxTokens?: number;
  readonly maxCostMicroUsd?: number;
  /** The calls per minute that a provider, or the statement itself, allows. */
  readonly rpm?: number;
  readonly inputTpm?: number;
  readonly outputTpm?: number;
  readonly inFlight?: number;
}

/** A node of the plan: an operation, with the operations that it is based on as children. */
export interface ExplainNode {
  readonly name: string;
  readonly facts: readonly string[];
  readonly children: readonly ExplainNode[];
}

/** What a statement did, to compare with the prediction. */
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
  /** By how many percent each prediction is above the actual figure; null if that is 0 or a figure is unknown. */
  readonly errorPercent: Readonly<Record<ExplainFigure, number | null>>;
}

/** The figures that are predicted and measured. */
export type ExplainFigure =
  | 'resultRows'
  | 'runs'
  | 'calls'
  | 'cached'
  | 'tokensIn'
  | 'tokensOut'
  | 'cost'
  | 'seconds';

/** The report of EXPLAIN: what a statement would do, without doing it. */
export interface ExplainReport {
  /** `sql` means plain SQL with MAPs or RUNs in brackets. */
  readonly statement: 'map' | 'run' | 'semantic' | 'sql';
  /** The files of the cascades that the statement runs. */
  readonly cascades: readonly string[];
  /** The rows read. In semantic SQL, the rows that plain conditions leave; null if the statement is not planned. */
  readonly rows: number | null;
  readonly deduped: number;
  /** The rows of the result, or the rows written. */
  readonly resultRows: Estimate;
  /** The distinct inputs; in semantic SQL, the distinct questions. */
  readonly distinctInputs: Estimate;
  /** The runs of cascades. */
  readonly runs: Estimate;
  /** The model calls that are made, without retries. */
  readonly calls: Estimate;
  /** The calls that need not be made, because the answer is stored or an equal call of the statement gives it. */
  readonly cached: Estimate;
  readonly tokensIn: Estimate;
  readonly tokensOut: Estimate;
  readonly cost: CostEstimate;
  readonly seconds: Estimate;
  /** The number of runs at a time. */
  readonly parallel: number;
  readonly limit: { readonly rows: number | null; readonly source: 'default' | 'option' | 'query' };
  /** True if the limit leaves rows out. */
  readonly cut: boolean;
  readonly guards: ExplainGuards;
  /** Why the statement would be refused or would end early; null if it would not. */
  readonly refusal: string | null;
  readonly strategy: string;
  /** Why this strategy was chosen. */
  readonly reason: string;
  /** The columns that are sent to the workers. */
  readonly inputColumns: readonly string[];
  readonly cells: readonly CellEstimate[];
  /** Why figures are ranges, and where the figures come from. */
  readonly notes: readonly string[];
  /** The SQL sent to DuckDB. */
  readonly sql: readonly string[];
  readonly tree: ExplainNode;
  /** What the statement did, after an EXPLAIN ANALYZE. */
  readonly actual?: ExplainActual;
}
