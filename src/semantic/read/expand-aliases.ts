/**
 * Replaces an alias by its expression: DuckDB does not let an expression name the alias of a volatile one, and the
 * operators' functions are volatile.
 */
import { type SqlNode, treeToSql } from '../../duck/parse-sql.ts';
import { RvbbitError } from '../../errors.ts';
import type { Statement } from '../../execute/statement.ts';
import { usesOf } from '../plan/query-plan.ts';
import { holds, mapTree, NO_TABLE, nodesOf, select } from '../plan/query-tree.ts';
import type { SemanticStatement } from './read-statement.ts';
import { withTree } from './with-tree.ts';

/** Clauses beside the select list that may name one of its items. */
const CLAUSES = ['where_clause', 'having', 'qualify', 'modifiers'];

/**
 * The statement with an item's expression in place of the alias that DuckDB's binder refused. Undefined for any other
 * error, or where not exactly one item of one SELECT has the alias.
 */
export async function withAliasExpanded(
  read: SemanticStatement,
  thrown: unknown,
  statement: Statement,
): Promise<SemanticStatement | undefined> {
  const alias = refusedAlias(thrown);
  const [root, ...more] = read.tree ?? [];
  const { kind } = read.parts;
  if (alias === undefined || root === undefined || more.length > 0) return undefined;
  if (kind !== 'query' && kind !== 'around') return undefined;
  const useOf = usesOf(read);
  const asks = (item: SqlNode) => holds(item, (node) => useOf(node) !== undefined);
  const definers: SqlNode[] = [];
  holds(root, (node) => {
    if (node['type'] === 'SELECT_NODE' && itemsCalled(node, alias).some(asks)) definers.push(node);
    return false;
  });
  const [definer] = definers;
  if (definer === undefined || definers.length > 1) return undefined;
  const { session, stop } = statement;
  const { signal } = stop;
  const nameOf = async (item: SqlNode) => {
    const node = select([item], NO_TABLE, null);
    const text = await treeToSql(
      session,
      { node, named_param_map: root['named_param_map'] },
      signal,
    );
    return text.slice('SELECT '.length);
  };
  const expanded = await expandedIn(definer, alias, nameOf);
  if (expanded === undefined) return undefined;
  const tree = mapTree(root, (node) => (node === definer ? expanded : undefined)) as SqlNode;
  return withTree(read, tree, statement);
}

function refusedAlias(thrown: unknown): string | undefined {
  if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_SQL') return undefined;
  return /Alias "(.+)" referenced - but the expression has side effects/.exec(thrown.message)?.[1];
}

function itemsCalled(node: SqlNode, alias: string): readonly SqlNode[] {
  return nodesOf(node['select_list']).filter(
    (item) => String(item['alias']).toLowerCase() === alias.toLowerCase(),
  );
}

/** The SELECT without references to the alias; undefined if there are none, or several items have the alias. */
async function expandedIn(
  node: SqlNode,
  alias: string,
  nameOf: (item: SqlNode) => Promise<string>,
): Promise<SqlNode | undefined> {
  const [item, ...more] = itemsCalled(node, alias);
  if (item === undefined || more.length > 0) return undefined;
  let count = 0;
  const expand = (value: unknown) =>
    mapTree(value, (part) => {
      if (part['class'] === 'SUBQUERY') return part;
      if (!isAlias(part, alias)) return undefined;
      count += 1;
      return { ...item, alias: part['alias'] };
    });
  const copy: Record<string, unknown> = { ...node };
  const items = nodesOf(node['select_list']);
  const from = items.indexOf(item) + 1;
  const list = items.slice(0, from);
  for (const other of items.slice(from)) {
    const before = count;
    const expanded = expand(other) as SqlNode;
    const isUnnamed = count > before && String(other['alias']) === '';
    list.push(isUnnamed ? { ...expanded, alias: await nameOf(other) } : expanded);
  }
  copy['select_list'] = list;
  for (const key of CLAUSES) copy[key] = expand(node[key]);
  return count === 0 ? undefined : copy;
}

function isAlias(node: SqlNode, alias: string): boolean {
  const names = node['column_names'];
  if (node['class'] !== 'COLUMN_REF' || !Array.isArray(names) || names.length !== 1) return false;
  return String(names[0]).toLowerCase() === alias.toLowerCase();
}
