/** A plan is plain data that says what a statement will do. It can be printed, compared and sent elsewhere. */

import type { CallLimits } from '../model/call-limits.ts';
import type { Strategy } from '../result.ts';
import type { BudgetLimits } from './budget-limits.ts';
import type { ChosenParallel } from './choose-parallel.ts';
import type { ResultField } from './result-fields.ts';

/** How many rows are read, and what set the number. `rows` is null if only the query's own LIMIT applies. */
export interface RowLimit {
  readonly rows: number | null;
  readonly source: 'default' | 'option' | 'query';
  /** The number in the query's own LIMIT; absent if it is not a number. */
  readonly ofQuery?: number;
}

/** WITH (cache = …): true, false, 'refresh' or an age such as '1d'. */
export type CacheSetting = boolean | string | number;

/** The treatment of a row whose cascade failed. */
export type OnError =
  | { readonly kind: 'null' }
  | { readonly kind: 'fail' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'default'; readonly value: string };

/** BATCH n: the most questions of one call. With `auto`, the engine finds n. */
export type BatchRows = number | 'auto';

/** The settings for a plan's model calls. */
export interface CallPlan {
  /** The most attempts at a call that fails temporarily, with the first one; absent: the cell's number. */
  readonly maxAttempts?: number;
  readonly budget: BudgetLimits;
  readonly cache: CacheSetting;
  /** True if equal calls of this statement are made once. */
  readonly dedupe: boolean;
  /** True: no call goes out, and a run that stored answers cannot complete counts as not run. */
  readonly onlyStored?: boolean;
  /** The statement's own limits, in addition to the provider's. */
  readonly limits?: CallLimits;
  /** BATCH n: the most questions of one call. Absent: each question has a call of its own. */
  readonly batch?: BatchRows;
  /** `batch`: the calls are made by the provider's Batch API, at its price. */
  readonly service?: 'batch';
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
  /** The columns of a typed result, in place of `resultColumn`. */
  readonly fields?: readonly ResultField[];
  readonly label?: string;
}

/** The type of `error_column`. */
export const ERROR_TYPE = 'STRUCT("code" VARCHAR, "message" VARCHAR, "attempts" INTEGER)';

/** Where the rows go: to the caller, or into a table. `table` is the name as the user wrote it. */
export type MapTarget =
  | { readonly kind: 'rows'; readonly asTable?: string }
  /** `create`: the SQL `CREATE … TABLE … AS`, up to the AS. `mark`: a comment for the table, written together with it. */
  | {
      readonly kind: 'create';
      readonly table: string;
      readonly create: string;
      readonly mark?: { readonly table: string; readonly comment: string };
    }
  /** A temp table for the rest of the statement. It does not count as something that the statement writes. */
  | { readonly kind: 'stage'; readonly table: string }
  /** `insert`: the SQL `INSERT INTO … (…)`. */
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
  /** How `parallel` was chosen; absent if the statement did not leave it to the engine. */
  readonly chosen?: ChosenParallel;
  readonly dedupe: boolean;
  readonly distinct?: 'row' | readonly string[];
  /** Only these columns go to JavaScript while the cascade runs. */
  readonly inputs: readonly InputColumn[];
  readonly errorColumn?: string;
  readonly target: MapTarget;
}

export interface RunPlan extends PlanBase {
  readonly kind: 'run';
  readonly strategy: 'batch';
  /** The most runs in flight for a `for_each_row` cell; 1 if the cascade has no such cell. */
  readonly parallel: number;
  /** The temp table for the rows; a generated name if the statement gives none. */
  readonly asTable: string;
  /** The schema for the tables that the cascade makes; absent: they stay temp tables of the session. */
  readonly schema?: string;
  /** The tables of RETURNING TABLES; an empty list for all tables that the cascade makes. */
  readonly returningTables?: readonly string[];
  /** Where the one result row goes. */
  readonly target: MapTarget;
}

export type Plan = MapPlan | RunPlan;
