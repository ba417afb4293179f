/** Makes the planned query: cheap conditions first, and select-list operators after the LIMIT. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { OperatorUse } from '../read/use.ts';
import { joinBarrier } from './join-barrier.ts';
import { Pieces } from './lift.ts';
import { type PlannedSql, plannedSql, type SqlContext } from './planned-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import {
  columnRef,
  conjunction,
  holds,
  inTurn,
  isNode,
  nodesOf,
  select,
  star,
  subquery,
  Unplannable,
} from './query-tree.ts';

/**
 * Up to this number of semantic conditions, each prefix of them is a condition too: the text of all prefixes grows with
 * the square of the number.
 */
const SEMANTIC_MAX_PREFIXES = 4;

/** FROM clauses whose columns have distinct names. */
export const SINGLE_TABLES = new Set(['BASE_TABLE', 'SUBQUERY', 'TABLE_FUNCTION']);

/**
 * The plan's query, with its semantic conditions in the given order; in these, `inWhere` gives the function for an
 * operator's place. `names` are the names of the columns. Throws Unplannable.
 */
export async function plannedQuery(
  statement: SqlContext,
  plan: QueryPlan,
  options: {
    readonly names: readonly string[];
    readonly order: readonly SqlNode[];
    readonly inWhere: (use: OperatorUse) => OperatorUse;
    /** Stages the rows that a LIMIT leaves and gives them as a relation; without it each run finds these rows anew. */
    readonly keep?: (rows: SqlNode) => Promise<SqlNode>;
  },
): Promise<PlannedSql> {
  const { order, names, keep } = options;
  const semantic = order.map((condition) => renamed(condition, plan, options.inWhere));
  const node = { ...plan.node, where_clause: whereOf(plan, semantic) };
  if (!canDefer(plan)) return plannedSql(statement, node);
  const { rows, list } = deferred(plan, node, names);
  const from = await (keep?.(rows) ?? subquery(rows, plan.parameters, 'rvb_rows'));
  return plannedSql(statement, select(list, from, null));
}

/** The plan's WHERE with its semantic conditions in the given order; each is evaluated only where those before it hold. */
export function whereOf(plan: QueryPlan, order: readonly SqlNode[]): SqlNode | null {
  const { plain, barrier } = barrierOf(plan, order.length > 0);
  // Each prefix is a condition too: DuckDB then drops rows before it looks up the next operator's answers.
  const chains = order.map((_, index) => inTurn([...barrier, ...order.slice(0, index + 1)])!);
  const most = order.length > SEMANTIC_MAX_PREFIXES ? chains.slice(-1) : chains;
  return conjunction([...plain, ...most]);
}

/** The plan's WHERE, in which each semantic condition is evaluated only where all conditions before it hold. */
export function chainedWhere(plan: QueryPlan): SqlNode | null {
  const { semantic } = plan;
  if (semantic.length === 0) return conjunction(plan.plain);
  const { plain, barrier } = barrierOf(plan, true);
  return conjunction([...plain, inTurn([...barrier, ...semantic])!]);
}

/** The plain conditions that DuckDB evaluates first, and those that have to hold before a semantic one is evaluated. */
function barrierOf(plan: QueryPlan, isBefore: boolean) {
  // DuckDB turns queries in a WHERE into joins, and would move the other conditions below these joins.
  const queries = isBefore ? plan.plain.filter((part) => holds(part, isQuery)) : [];
  const plain = plan.plain.filter((part) => !queries.includes(part));
  // DuckDB may evaluate a condition that its scan does not decide, e.g. a * b > 5, after an operator: it would ask for
  // rows that the condition leaves out.
  const guards = isBefore ? plain.filter((part) => !plan.isVolatile(part)) : [];
  return { plain, barrier: [...joinBarrier(plan), ...queries, ...guards] };
}

function isQuery(node: SqlNode): boolean {
  return node['class'] === 'SUBQUERY';
}

