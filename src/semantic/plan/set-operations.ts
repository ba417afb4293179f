/** UNION, EXCEPT and INTERSECT: finds which questions of each arm have to be asked. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { countOf } from '../../duck/stage.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import type { FlattenTests } from './flatten.ts';
import { plannedSql } from './planned-sql.ts';
import {
  hasLimit,
  holds,
  integer,
  isNode,
  limited,
  nodesOf,
  rowsWanted,
  select,
  star,
  subquery,
} from './query-tree.ts';
import { amongRowsOf } from './semi-filters.ts';
import { type WithQuery, withSeen } from './with-queries.ts';

/** What an arm needs to be made ready. */
export interface ArmContext {
  readonly run: SemanticQuery;
  readonly tests: FlattenTests;
  /** The WITH queries that the arms see. */
  readonly seen: readonly WithQuery[];
  /** Asks the questions that the arm needs. Returns the query to run in place of the arm. */
  ready(arm: SqlNode): Promise<SqlNode>;
}

/** The operation with its arms ready. */
export async function readySetOperation(node: SqlNode, context: ArmContext): Promise<SqlNode> {
  const { modifiers, cte_map } = node;
  const bare = { ...node, modifiers: [], cte_map: { map: [] } };
  const [only, ...more] = nodesOf(modifiers);
  const wanted = more.length === 0 && only !== undefined ? rowsWanted([only]) : undefined;
  if (wanted !== undefined && isUnionAll(bare)) {
    return { ...(await firstOf(bare, wanted, context)).node, modifiers, cte_map };
  }
  const left = node['left'] as SqlNode;
  const right = node['right'] as SqlNode;
  return {
    ...node,
    left: await context.ready(narrowed(node, left, right, context)),
    right: await context.ready(narrowed(node, right, left, context)),
  };
}

/** Whether the node is a bare UNION ALL: its arms come one after another. */
export function isUnionAll(node: SqlNode): boolean {
  const map = node['cte_map'];
  const isBare = nodesOf(node['modifiers']).length === 0;
  const hasWith = isNode(map) && nodesOf(map['map']).length > 0;
  return node['setop_type'] === 'UNION' && node['setop_all'] === true && isBare && !hasWith;
}

/**
 * Makes the arms ready in turn, each only for the rows that are still wanted after those before it. `rows` is undefined
 * where an arm's number of rows is not known.
 */
async function firstOf(
  node: SqlNode,
  wanted: number,
  context: ArmContext,
): Promise<{ readonly node: SqlNode; readonly rows: number | undefined }> {
  if (isUnionAll(node)) {
    const left = await firstOf(node['left'] as SqlNode, wanted, context);
    const more = left.rows === undefined ? wanted : Math.max(0, wanted - left.rows);
    const right = await firstOf(node['right'] as SqlNode, more, context);
    const areKnown = left.rows !== undefined && right.rows !== undefined;
    return {
      node: { ...node, left: left.node, right: right.node },
      rows: areKnown ? left.rows + right.rows : undefined,
    };
  }
  const whole = hasLimit(node) ? select([star()], subquery(node, [], 'rvb_arm'), null) : node;
  const first = limited(whole, integer(wanted));
  if (wanted === 0) return { node: first, rows: 0 };
  const ready = await context.ready(first);
  const { run, tests, seen } = context;
  if (holds(ready, tests.isOperator)) return { node: ready, rows: undefined };
  const { session, stop } = run.statement;
  const { text, parameters } = await plannedSql(run.statement, withSeen(ready, seen));
  const { signal } = stop;
  const rows = await countOf(session, `SELECT count(*) FROM (${text})`, { parameters, signal });
  return { node: ready, rows };
}

/**
 * The arm. Both arms of an INTERSECT, and the right one of an EXCEPT, are limited to rows that the other arm has, if
 * that arm asks no questions.
 */
function narrowed(
  { setop_type: type, setop_all: all, right }: SqlNode,
  arm: SqlNode,
  other: SqlNode,
  { tests }: ArmContext,
): SqlNode {
  const { isOperator, isUnstable } = tests;
  const isShared = type === 'INTERSECT' || (type === 'EXCEPT' && arm === right);
  const isOpen = holds(other, (node) => isOperator(node) || isUnstable(node));
  if (!isShared || all === true || isOpen || !isRows(arm, tests)) return arm;
  return amongRowsOf(arm, other) ?? arm;
}

/**
 * Whether the arm holds operators, each of its rows comes from one row of its FROM, and nothing in it may differ when
 * it is computed twice.
 */
function isRows(node: SqlNode, { planOf, isOperator, isUnstable }: FlattenTests): boolean {
  if (node['type'] !== 'SELECT_NODE' || !holds(node, isOperator)) return false;
  const { isRowByRow, limit } = planOf(node);
  const isPlainList = !holds(node['select_list'], isOperator);
  return isPlainList && isRowByRow && limit === undefined && !holds(node, isUnstable);
}
