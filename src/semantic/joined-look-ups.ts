/** Several look-ups of one value in a SELECT as a single join: DuckDB plans each scalar subquery as a join of its own. */
import type { SqlNode } from '../duck/parse-sql.ts';
import { nextStageName } from '../duck/stage.ts';
import { NATIVE_TYPES } from './native-types.ts';
import {
  baseTable,
  columnRef,
  holds,
  isNode,
  nodesOf,
  scalarSubquery,
  select,
  star,
  subquery,
} from './query-tree.ts';
import { relationName } from './relations.ts';
import { type OperatorUse, typeOfUse } from './use.ts';

/** The column that a row of answers is found by. */
export const ANSWER_KEY = 'rvb_key';

/** A column of answers: what an operator gives for these criteria. */
export interface AnswerColumn {
  readonly use: OperatorUse;
  readonly criteria: readonly string[];
}

/** A table of answers that a joined query reads: `rvb_key`, and `rvb_answer_0` and so on. */
export interface AnswerColumns {
  readonly table: string;
  readonly keyType: string;
  readonly columns: AnswerColumn[];
}

export interface JoinedLookUps {
  readonly node: SqlNode;
  readonly tables: readonly AnswerColumns[];
  /** Whether a function is still looked up at some place of its own. */
  readonly isLeft: (use: OperatorUse) => boolean;
}

/** Own clauses of a SELECT, in which a look-up reads the rows of its FROM. */
const CLAUSES = ['select_list', 'where_clause', 'having', 'qualify', 'modifiers'];

export function answerColumn(index: number): string {
  return `rvb_answer_${index}`;
}

/** Whether the operator's answers are told apart by a first argument and by texts. */
export function hasCriteria({ book: { operator } }: OperatorUse): boolean {
  const others = operator.args.slice(1);
  return !operator.symmetric && others.every(({ type }) => type.toUpperCase() === 'VARCHAR');
}

/**
 * The query with the look-ups joined in each SELECT over a single relation that looks a column up more than once;
 * undefined where there is none. The function is still called for what the join does not find.
 */
export function joinLookUps(
  root: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
): JoinedLookUps | undefined {
  const tables: AnswerColumns[] = [];
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isNode(value)) return value;
    const isOpen = value['type'] === 'SELECT_NODE' && (value === root || isNamed(value, useOf));
    const node = isOpen ? joinedSelect(value, useOf, tables) : value;
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]));
  };
  const node = walk(root) as SqlNode;
  if (tables.length === 0) return undefined;
  return { node, tables, isLeft: (use) => holds(node, (one) => useOf(one) === use) };
}

/** Whether no column of the query has a name that DuckDB makes of how an operator is written. */
function isNamed(node: SqlNode, useOf: (node: SqlNode) => OperatorUse | undefined): boolean {
  const isOperator = (one: SqlNode) => useOf(one) !== undefined;
  return nodesOf(node['select_list']).every(
    (item) => item['alias'] !== '' || !holds(item, isOperator),
  );
}

function joinedSelect(
  node: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
  tables: AnswerColumns[],
): SqlNode {
  const from = node['from_table'];
  if (!isNode(from) || from['type'] === 'JOIN' || from['type'] === 'EMPTY') return node;
  const name = relationName(from);
  const aliases = nodesOf(node['select_list']).map(({ alias }) => String(alias).toLowerCase());
  const lookUps = nodesIn(node)
    .flatMap((one) => lookUpOf(one, useOf, name) ?? [])
    // ORDER BY may mean the item of the select list.
    .filter(({ column }) => !aliases.includes(column));
  const keys = lookUps.map(({ key }) => key);
  const several = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  if (name === '' || several.size === 0 || readsWholeRows(node, name)) return node;
  const groups = new Map<
    string,
    AnswerColumns & { readonly found: string; readonly value: SqlNode }
  >();
  for (const { key, value, use } of lookUps) {
    if (!several.has(key) || groups.has(key)) continue;
    const table = nextStageName();
    const keyType = use.book.operator.args[0]!.type.toUpperCase();
    groups.set(key, { table, keyType, columns: [], found: `${table}_found`, value });
  }
  const replaced = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replaced);
    if (!isNode(value) || value['class'] === 'SUBQUERY' || value['class'] === 'LAMBDA')
      return value;
    const lookUp = lookUpOf(value, useOf, name);
    const group = lookUp === undefined ? undefined : groups.get(lookUp.key);
    if (lookUp !== undefined && group !== undefined) {
      const field = answerColumn(columnIn(group.columns, lookUp));
      return {
        ...coalesce([columnRef(group.found, field), missing(value, lookUp.use)]),
        alias: value['alias'],
      };
    }
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, replaced(child)]));
  };
  const clauses = Object.fromEntries(CLAUSES.map((key) => [key, replaced(node[key])]));
  const all = [...groups.values()];
  tables.push(...all);
  const found = all.map((group) => ({ ...scalarSubquery(foundIn(group)), alias: group.found }));
  const rows = select([star(), ...found], from, null);
  const hidden = all.map((group) => group.found);
  return {
    ...node,
    ...clauses,
    select_list: nodesOf(clauses['select_list']).map((item) => withoutColumns(item, hidden)),
    from_table: subquery(rows, [], name),
  };
}

