/** Several conditions of one operator over one value as a single look-up: they then take one join instead of one each. */
import type { SqlNode } from '../duck/parse-sql.ts';
import { joinBarrier } from './join-barrier.ts';
import { ANSWER_KEY, type NativeLookUps } from './native-look-up.ts';
import type { QueryPlan } from './query-plan.ts';
import {
  baseTable,
  columnRef,
  conjunction,
  inTurn,
  isNode,
  nodesOf,
  select,
} from './query-tree.ts';
import { type OperatorUse, typeOfUse } from './use.ts';

/**
 * The plan's WHERE with all of its semantic conditions as one look-up; undefined where they are not of one operator
 * and one first argument, with literal criteria. What the table does not decide is looked up in turn.
 */
export function joinedWhere(
  plan: QueryPlan,
  order: readonly SqlNode[],
  native: NativeLookUps,
): SqlNode | null | undefined {
  const [first] = order;
  const use = first === undefined ? undefined : plan.useOf(first);
  if (order.length < 2 || use === undefined || typeOfUse(use) !== 'BOOLEAN') return undefined;
  const [value] = nodesOf(first?.['children']);
  if (value === undefined) return undefined;
  const columns: SqlNode[] = [];
  for (const condition of order) {
    const [operand, ...criteria] = nodesOf(condition['children']);
    const isSame = plan.useOf(condition) === use && textOf(operand) === textOf(value);
    const texts = criteria.map(literalText);
    if (!isSame || texts.some((text) => text === undefined)) return undefined;
    const column = native.columnOf(use, texts as string[]);
    if (column === undefined) return undefined;
    columns.push(columnRef(column));
  }
  const found = scalarQuery(
    select(
      [conjunction(columns)!],
      baseTable(native.tableOf(use)),
      equal(columnRef(ANSWER_KEY), value),
    ),
  );
  const asked = order.map((condition) => missing(condition, use));
  const lookedUp: SqlNode = {
    class: 'OPERATOR',
    type: 'OPERATOR_COALESCE',
    alias: '',
    query_location: 0,
    children: [found, inTurn([...joinBarrier(plan), ...asked])],
  };
  return conjunction([...plan.plain, lookedUp]);
}

function textOf(node: SqlNode | undefined): string {
  return JSON.stringify(node, (key, value) => (key === 'query_location' ? undefined : value));
}

function literalText(node: SqlNode): string | undefined {
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  if (!isNode(value) || value['is_null'] !== false) return undefined;
  return typeof value['value'] === 'string' ? value['value'] : undefined;
}

/** The operator as the function that a macro calls for what it does not find. */
function missing(condition: SqlNode, { names }: OperatorUse): SqlNode {
  return { ...condition, function_name: names.miss, is_operator: false };
}

function equal(left: SqlNode, right: SqlNode): SqlNode {
  return {
    class: 'COMPARISON',
    type: 'COMPARE_EQUAL',
    alias: '',
    query_location: 0,
    left,
    right: { ...right, alias: '' },
  };
}

function scalarQuery(node: SqlNode): SqlNode {
  return {
    class: 'SUBQUERY',
    type: 'SUBQUERY',
    alias: '',
    query_location: 0,
    subquery_type: 'SCALAR',
    subquery: { node, named_param_map: [] },
    child: null,
    comparison_type: 'INVALID',
  };
}