/** Whether operators of the select list can wait for the LIMIT. */
export function canDefer(plan: QueryPlan): boolean {
  return (
    plan.isRowByRow &&
    plan.limit !== undefined &&
    !plan.ordersByItem &&
    holds(plan.node['select_list'], plan.isOperator)
  );
}

/**
 * Splits the query: the inner one gives the rows with all values that the operators need, the outer list applies the
 * operators.
 */
export function deferred(
  plan: QueryPlan,
  node: SqlNode,
  names: readonly string[],
): { readonly rows: SqlNode; readonly list: readonly SqlNode[] } {
  const items = nodesOf(node['select_list']);
  const pieces = new Pieces(plan.isOperator, 'rvb_piece_');
  const stars = items.filter((item) => item['class'] === 'STAR');
  if (stars.length > 0) refuseStars(plan, items);
  const isSeveral = (item: SqlNode) => holds(item, ({ class: kind }) => kind === 'STAR');
  if (items.some((item) => item['class'] !== 'STAR' && isSeveral(item))) {
    throw new Unplannable('COLUMNS stands in an expression of the select list');
  }
  const outer: SqlNode[] = [];
  const inner: SqlNode[] = [];
  const firstName = names.length - items.length;
  for (const [index, item] of items.entries()) {
    if (item['class'] === 'STAR') {
      inner.push(item);
      continue;
    }
    const name = names[firstName + index] ?? '';
    if (holds(item, plan.isOperator)) {
      outer.push({ ...pieces.lift(item), alias: name });
      continue;
    }
    const alias = innerAlias(plan, names, index);
    inner.push({ ...item, alias });
    outer.push({ ...columnRef(alias), alias: name });
  }
  const rows = { ...node, select_list: [...inner, ...pieces.list] };
  const all = stars[0];
  const hidden = [...inner.filter((item) => item !== all), ...pieces.list];
  const list =
    all === undefined
      ? outer
      : [
          star(
            '',
            hidden.map(({ alias }) => String(alias)),
          ),
          ...outer,
        ];
  return { rows, list };
}

/**
 * The name of an item without operators in the inner query: its own name, if the query needs that name and no other
 * column has it.
 */
function innerAlias(plan: QueryPlan, names: readonly string[], index: number): string {
  const items = nodesOf(plan.node['select_list']);
  const alias = String(items[index]?.['alias']);
  const lower = alias.toLowerCase();
  const isNeeded =
    lower !== '' &&
    holds([plan.order, items], ({ column_names: parts }) => {
      return Array.isArray(parts) && parts.length === 1 && parts[0].toLowerCase() === lower;
    });
  if (!isNeeded) return `rvb_item_${index}`;
  const same = names.filter((name) => name.toLowerCase() === lower);
  if (same.length !== 1 || names[names.length - items.length + index]?.toLowerCase() !== lower) {
    throw new Unplannable(`several columns are called ${alias}`);
  }
  return alias;
}

/**
 * Throws Unplannable unless `*` comes first, is the only one, and reads a single table: its columns then keep their
 * names.
 */
function refuseStars(plan: QueryPlan, items: readonly SqlNode[]): void {
  const from = plan.node['from_table'];
  const isSingle = isNode(from) && SINGLE_TABLES.has(String(from['type']));
  const isFirst = items.findLastIndex((item) => item['class'] === 'STAR') === 0;
  if (!isSingle || !isFirst || holds(items[0], plan.isOperator)) {
    throw new Unplannable('a * stands beside operators in the select list');
  }
}

function renamed(
  node: SqlNode,
  plan: QueryPlan,
  inWhere: (use: OperatorUse) => OperatorUse,
): SqlNode {
  const renameIn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renameIn);
    return isNode(value) ? renamed(value, plan, inWhere) : value;
  };
  const copy: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(node)) copy[key] = renameIn(child);
  const use = plan.useOf(node);
  if (use !== undefined) {
    const { names } = inWhere(use);
    copy['function_name'] = node['is_operator'] === true ? names.infix : names.call;
  }
  return copy;
}
