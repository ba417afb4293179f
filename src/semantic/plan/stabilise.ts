/**
 * Stages unstable input: random(), samples, files and the like are read once, and every run of the query reads the
 * staged rows.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import type { FunctionFacts } from './function-facts.ts';
import { plannedSql } from './planned-sql.ts';
import {
  baseTable,
  columnRef,
  conjunction,
  conjuncts,
  functionCall,
  holds,
  integer,
  isNode,
  mapTree,
  NO_TABLE,
  nodesOf,
  select,
  star,
  subquery,
  Unplannable,
} from './query-tree.ts';
import { mapRelations, relationName, relationsOf } from './relations.ts';
import { type StagedRows, stageRows } from './stage-rows.ts';
import { isUnstableQuery, isVarying, isVolatile } from './unstable.ts';
import { columnNames, refuseVirtual, virtualColumns } from './virtual-columns.ts';

/** What is known about the surroundings of a SELECT. */
export interface SelectContext {
  readonly facts: FunctionFacts;
  readonly isOperator: (node: SqlNode) => boolean;
  /** Adds to the SELECT the WITH queries that it sees. */
  withSeen(node: SqlNode): SqlNode;
}

/** Clauses of a SELECT whose expressions see the rows of its FROM. */
const ROW_CLAUSES = ['select_list', 'where_clause', 'modifiers'] as const;
const STAGED = 'rvb_staged';

/** The SELECT over staged rows where its input is unstable; else the SELECT itself. Throws Unplannable and RVB_SQL. */
export async function stabilise(
  run: SemanticQuery,
  node: SqlNode,
  context: SelectContext,
): Promise<SqlNode> {
  const { facts, isOperator } = context;
  const needs = needsOf(node, context);
  const from = node['from_table'];
  const isJoin = isNode(from) && from['type'] === 'JOIN';
  if (!needs.rows && !needs.relations) return node;
  noteStaged(run, node, facts);
  if (!needs.rows && isJoin) {
    const stage = async (relation: SqlNode): Promise<SqlNode> => {
      if (!isUnstableRelation(relation, facts)) return relation;
      await refuseVirtual(run, node, [relation], context.withSeen);
      const query = context.withSeen(select([star()], relation, null));
      const staged = await stageRows(run, await plannedSql(run.statement, query));
      return { ...baseTable(staged.table), alias: relationName(relation) };
    };
    return { ...node, from_table: await mapRelations(from, stage) };
  }
  if (holds(from, isOperator) && needs.rows) {
    throw new Unplannable('an operator stands in a FROM whose rows are unstable');
  }
  return (await overStagedRows(run, node, context, needs)).over;
}

interface Needs {
  /**
   * True if the rows have to be staged: a condition, a sample, the order, or a value used with an operator may differ
   * each time.
   */
  readonly rows: boolean;
  /** True if a table, file or query in FROM may give other rows each time. */
  readonly relations: boolean;
  readonly ordersUnstably: boolean;
  /** Unstable expressions in items and conditions that hold operators; each occurrence has a value of its own. */
  readonly mixed: readonly SqlNode[];
}

function needsOf(node: SqlNode, { facts, isOperator }: Omit<SelectContext, 'withSeen'>): Needs {
  const plain = conjuncts(node['where_clause']).filter((part) => !holds(part, isOperator));
  const modifiers = nodesOf(node['modifiers']);
  const isLimited = modifiers.some(({ type }) => String(type).startsWith('LIMIT'));
  const isGrouped = nodesOf(node['group_expressions']).length > 0;
  const order = modifiers.find(({ type }) => type === 'ORDER_MODIFIER');
  const ordersUnstably =
    isLimited && !isGrouped && holds(order, (inner) => isVarying(inner, facts));
  const mixed: SqlNode[] = [];
  for (const part of [
    ...nodesOf(node['select_list']),
    ...conjuncts(node['where_clause']),
    ...(ordersUnstably ? [] : [{ order }]),
  ]) {
    if (holds(part, isOperator)) collect(part, facts, mixed);
  }
  const rows =
    ordersUnstably ||
    isNode(node['sample']) ||
    mixed.length > 0 ||
    holds(plain, (inner) => isVolatile(inner, facts));
  const relations = relationsOf(node['from_table']).some((relation) =>
    isUnstableRelation(relation, facts),
  );
  return { rows, relations, ordersUnstably, mixed };
}

