/**
 * Finds the keys that have a row that meets the conditions: each round asks one row of every open key, until a row
 * meets them.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates, type LeafRow, ROWID } from '../plan/candidates.ts';
import { plannedSql } from '../plan/planned-sql.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { columnRef, nodesOf } from '../plan/query-tree.ts';
import { asFilter } from '../plan/tree-logic.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { inAskOrder } from './ask-order.ts';
import { RowJudge } from './decide-rows.ts';
import { lookAhead } from './look-ahead.ts';
import { opaqueOf } from './needs.ts';
import { type Condition, conditionOf } from './truth.ts';

/** Rows that pass if the query has a row with their key, or, with `isNot`, if it has none. */
export interface OuterRows {
  /** Their SELECT, whose LIMIT tells how many of them are wanted. */
  readonly plan: QueryPlan;
  readonly key: SqlNode;
  readonly isNot: boolean;
}

/** Replaces a query of one column by one that calls no operator and has the same distinct values. Throws Unplannable. */
export async function keysFound(run: SemanticQuery, plan: QueryPlan): Promise<SqlNode> {
  const keyed = await KeyedRows.stage(run, plan);
  await keyed.decide(keyed.open.keys());
  return keyed.found;
}

/**
 * Asks about the keys of the outer rows in their order, until as many of them pass as their LIMIT wants. Returns a query
 * of the keys of the rows that pass. Throws Unplannable.
 */
export async function firstKeys(
  run: SemanticQuery,
  plan: QueryPlan,
  outer: OuterRows,
): Promise<SqlNode> {
  const { statement, settings } = run;
  const keyed = await KeyedRows.stage(run, plan);
  const outerPlan = { ...outer.plan, semantic: [outer.key] };
  const rows = await Candidates.stage(statement, outerPlan, 'ordered');
  run.stages.push(rows.name);
  const key = rows.conditions[0]!;
  const inOrder = await keyed.matching(rows, key);
  const wanted = outer.plan.rowsWanted!;
  const passed: string[] = [];
  let at = 0;
  while (at < inOrder.length && passed.length < wanted) {
    const most = lookAhead({ met: passed.length, decided: at, wanted }, settings.parallel);
    const next = new Set<string>();
    for (let ahead = at; ahead < inOrder.length && next.size < most; ahead += 1) {
      const { group } = inOrder[ahead]!;
      if (keyed.open.has(group)) next.add(group);
    }
    await keyed.decide(next);
    if (statement.stop.drained !== undefined) break;
    for (; at < inOrder.length && passed.length < wanted; at += 1) {
      const { rowid, group } = inOrder[at]!;
      if (keyed.open.has(group)) break;
      if (keyed.isFound(group) !== outer.isNot) passed.push(rowid);
    }
  }
  return rows.select([key], passed);
}

/**
 * The staged rows of a query of one column, in groups with equal keys. A group is found if one of its rows meets the
 * conditions.
 */
class KeyedRows {
  readonly #run: SemanticQuery;
  readonly #candidates: Candidates;
  readonly #key: SqlNode;
  readonly #condition: Condition;
  readonly #judge: RowJudge;
  readonly #open = new Map<string, LeafRow[]>();
  readonly #found = new Map<string, string>();

  static async stage(run: SemanticQuery, plan: QueryPlan): Promise<KeyedRows> {
    const [item] = nodesOf(plan.node['select_list']);
    const keyed = { ...plan, semantic: [...plan.semantic, { ...item, alias: '' } as SqlNode] };
    const candidates = await Candidates.stage(run.statement, keyed, 'ordered', (query) =>
      passesOf(run, query),
    );
    run.stages.push(candidates.name);
    run.report.note(candidates);
    const all = asFilter(candidates.conditions.slice(0, -1), true);
    const { staged } = await inAskOrder(run, plan, candidates, { staged: all, written: all });
    const rows = new KeyedRows(run, candidates, conditionOf(staged, plan.useOf, opaqueOf));
    await rows.#group();
    return rows;
  }

