/** What may be computed ahead in a transaction, which an error would end: columns of a table, and what they are compared with. */
import { isInTransaction } from '../../duck/in-transaction.ts';
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { plannedSql } from './planned-sql.ts';
import { usesOf } from './query-plan.ts';
import { isNode, nodesOf, select } from './query-tree.ts';

/** Whether what the statement reads may be computed ahead: outside of a transaction always. */
export async function isFreeToStage(run: SemanticQuery): Promise<boolean> {
  if (!(await isInTransaction(run.statement.session))) return true;
  const [only, ...more] = run.read.tree ?? [];
  const node = only?.['node'];
  return more.length === 0 && isNode(node) && isSafeToStage(run, node);
}

/** Whether the SELECT reads one table, by conditions that cannot fail for any of its rows. */
async function isSafeToStage(run: SemanticQuery, node: SqlNode): Promise<boolean> {
  const { from_table: from, cte_map: map, sample } = node;
  const isTable = isNode(from) && from['type'] === 'BASE_TABLE' && !isNode(from['at_clause']);
  const isBare = !(isNode(map) && nodesOf(map['map']).length > 0) && !isNode(sample);
  if (node['type'] !== 'SELECT_NODE' || !isTable || !isBare) return false;
  const orders = nodesOf(node['modifiers']).flatMap((modifier) => nodesOf(modifier['orders']));
  const keys = orders.map(({ expression }) => expression);
  const comparisons: SqlNode[] = [];
  const where = node['where_clause'];
  if (!keys.every(isColumn) || (isNode(where) && !isSafe(run, where, comparisons))) return false;
  if (comparisons.length === 0) return true;
  const sides = comparisons.flatMap(({ left, right }) => [left, right] as SqlNode[]);
  const { text, parameters } = await plannedSql(run.statement, select(sides, from, null));
  const { session, stop } = run.statement;
  const types = await session.describe(text, { parameters, signal: stop.signal });
  // A text is cast for a comparison, and may not be of the other type; no other cast of a column fails.
  return comparisons.every((_, index) => {
    const [left, right] = types.slice(2 * index).map(({ type }) => type === 'VARCHAR');
    const isTextCast = (side: unknown, isText = false, isOtherText = false) =>
      isColumn(side) && isText && !isOtherText;
    const [a, b] = sides.slice(2 * index);
    return !isTextCast(a, left, right) && !isTextCast(b, right, left);
  });
}

/** Conditions over columns and literals; those that compare are left to be looked at. */
function isSafe(run: SemanticQuery, node: SqlNode, comparisons: SqlNode[]): boolean {
  const use = usesOf(run.read)(node);
  const children = nodesOf(node['children']);
  if (use !== undefined) {
    const { args } = use.book.operator;
    const areTexts = args.every(({ type }) => type.toUpperCase() === 'VARCHAR');
    return areTexts && children.every((child) => isColumn(child) || isLiteral(child));
  }
  const { class: kind, left, right, type } = node;
  if (kind === 'COMPARISON') {
    comparisons.push(node);
    return [left, right].every((side) => isColumn(side) || isLiteral(side));
  }
  const isLogic =
    kind === 'CONJUNCTION' || /^OPERATOR_(NOT|IS_NULL|IS_NOT_NULL)$/.test(String(type));
  if (!isLogic) return isColumn(node) || isLiteral(node);
  return children.every((child) => isSafe(run, child, comparisons));
}

function isColumn(node: unknown): boolean {
  return isNode(node) && node['class'] === 'COLUMN_REF';
}

/** A literal, or one of a type that is named: DuckDB reads it once, before any row. */
function isLiteral(node: unknown): boolean {
  if (!isNode(node)) return false;
  return node['class'] === 'CONSTANT' || (node['class'] === 'CAST' && isLiteral(node['child']));
}