function isUnstableRelation(relation: SqlNode, facts: FunctionFacts): boolean {
  if (relation['type'] !== 'SUBQUERY') return holds(relation, (one) => isVolatile(one, facts));
  return isNode(relation['sample']) || isUnstableQuery(relation['subquery'], facts);
}

function collect(value: unknown, facts: FunctionFacts, found: SqlNode[]): void {
  if (Array.isArray(value)) for (const item of value) collect(item, facts, found);
  if (!isNode(value) || value['class'] === 'LAMBDA' || value['class'] === 'SUBQUERY') return;
  if (isVarying(value, facts)) found.push(value);
  else for (const child of Object.values(value)) collect(child, facts, found);
}

/** Stages the rows that meet the plain conditions. Returns the SELECT over them. Throws Unplannable and RVB_SQL. */
export async function overStagedRows(
  run: SemanticQuery,
  node: SqlNode,
  { isOperator, withSeen }: Omit<SelectContext, 'facts'>,
  { mixed, ordersUnstably }: Pick<Needs, 'mixed' | 'ordersUnstably'>,
): Promise<{ readonly over: SqlNode; readonly staged: StagedRows }> {
  const relations = relationsOf(node['from_table']);
  const names = relations.map(relationName);
  const from = node['from_table'] as SqlNode;
  const isJoin = from['type'] === 'JOIN';
  if (relations.length === 0) throw new Unplannable('it reads no table');
  if (isJoin && !isSeparable(from, names)) throw new Unplannable('its joined tables share columns');
  const parts = conjuncts(node['where_clause']);
  const plain = parts.filter((part) => !holds(part, isOperator));
  const order = nodesOf(node['modifiers']).filter(({ type }) => type === 'ORDER_MODIFIER');
  if (isJoin) await refuseVirtual(run, node, relations, withSeen);
  const virtual = isJoin ? [] : await virtualColumns(run, node, from, withSeen);
  if (ordersUnstably && virtual.includes('rowid')) {
    throw new Unplannable('its rows are put in an unstable order, and have a rowid');
  }
  const beside = [
    ...virtual.map((name) => ({ ...columnRef(name), alias: name })),
    ...mixed.map((value, index) => ({ ...value, alias: `rvb_value_${index}` })),
  ];
  const rows = isJoin
    ? names.map((name, index) => ({ ...columnRef(name), alias: `rvb_row_${index}` }))
    : await columnsOf(run, node, withSeen);
  const hidden = [...(isJoin ? rows : []), ...beside].map(({ alias }) => String(alias));
  if (hidden.length > 0 && nodesOf(node['select_list']).some(isPattern)) {
    throw new Unplannable('COLUMNS stands in the select list');
  }
  const list = [...rows, ...beside];
  const query = withSeen({
    ...select(list.length > 0 ? list : [integer(1)], from, conjunction(plain)),
    modifiers: ordersUnstably ? order : [],
    sample: node['sample'],
  });
  const staged = await stageRows(run, await plannedSql(run.statement, query));
  if (isJoin && !rows.every((_, index) => staged.structs[index])) {
    throw new Unplannable('a table has a column of its own name');
  }
  const alias = isJoin ? STAGED : names[0]!;
  const table = { ...baseTable(staged.table), alias };
  const rest = conjunction(parts.filter((part) => !plain.includes(part)));
  const instead = new Map(
    mixed.map((value, index) => [value, columnRef(alias, `rvb_value_${index}`)]),
  );
  const over: Record<string, unknown> = { ...node, where_clause: rest, sample: null };
  over['from_table'] = isJoin ? unfolded(table, names) : table;
  for (const clause of ROW_CLAUSES) {
    over[clause] = mapTree(over[clause], (value) => instead.get(value));
  }
  over['select_list'] = nodesOf(over['select_list']).map((item) =>
    isJoin && item['relation_name'] !== '' ? item : withoutHidden(item, hidden),
  );
  if (ordersUnstably) {
    over['modifiers'] = nodesOf(over['modifiers']).map((modifier) =>
      modifier['type'] === 'ORDER_MODIFIER' ? byRowid(modifier, alias) : modifier,
    );
  }
  return { over, staged };
}

