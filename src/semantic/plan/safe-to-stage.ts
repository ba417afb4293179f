/**
 * Tells what may be computed ahead in a transaction, which an error would end: columns of a table, and comparisons of
 * them that cannot fail.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { typeOfUse } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { plannedSql } from './planned-sql.ts';
import { usesOf } from './query-plan.ts';
import { isNode, nodesOf, select } from './query-tree.ts';

/** Whether the rows that the statement reads may be computed ahead; outside of a transaction they always may. */
export async function isFreeToStage(run: SemanticQuery): Promise<boolean> {
  if (!run.read.inTransaction) return true;
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
  const comparisons: Compared[] = [];
  const where = node['where_clause'];
  if (!keys.every(isColumn) || (isNode(where) && !isSafe(run, where, comparisons))) return false;
  if (comparisons.length === 0) return true;
  const sides = comparisons.flat();
  const { text, parameters } = await plannedSql(run.statement, select(sides, from, null));
  const { session, stop } = run.statement;
  const types = await session.describe(text, { parameters, signal: stop.signal });
  // A text is cast to be compared with another type, and that cast may fail; no other cast of a column does.
  return comparisons.every((_, index) => {
    const [left, right] = types.slice(2 * index).map(({ type }) => type);
    const isTextCast = (side: unknown, type = '', other = '') =>
      !isLiteral(side) && /^(VARCHAR|JSON)$/.test(type) && type !== other;
    const [a, b] = sides.slice(2 * index);
    return !isTextCast(a, left, right) && !isTextCast(b, right, left);
  });
}

/** Two values that are compared. */
type Compared = readonly [SqlNode, SqlNode];

/**
 * Whether a condition is made only of columns, literals and operators. Collects what it compares, whose types are
 * checked later.
 */
function isSafe(run: SemanticQuery, node: SqlNode, comparisons: Compared[]): boolean {
  const compared = comparedIn(node);
  if (compared.length > 0) {
    comparisons.push(...compared);
    return compared.flat().every((side) => isSafeValue(run, side));
  }
  const { class: kind, type } = node;
  const isLogic =
    kind === 'CONJUNCTION' || /^OPERATOR_(NOT|IS_NULL|IS_NOT_NULL)$/.test(String(type));
  if (!isLogic) return isSafeValue(run, node);
  return nodesOf(node['children']).every((child) => isSafe(run, child, comparisons));
}

/** Whether a value is a column, a literal, or an operator's answer about texts of these. */
function isSafeValue(run: SemanticQuery, node: SqlNode): boolean {
  const use = usesOf(run.read)(node);
  const { class: kind, child, cast_type: type } = node;
  if (kind === 'CAST' && isNode(child) && isNode(type)) {
    // `IS TRUE` is a comparison of such a cast.
    const inner = usesOf(run.read)(child);
    const isBoolean = inner !== undefined && typeOfUse(inner) === type['id'];
    if (isBoolean) return isSafeValue(run, child);
  }
  if (use === undefined) return isColumn(node) || isLiteral(node);
  const areTexts = use.book.operator.args.every(({ type }) => type.toUpperCase() === 'VARCHAR');
  return areTexts && nodesOf(node['children']).every((arg) => isColumn(arg) || isLiteral(arg));
}

/** What a comparison, BETWEEN, IN or LIKE compares: the first value with each other one. Nothing for another node. */
function comparedIn(node: SqlNode): readonly Compared[] {
  const [first, ...others] = comparedValues(node);
  return others.map((one) => [first!, one]);
}

function comparedValues(node: SqlNode): readonly SqlNode[] {
  const { class: kind, type, function_name: name } = node;
  if (kind === 'COMPARISON') return nodesOf([node['left'], node['right']]);
  if (kind === 'BETWEEN') return nodesOf([node['input'], node['lower'], node['upper']]);
  const isList = type === 'COMPARE_IN' || type === 'COMPARE_NOT_IN';
  const isLike = kind === 'FUNCTION' && /^!?~~\*?$/.test(String(name));
  return isList || isLike ? nodesOf(node['children']) : [];
}

function isColumn(node: unknown): boolean {
  return isNode(node) && node['class'] === 'COLUMN_REF';
}

/** A literal, or a cast of a literal to a named type: DuckDB computes it once, before any row. */
function isLiteral(node: unknown): boolean {
  if (!isNode(node)) return false;
  return node['class'] === 'CONSTANT' || (node['class'] === 'CAST' && isLiteral(node['child']));
}