interface LookUp extends AnswerColumn {
  /** The same for look-ups that one join can find. */
  readonly key: string;
  readonly value: SqlNode;
  readonly column: string;
}

/** A look-up of a column for literal criteria: the column is there for every row, whatever a condition says. */
function lookUpOf(
  node: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
  relation: string,
): LookUp | undefined {
  const use = useOf(node);
  if (use === undefined || !hasCriteria(use)) return undefined;
  const types = [typeOfUse(use), ...use.book.operator.args.map(({ type }) => type.toUpperCase())];
  const [value, ...others] = nodesOf(node['children']);
  const isWhole =
    others.length === types.length - 2 && types.every((type) => NATIVE_TYPES.has(type));
  const parts = value?.['class'] === 'COLUMN_REF' ? (value['column_names'] as string[]) : [];
  const isOwn = parts.length === 1 || (parts.length === 2 && isSame(parts[0]!, relation));
  const criteria = others.flatMap((other) => literalText(other) ?? []);
  if (!isWhole || !isOwn || value === undefined || criteria.length < others.length)
    return undefined;
  const column = parts.at(-1)!.toLowerCase();
  return { use, criteria, key: JSON.stringify([types[1], column]), value, column };
}

function columnIn(columns: AnswerColumn[], { use, criteria }: LookUp): number {
  const text = JSON.stringify(criteria);
  const isIt = (one: AnswerColumn) => one.use === use && JSON.stringify(one.criteria) === text;
  const index = columns.findIndex(isIt);
  if (index >= 0) return index;
  return columns.push({ use, criteria }) - 1;
}

/** The answers to a value, as a struct. Its columns are known once all look-ups have been seen. */
function foundIn(group: AnswerColumns & { readonly value: SqlNode }): SqlNode {
  const fields = group.columns.map((_, index) => ({
    ...columnRef(answerColumn(index)),
    alias: answerColumn(index),
  }));
  return select(
    [call('struct_pack', fields)],
    baseTable(group.table),
    equal(columnRef(ANSWER_KEY), { ...group.value, alias: '' }),
  );
}

/** Nodes of a SELECT's own clauses. */
function nodesIn(node: SqlNode): readonly SqlNode[] {
  const found: SqlNode[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isNode(value) && value['class'] !== 'SUBQUERY' && value['class'] !== 'LAMBDA') {
      found.push(value);
      Object.values(value).forEach(walk);
    }
  };
  for (const key of CLAUSES) walk(node[key]);
  return found;
}

/** Whether something reads all columns at once, other than a `*` that stands by itself: it would read the answers as well. */
function readsWholeRows(node: SqlNode, relation: string): boolean {
  const stars = nodesOf(node['select_list']).filter((item) => item['class'] === 'STAR');
  const clauses = CLAUSES.map((key) => node[key]);
  return holds(clauses, (one) => {
    if (one['class'] === 'STAR')
      return !stars.includes(one) || isNode(one['expr']) || one['columns'] === true;
    const parts = one['class'] === 'COLUMN_REF' ? (one['column_names'] as string[]) : [];
    return parts.length === 1 && isSame(parts[0]!, relation);
  });
}

function withoutColumns(item: SqlNode, hidden: readonly string[]): SqlNode {
  if (item['class'] !== 'STAR') return item;
  return { ...item, exclude_list: [...((item['exclude_list'] ?? []) as string[]), ...hidden] };
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function literalText(node: SqlNode): string | undefined {
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  if (!isNode(value) || value['is_null'] !== false) return undefined;
  return typeof value['value'] === 'string' ? value['value'] : undefined;
}

/** The operator as the function that is called for what is not found. */
function missing(condition: SqlNode, { names }: OperatorUse): SqlNode {
  return { ...condition, function_name: names.miss, is_operator: false, alias: '' };
}

function coalesce(children: readonly SqlNode[]): SqlNode {
  return { class: 'OPERATOR', type: 'OPERATOR_COALESCE', alias: '', query_location: 0, children };
}

function equal(left: SqlNode, right: SqlNode): SqlNode {
  return { class: 'COMPARISON', type: 'COMPARE_EQUAL', alias: '', query_location: 0, left, right };
}

function call(name: string, children: readonly SqlNode[]): SqlNode {
  return {
    class: 'FUNCTION',
    type: 'FUNCTION',
    alias: '',
    query_location: 0,
    function_name: name,
    schema: '',
    children,
    filter: null,
    order_bys: { type: 'ORDER_MODIFIER', orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: '',
  };
}