  private constructor(run: SemanticQuery, candidates: Candidates, condition: Condition) {
    this.#run = run;
    this.#candidates = candidates;
    this.#key = candidates.conditions.at(-1)!;
    this.#condition = condition;
    const rowid = { kind: 'value', expression: ROWID } as const;
    this.#judge = new RowJudge(run, candidates, { kind: 'each', of: [condition, rowid] });
  }

  /** The groups that are not decided. */
  get open(): ReadonlyMap<string, unknown> {
    return this.#open;
  }

  isFound(group: string): boolean {
    return this.#found.has(group);
  }

  /** A query of the keys that are found. */
  get found(): SqlNode {
    return this.#candidates.select([this.#key], [...this.#found.values()]);
  }

  /** The rows of `others` in their order, each with the group that has its key; the group is '' where none has. */
  async matching(others: Candidates, key: SqlNode) {
    const [own, other] = [await this.#groups(), await this.#keysOf(others, key)];
    const matched = `SELECT o.n, o.r, coalesce(min(g), '') AS g FROM (${other}) o LEFT JOIN (${own}) i ON o.k = i.k GROUP BY ALL`;
    const [rowids, groups] = await this.#columns(`SELECT r, g FROM (${matched}) ORDER BY n`);
    return rowids.map((rowid, index) => ({ rowid, group: groups[index]! }));
  }

  /** Asks until each of these open groups is decided, or the statement is stopped. */
  async decide(groups: Iterable<string>): Promise<void> {
    const { stop } = this.#run.statement;
    for (let left = [...groups]; left.length > 0 && stop.drained === undefined; ) {
      left = left.filter((group) => !this.#isDecided(group));
      await this.#judge.decide(left.map((group) => this.#open.get(group)![0]!));
    }
  }

  #isDecided(group: string): boolean {
    const rows = this.#open.get(group)!;
    const truths = rows.map((row) => this.#judge.truth(row, undefined, this.#condition));
    const met = rows[truths.indexOf(true)];
    const left = rows.filter((_, index) => truths[index] === undefined);
    if (met !== undefined) this.#found.set(group, this.#rowidOf(met));
    if (met === undefined && left.length > 0) this.#open.set(group, left);
    else this.#open.delete(group);
    return !this.#open.has(group);
  }

  /** Reads the rows, all of them still open. */
  async #group(): Promise<void> {
    const [rowids, groups] = await this.#columns(`SELECT r, g FROM (${await this.#groups()})`);
    const groupOf = new Map(rowids.map((rowid, row) => [rowid, groups[row]!]));
    const { rowCount } = this.#candidates;
    for (const row of await this.#candidates.rows(this.#judge.leaves, 0, rowCount)) {
      const group = groupOf.get(this.#rowidOf(row))!;
      const rows = this.#open.get(group);
      if (rows === undefined) this.#open.set(group, [row]);
      else rows.push(row);
    }
  }

  #rowidOf(row: LeafRow): string {
    return String(row.at(-1)?.[0]);
  }

  /** A query of all rows: the key k, the rowid r, and the group g. DuckDB decides which keys are equal. */
  async #groups(): Promise<string> {
    const keys = await this.#keysOf(this.#candidates, this.#key);
    return `SELECT k, r, min(r) OVER (PARTITION BY k) AS g FROM (${keys})`;
  }

  /** A query of staged rows: their key k, their rowid r as text, and their number n. */
  async #keysOf(rows: Candidates, key: SqlNode): Promise<string> {
    const named = [[key, 'k'] as const, [ROWID, 'r'] as const, [columnRef('rowid'), 'n'] as const];
    const list = named.map(([node, alias]) => ({ ...node, alias }));
    return (await plannedSql(this.#run.statement, rows.select(list))).text;
  }

  async #columns(text: string): Promise<readonly [string[], string[]]> {
    const { session, stop } = this.#run.statement;
    const reader = await session.run(text, { signal: stop.signal });
    const [left = [], right = []] = (await reader.allColumns('json')) as string[][];
    return [left, right];
  }
}
