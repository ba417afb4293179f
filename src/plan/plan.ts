/** A plan: plain data that says what a statement will do. It can be printed, compared and sent elsewhere. */
import type { CallLimits } from '../model/call-limits.ts';
import type { Strategy } from '../result.ts';
import type { ChosenParallel } from './choose-parallel.ts';
import type { ResultField } from './result-fields.ts';

/** How many rows are read, and who said so. `rows` is null where the query has its own LIMIT and no other applies. */
export interface RowLimit {
  readonly rows: number | null;
  readonly source: 'default' | 'option' | 'query';
  /** The number in the query's own LIMIT, where it is one. */
  readonly ofQuery?: number;
}

/** WITH (cache = …): true, false, 'refresh' or an age such as '1d'. */
export type CacheSetting = boolean | string | number;

/** What becomes of a row whose cascade failed. */
export type OnError =
  | { readonly kind: 'null' }
  | { readonly kind: 'fail' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'default'; readonly value: string };

/** Calls, tokens and cost, of one call or of many. */
export interface Spending {
  readonly calls: number;
  readonly tokens: number;
  /** Micro-USD. */
  readonly costMicroUsd: number;
}

/** `max_calls`, `max_total_tokens` and `max_cost` of a statement; one that is absent does not limit. */
export type BudgetLimits = Partial<Spending>;

/** How a plan's model calls are made. */
export interface CallPlan {
  /** Attempts at a call that fails for a while, the first included; absent: the cell's. */
  readonly maxAttempts?: number;
  readonly budget: BudgetLimits;
  readonly cache: CacheSetting;
  /** Equal calls of this statement are made once. */
  readonly dedupe: boolean;
  /** No call goes out: a run that no answer at hand settles is not run. */
  readonly onlyAtHand?: boolean;
  /** The statement's own limits, in addition to the provider's. */
  readonly limits?: CallLimits;
}

interface PlanBase {
  readonly cascadeFile: string;
  readonly cascadeHash: string;
  /** The query of USING, as written. */
  readonly query: string;
  readonly limit: RowLimit;
  readonly timeoutMs: number;
  readonly calls: CallPlan;
  readonly deadlineMs?: number;
  readonly onError: OnError;
  /** The one column of an untyped result. */
  readonly resultColumn: string;
  /** The columns of a typed result, in its place. */
  readonly fields?: readonly ResultField[];
  readonly label?: string;
}

/** The type of `error_column`. */
export const ERROR_TYPE = 'STRUCT("code" VARCHAR, "message" VARCHAR, "attempts" INTEGER)';

/** Where a MAP's rows go: to the caller, or into a table, whose name is as it is written. */
export type MapTarget =
  | { readonly kind: 'rows'; readonly asTable?: string }
  /** `CREATE … TABLE … AS`, up to the AS, as SQL. */
  | { readonly kind: 'create'; readonly table: string; readonly create: string }
  /** A temp table that the rest of the statement reads, which it is no part of to write. */
  | { readonly kind: 'stage'; readonly table: string }
  /** `INSERT INTO … (…)`, as SQL. */
  | { readonly kind: 'insert'; readonly table: string; readonly insert: string };

/** An input of the cascade and the column of the query that feeds it. */
export interface InputColumn {
  readonly input: string;
  readonly column: string;
}

export interface MapPlan extends PlanBase {
  readonly kind: 'map';
  readonly strategy: Strategy;
  readonly parallel: number;
  /** How `parallel` came about, where the statement leaves it to the engine. */
  readonly chosen?: ChosenParallel;
  readonly dedupe: boolean;
  readonly distinct?: 'row' | readonly string[];
  /** The only columns that cross into JavaScript while the cascade runs. */
  readonly inputs: readonly InputColumn[];
  readonly errorColumn?: string;
  readonly target: MapTarget;
}

export interface RunPlan extends PlanBase {
  readonly kind: 'run';
  readonly strategy: 'batch';
  readonly parallel: 1;
  /** The temp table that holds the rows; a generated name where the statement gives none. */
  readonly asTable: string;
  /** Where the tables go that the cascade makes; absent: they stay in the session. */
  readonly schema?: string;
  /** RETURNING TABLES: those that are wanted, none for all that the cascade makes. */
  readonly returningTables?: readonly string[];
  /** Where the one row goes. */
  readonly target: MapTarget;
}

export type Plan = MapPlan | RunPlan;
