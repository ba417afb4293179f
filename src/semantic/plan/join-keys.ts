/**
 * Finds the rows of a query in FROM that its join can use: with `JOIN l ON q.a = l.b`, those whose `a` is a `b` of `l`.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { FlattenTests } from './flatten.ts';
import { type Around, expressionOf } from './pushed-conditions.ts';
import {
  columnRef,
  conjunction,
  conjuncts,
  holds,
  isNode,
  mapTree,
  nodesOf,
  select,
  star,
} from './query-tree.ts';
import { relationName } from './relations.ts';
import { isAmong } from './semi-filters.ts';
import { isReference, type WithQuery, withEntries } from './with-queries.ts';

/** The relation's rows count only where `column` is the `key` of a row of `other`. */
interface JoinKey {
  readonly column: string;
  readonly other: SqlNode;
  readonly key: SqlNode;
  /** Conditions that such a row of `other` meets, beside those that read other relations. */
  readonly conditions: readonly SqlNode[];
}

interface JoinContext extends FlattenTests {
  /** The WITH queries that the query sees. */
  readonly seen: readonly WithQuery[];
  /** The columns of a query; none if it cannot stand by itself. */
  readonly columnsOf: (query: SqlNode) => Promise<readonly { readonly name: string }[]>;
}

/** The query, limited to rows that the join around it can use. */
export async function withJoinKeys(
  given: SqlNode,
  { node, relation }: Around,
  { isOperator, isUnstable, planOf, seen, columnsOf }: JoinContext,
): Promise<SqlNode> {
  const isFixed = (part: SqlNode) => isOperator(part) || isUnstable(part);
  if (withEntries(given).length > 0 || holds(given, isUnstable)) return given;
  const plan = planOf(given);
  if (!plan.isRowByRow || plan.limit !== undefined) return given;
  const wanted: SqlNode[] = [];
  for (const { column, other, key, conditions } of joinKeysOf(node, relation.name)) {
    const own = expressionOf([relation.name, column], relation, plan);
    const read = withEntries(node).find((one) => isReference(other, String(one['key'])));
    const isSeen = read === undefined || (seen.includes(read) && !holds(read, isFixed));
    if (own?.['class'] !== 'COLUMN_REF' || !isSeen || holds(other, isFixed)) continue;
    const columns = await columnsOf(select([star()], other, null));
    const names = new Set(columns.map(({ name }) => name.toLowerCase()));
    const isOpen = (part: SqlNode) => isFixed(part) || part['class'] === 'SUBQUERY';
    const plain = conditions
      .filter((condition) => !holds(condition, isOpen))
      .map((condition) => conditionOver(condition, other, names))
      .filter((condition) => condition !== undefined);
    const query = select([key], other, conjunction(plain));
    if (columns.length > 0) wanted.push(isAmong({ key: own, query, form: 'IN' }));
  }
  if (wanted.length === 0) return given;
  const parts = [...conjuncts(given['where_clause']), ...wanted];
  const limited = { ...given, where_clause: conjunction(parts) };
  return (await columnsOf(limited)).length > 0 ? limited : given;
}

/** The join keys of the relation of this name in a SELECT. */
function joinKeysOf(select: SqlNode, name: string): readonly JoinKey[] {
  const { from_table: from } = select;
  const relations = allRelations(from);
  const called = (wanted: string) => relations.filter((one) => isCalled(one, wanted));
  if (!isPlainJoin(from) || called(name).length !== 1) return [];
  const where = conjuncts(select['where_clause']);
  const keyOf = (equality: SqlNode, beside: readonly SqlNode[]): JoinKey[] => {
    const { type, left, right } = equality;
    if (type !== 'COMPARE_EQUAL' || !isNode(left) || !isNode(right)) return [];
    const [own, key] = isColumnOf(left, name) ? [left, right] : [right, left];
    const [relation] = namesOf(key);
    const [other, ...more] = namesOf(key).length === 2 ? called(relation!) : [];
    if (!isColumnOf(own, name) || isColumnOf(key, name) || !other || more.length > 0) return [];
    // The WHERE may be met by the NULLs of an outer join in place of a row of the other relation.
    const conditions = beside === where || isNullable(from, other) ? beside : [...beside, ...where];
    return [{ column: namesOf(own)[1]!, other, key, conditions }];
  };
  return [...onsOf(from, name), where].flatMap((on) => on.flatMap((part) => keyOf(part, on)));
}