/** The columns that the SELECT names; all of them if it holds a `*`, or names the whole row. */
async function columnsOf(
  run: SemanticQuery,
  node: SqlNode,
  withSeen: SelectContext['withSeen'],
): Promise<readonly SqlNode[]> {
  const relation = relationName(node['from_table'] as SqlNode).toLowerCase();
  // The name of a table is a value, too: the whole row.
  const isWhole = ({ class: kind, column_names: parts }: SqlNode) =>
    kind === 'STAR' ||
    (Array.isArray(parts) && parts.length === 1 && String(parts[0]).toLowerCase() === relation);
  if (holds(node, isWhole)) return [star()];
  const named = new Set<string>();
  holds(node, ({ column_names: names }) => {
    if (Array.isArray(names)) for (const name of names) named.add(String(name).toLowerCase());
    return false;
  });
  const names = await columnNames(run, node['from_table'], withSeen);
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) return [star()];
  return names.filter((name) => named.has(name.toLowerCase())).map((name) => columnRef(name));
}

/** Whether each relation has a name of its own, and no join merges two columns into one. */
function isSeparable(from: SqlNode, names: readonly string[]): boolean {
  const isMerging = ({ type, ref_type: kind, using_columns: using }: SqlNode) =>
    type === 'JOIN' && (kind === 'NATURAL' || (Array.isArray(using) && using.length > 0));
  const distinct = new Set(names.map((name) => name.toLowerCase()));
  return !distinct.has('') && distinct.size === names.length && !holds(from, isMerging);
}

/** The staged rows of a join, with each relation's columns under its name again. */
function unfolded(table: SqlNode, names: readonly string[]): SqlNode {
  return names.reduce<SqlNode>((left, name, index) => {
    const row = columnRef(STAGED, `rvb_row_${index}`);
    const columns = select([functionCall('unnest', [row])], NO_TABLE, null);
    return {
      type: 'JOIN',
      alias: '',
      sample: null,
      query_location: 0,
      left,
      right: subquery(columns, [], name),
      condition: null,
      join_type: 'INNER',
      ref_type: 'CROSS',
      using_columns: [],
      delim_flipped: false,
      duplicate_eliminated_columns: [],
    };
  }, table);
}

/** A `*` without the helper columns that are staged beside the real columns. */
function withoutHidden(item: SqlNode, hidden: readonly string[]): SqlNode {
  if (item['class'] !== 'STAR' || hidden.length === 0) return item;
  const excluded = item['exclude_list'];
  return { ...item, exclude_list: [...(Array.isArray(excluded) ? excluded : []), ...hidden] };
}

/**
 * Whether an item stands for several columns and is not a `*`, such as COLUMNS: the helper columns cannot be kept out
 * of it.
 */
function isPattern(item: SqlNode): boolean {
  const isStar = item['class'] === 'STAR' && item['columns'] !== true && !isNode(item['expr']);
  return !isStar && holds(item, (node) => node['class'] === 'STAR');
}

/** An ORDER BY that keeps the order in which the rows were staged. */
function byRowid(modifier: SqlNode, table: string): SqlNode {
  const [order] = nodesOf(modifier['orders']);
  const expression = columnRef(table, 'rowid');
  return { ...modifier, orders: [{ ...order, type: 'ASCENDING', expression }] };
}

/** Notes for EXPLAIN why rows were staged. */
export function noteStaged({ report }: SemanticQuery, node: SqlNode, facts: FunctionFacts): void {
  const functions = new Set<string>();
  holds(node, (inner) => {
    if (inner['class'] === 'FUNCTION' && isVarying(inner, facts))
      functions.add(`${inner['function_name']}()`);
    return false;
  });
  const what = functions.size === 0 ? 'a sample, a LIMIT or a file' : [...functions].join(', ');
  report.staged = `what it reads may differ from run to run (${what}), so it is staged`;
}
