/**
 * Turns several look-ups of one value in a SELECT into a single join: DuckDB would plan each scalar subquery as a join
 * of its own.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { nextStageName } from '../../duck/stage.ts';
import {
  baseTable,
  columnRef,
  conjunction,
  functionCall,
  holds,
  isNode,
  mapTree,
  nodesOf,
  scalarSubquery,
  select,
  star,
  subquery,
} from '../plan/query-tree.ts';
import { relationName } from '../plan/relations.ts';
import { coalesce } from '../plan/tree-logic.ts';
import type { OperatorUse } from '../read/use.ts';
import {
  ANSWER_KEY,
  type AnswerColumns,
  answerColumn,
  columnIn,
  isSame,
  lookUpOf,
} from './answer-columns.ts';
import { overAnswers } from './over-answers.ts';

/** A query whose look-ups are joined, and the tables of answers that it reads. */
export interface JoinedLookUps {
  readonly node: SqlNode;
  readonly tables: readonly AnswerColumns[];
  /** Whether some call of this function is left that the joins do not replace. */
  readonly isLeft: (use: OperatorUse) => boolean;
}

/** Clauses of a SELECT in which a look-up reads the rows of its FROM. */
const CLAUSES = ['select_list', 'where_clause', 'having', 'qualify', 'modifiers'];

/**
 * Joins the look-ups in each SELECT over a single relation that looks a column up more than once; undefined if there is
 * no such SELECT. The function is still called for answers that the join does not find.
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

/** Whether no column is named by DuckDB after the text of an operator. */
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
  const lookUps = nodesIn(CLAUSES.map((key) => node[key]))
    .flatMap((one) => lookUpOf(one, useOf, name) ?? [])
    // ORDER BY may mean the item of the select list.
    .filter(({ column }) => !aliases.includes(column));
  const keys = lookUps.map(({ key }) => key);
  const several = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  if (name === '' || several.size === 0 || readsWholeRows(node, name)) return node;
  const groups = new Map<string, Group>();
  for (const { key, value, use } of lookUps) {
    if (!several.has(key) || groups.has(key)) continue;
    const table = nextStageName();
    const keyType = use.book.operator.args[0]!.type.toUpperCase();
    groups.set(key, { table, keyType, columns: [], found: `${table}_found`, value, fields: [] });
  }
  const groupOf = (one: SqlNode) => groups.get(lookUpOf(one, useOf, name)?.key ?? '');
  /** The group of the value whose answers the expression is made of, if it is made of nothing else. */
  const madeOf = (one: SqlNode, isFilter: boolean): Group | undefined => {
    const found = nodesIn([one])
      .map(groupOf)
      .find((group) => group !== undefined);
    const isIts = (part: SqlNode) => (groupOf(part) === found ? part : undefined);
    return found && overAnswers(one, isIts, isFilter) && found;
  };
  /** The expression as a field of the join's result. */
  const joined = (one: SqlNode, isFilter: boolean): SqlNode | undefined => {
    const found = madeOf(one, isFilter);
    if (found === undefined) return undefined;
    const columnOf = (part: SqlNode) => {
      const lookUp = lookUpOf(part, useOf, name);
      return lookUp && columnRef(answerColumn(columnIn(found.columns, lookUp)));
    };
    const answers = overAnswers(one, columnOf, isFilter)!;
    const field = `rvb_field_${placeIn(found.fields, { ...answers, alias: '' })}`;
    const asked = coalesce([columnRef(found.found, field), missing(one, useOf) as SqlNode]);
    return { ...asked, alias: one['alias'] ?? '' };
  };
  const replaced = (value: unknown, isFilter: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => replaced(item, isFilter));
    if (!isNode(value) || value['class'] === 'SUBQUERY' || value['class'] === 'LAMBDA')
      return value;
    const whole = joined(value, isFilter);
    if (whole !== undefined) return whole;
    const isAnd = value['type'] === 'CONJUNCTION_AND';
    return Object.fromEntries(
      Object.entries(isAnd ? together(value, (part) => madeOf(part, isFilter)) : value).map(
        ([key, child]) => [key, replaced(child, isFilter && isAnd)],
      ),
    );
  };
  const structs = CLAUSES.map((key) => replaced(node[key], key === 'where_clause'));
  const clauses = Object.fromEntries(
    CLAUSES.map((key, index) => [key, withoutStructs(structs[index], [...groups.values()])]),
  );
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

/** The result of one join. */
interface Group extends AnswerColumns {
  /** The column of the rows that holds the result. */
  readonly found: string;
  /** The fields of the result, over the table's columns. Several fields make a struct. */
  readonly fields: SqlNode[];
  readonly value: SqlNode;
}

/** The clauses with the column itself in place of a struct's only field: a struct takes longer. */
function withoutStructs(value: unknown, groups: readonly Group[]): unknown {
  return mapTree(value, (node) => {
    if (node['class'] !== 'COLUMN_REF') return undefined;
    const [first] = node['column_names'] as string[];
    const isSingle = groups.some(({ found, fields }) => found === first && fields.length === 1);
    return isSingle ? { ...columnRef(first!), alias: node['alias'] } : node;
  });
}

/**
 * The query of one join's result: several fields make a struct. It is built last, when all look-ups have added their
 * fields.
 */
function foundIn({ fields, table, value }: Group): SqlNode {
  const [only, ...more] = fields;
  if (only !== undefined && more.length === 0) {
    return select([only], baseTable(table), equal(columnRef(ANSWER_KEY), { ...value, alias: '' }));
  }
  return select(
    [
      functionCall(
        'struct_pack',
        fields.map((field, index) => ({ ...field, alias: `rvb_field_${index}` })),
      ),
    ],
    baseTable(table),
    equal(columnRef(ANSWER_KEY), { ...value, alias: '' }),
  );
}

function placeIn(fields: SqlNode[], field: SqlNode): number {
  const text = JSON.stringify(field);
  const index = fields.findIndex((one) => JSON.stringify(one) === text);
  return index >= 0 ? index : fields.push(field) - 1;
}

/** The AND with the parts that are made of one value's answers grouped together. */
function together(and: SqlNode, madeOf: (part: SqlNode) => Group | undefined): SqlNode {
  const parts = nodesOf(and['children']);
  const group = parts.map(madeOf).find((found) => found !== undefined);
  const some = parts.filter((part) => group !== undefined && madeOf(part) === group);
  if (some.length < 2) return and;
  return { ...and, children: [...parts.filter((part) => !some.includes(part)), conjunction(some)] };
}

/** All nodes of the expressions, without those of queries and lambdas in them. */
function nodesIn(expressions: readonly unknown[]): readonly SqlNode[] {
  const found: SqlNode[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isNode(value) && value['class'] !== 'SUBQUERY' && value['class'] !== 'LAMBDA') {
      found.push(value);
      Object.values(value).forEach(walk);
    }
  };
  walk(expressions);
  return found;
}

/** Whether something other than a plain `*` reads all columns at once: it would read the answers as well. */
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

/** The expression with the functions that are called for missing answers. */
function missing(value: unknown, useOf: (node: SqlNode) => OperatorUse | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => missing(item, useOf));
  if (!isNode(value)) return value;
  const use = useOf(value);
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, missing(child, useOf)]),
  );
  if (use === undefined) return { ...copy };
  return { ...copy, function_name: use.names.miss, is_operator: false, alias: '' };
}

function equal(left: SqlNode, right: SqlNode): SqlNode {
  return { class: 'COMPARISON', type: 'COMPARE_EQUAL', alias: '', query_location: 0, left, right };
}