/** The condition with its columns qualified by the relation; undefined if it reads other columns than these. */
function conditionOver(
  condition: SqlNode,
  relation: SqlNode,
  columns: ReadonlySet<string>,
): SqlNode | undefined {
  let isOwn = true;
  const over = mapTree(condition, (part) => {
    if (part['class'] !== 'COLUMN_REF') return undefined;
    const names = namesOf(part);
    const column = names.at(-1)!;
    const isHere = names.length === 1 || isColumnOf(part, relationName(relation));
    if (!isHere || !columns.has(column.toLowerCase())) isOwn = false;
    return { ...part, column_names: [relationName(relation), column] };
  }) as SqlNode;
  return isOwn ? over : undefined;
}

/** The ON of each join that leaves out every row of the relation, or of its side, that does not meet it. */
function onsOf(from: unknown, name: string): readonly (readonly SqlNode[])[] {
  if (!isNode(from) || from['type'] !== 'JOIN') return [];
  const { left, right, join_type: type } = from;
  const isLeft = allRelations(left).some((one) => isCalled(one, name));
  const leavesOut = isLeft ? ['INNER', 'RIGHT', 'SEMI'] : ['INNER', 'LEFT', 'SEMI', 'ANTI'];
  const equalities = usingOf(from);
  const own = leavesOut.includes(String(type))
    ? [equalities.length > 0 ? equalities : conjuncts(from['condition'])]
    : [];
  return [...own, ...onsOf(isLeft ? left : right, name)];
}

/** The USING of a join of two relations, as equalities. */
function usingOf({ left, right, using_columns: using }: SqlNode): readonly SqlNode[] {
  if (!Array.isArray(using)) return [];
  return using.map((column) => ({
    class: 'COMPARISON',
    type: 'COMPARE_EQUAL',
    alias: '',
    query_location: 0,
    left: columnRef(relationName(left as SqlNode), column),
    right: columnRef(relationName(right as SqlNode), column),
  }));
}

/** Whether a join may give NULLs in place of a row of the relation, or hides it. */
function isNullable(from: unknown, relation: SqlNode): boolean {
  if (!isNode(from) || from['type'] !== 'JOIN') return false;
  const { left, right, join_type: type } = from;
  const isLeft = allRelations(left).includes(relation);
  const keeps = isLeft ? ['INNER', 'LEFT', 'SEMI', 'ANTI'] : ['INNER', 'RIGHT'];
  return !keeps.includes(String(type)) || isNullable(isLeft ? left : right, relation);
}

/** Whether each join pairs rows by its ON alone: ASOF and POSITIONAL would pair others if some were left out. */
function isPlainJoin(from: unknown): boolean {
  if (!isNode(from) || from['type'] !== 'JOIN') return true;
  const { left, right, ref_type: kind, using_columns: using, alias } = from;
  // A column of USING may stand for several tables where one side is a join too.
  const isSingle = [left, right].every((side) => isNode(side) && side['type'] !== 'JOIN');
  const isOn = Array.isArray(using) && (using.length === 0 || isSingle);
  const isPlain = kind === 'CROSS' || (kind === 'REGULAR' && isOn);
  return isPlain && alias === '' && isPlainJoin(left) && isPlainJoin(right);
}

/** The relations of a FROM, also those that a SEMI or ANTI join hides. */
function allRelations(from: unknown): readonly SqlNode[] {
  if (!isNode(from)) return [];
  if (from['type'] !== 'JOIN') return [from];
  return nodesOf([from['left'], from['right']]).flatMap(allRelations);
}

function isCalled(relation: SqlNode, name: string): boolean {
  return relationName(relation).toLowerCase() === name.toLowerCase();
}

function isColumnOf(node: SqlNode, relation: string): boolean {
  const names = namesOf(node);
  return names.length === 2 && names[0]!.toLowerCase() === relation.toLowerCase();
}

function namesOf({ column_names: names }: SqlNode): readonly string[] {
  return Array.isArray(names) ? names : [];
}
