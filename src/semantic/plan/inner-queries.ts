/**
 * Stages the queries inside a query whose rows may differ from run to run, innermost first: files, samples, random
 * values, and a LIMIT. One with operators and a LIMIT is answered first, as a query of its own. An IN or EXISTS query with
 * operators is given the keys of the rows around it.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import type { FunctionFacts } from './function-facts.ts';
import { withLimitNumbers } from './limit-numbers.ts';
import { plannedSql } from './planned-sql.ts';
import { planSelect, type QueryRoot, rootOf, usesOf } from './query-plan.ts';
import {
  conjunction,
  conjuncts,
  hasLimit,
  holds,
  isNode,
  isReason,
  select,
  star,
} from './query-tree.ts';
import { mapRelations } from './relations.ts';
import { amongKeysOf, isAmong, semiFilterOf } from './semi-filters.ts';
import { noteStaged, type SelectContext, stabilise } from './stabilise.ts';
import { type StagedRows, selectStaged, stageRows } from './stage-rows.ts';
import { isUnstableQuery, isVarying, isVolatile } from './unstable.ts';
import { sameName, type WithQuery, withEntries, withSeen } from './with-queries.ts';

/** Answers a query that can stand by itself, and stages its rows. */
export type AnswerStaged = (query: SqlNode) => Promise<StagedRows>;

/** The statement's query over staged rows. Throws Unplannable where DuckDB gives no tree of it. */
export async function stagedQuery(
  run: SemanticQuery,
  facts: FunctionFacts,
  answerStaged: AnswerStaged,
): Promise<QueryRoot> {
  const root = rootOf(run.read);
  const isOpen = (node: SqlNode) => isVarying(node, facts) || isVolatile(node, facts);
  const node = await withLimitNumbers(run, root.node, isOpen);
  const inner = new InnerQueries(run, facts, answerStaged);
  return { ...root, node: await inner.staged(node, []) };
}

class InnerQueries {
  readonly #run: SemanticQuery;
  readonly #facts: FunctionFacts;
  readonly #answerStaged: AnswerStaged;
  readonly #isOperator: (node: SqlNode) => boolean;

  constructor(run: SemanticQuery, facts: FunctionFacts, answerStaged: AnswerStaged) {
    this.#run = run;
    this.#facts = facts;
    this.#answerStaged = answerStaged;
    const useOf = usesOf(run.read);
    this.#isOperator = (node) => useOf(node) !== undefined;
  }

  /** The query with its inner queries staged. `seen` are the WITH queries that it sees. */
  async staged(given: SqlNode, seen: readonly WithQuery[]): Promise<SqlNode> {
    if (!holds(given, this.#isOperator)) return given;
    const { node, all } = await this.#stagedWith(given, seen);
    if (node['type'] === 'SET_OPERATION_NODE') {
      const left = await this.#innerRows(node['left'] as SqlNode, all);
      return { ...node, left, right: await this.#innerRows(node['right'] as SqlNode, all) };
    }
    return node['type'] === 'SELECT_NODE' ? this.#stagedSelect(node, all) : node;
  }

  async #stagedWith(node: SqlNode, seen: readonly WithQuery[]) {
    const done: WithQuery[] = [];
    const others = () => seen.filter((one) => !done.some((own) => sameName(one, own)));
    for (const entry of withEntries(node)) {
      const value = entry['value'] as SqlNode;
      const query = value['query'] as SqlNode;
      const inner = query['node'] as SqlNode;
      const isRecursive = inner['type'] === 'RECURSIVE_CTE_NODE';
      const rows = isRecursive ? inner : await this.#rows(inner, [...others(), ...done]);
      done.push({ ...entry, value: { ...value, query: { ...query, node: rows } } });
    }
    if (done.length === 0) return { node, all: seen };
    return { node: { ...node, cte_map: { map: done } }, all: [...others(), ...done] };
  }

  /** A query that is read as a table. */
  async #rows(given: SqlNode, seen: readonly WithQuery[]): Promise<SqlNode> {
    const node = await this.staged(given, seen);
    if (!isUnstableQuery(node, this.#facts)) return node;
    return this.#orAsItIs(node, async () => {
      const query = withSeen(node, seen);
      if (hasLimit(node) && holds(node, this.#isOperator)) {
        return selectStaged(await this.#answerStaged(query));
      }
      noteStaged(this.#run, node, this.#facts);
      const { statement } = this.#run;
      return selectStaged(await stageRows(this.#run, await plannedSql(statement, query)));
    });
  }

  async #stagedSelect(given: SqlNode, seen: readonly WithQuery[]): Promise<SqlNode> {
    let node: SqlNode = {
      ...given,
      from_table: await mapRelations(given['from_table'], async (relation) => {
        const query = relation['subquery'];
        if (relation['type'] !== 'SUBQUERY' || !isNode(query)) return relation;
        const rows = await this.#innerRows(query['node'] as SqlNode, seen);
        return { ...relation, subquery: { ...query, node: rows } };
      }),
    };
    node = { ...node, where_clause: await this.#amongKeys(node, seen) };
    for (const key of ['select_list', 'where_clause', 'having', 'qualify']) {
      node = { ...node, [key]: await this.#expressions(node[key], seen) };
    }
    if (!holdsHere(node, this.#isOperator)) return node;
    const context: SelectContext = {
      facts: this.#facts,
      isOperator: this.#isOperator,
      withSeen: (inner) => withSeen(inner, seen),
    };
    return this.#orAsItIs(node, () => stabilise(this.#run, node, context));
  }

  /** A query in FROM, in an expression, or an arm of a set operation: a LIMIT over operators is answered, all else is left to its SELECT. */
  async #innerRows(given: SqlNode, seen: readonly WithQuery[]): Promise<SqlNode> {
    const isAnswered = hasLimit(given) && holds(given, this.#isOperator);
    return isAnswered ? this.#rows(given, seen) : this.staged(given, seen);
  }

  /** The WHERE in which each `IN` and `EXISTS` query with operators gives only keys that rows of this SELECT have. */
  async #amongKeys(node: SqlNode, seen: readonly WithQuery[]): Promise<SqlNode | null> {
    const isUnfit = (part: SqlNode) =>
      this.#isOperator(part) || isVarying(part, this.#facts) || isVolatile(part, this.#facts);
    const parts: SqlNode[] = [];
    for (const part of conjuncts(node['where_clause'])) {
      const filter = holds(part, this.#isOperator)
        ? await semiFilterOf(part, (from) => this.#columnsIn(from, seen))
        : undefined;
      const { key, query } = filter ?? {};
      const isKeyed =
        query !== undefined &&
        !holds([key, node['from_table'], query['select_list'], query['from_table']], isUnfit) &&
        planSelect(this.#run.read, { node: query, parameters: [] }, this.#facts).isRowByRow &&
        !hasLimit(query);
      parts.push(
        isKeyed ? isAmong({ ...filter!, query: amongKeysOf(filter!, node, isUnfit) }) : part,
      );
    }
    return conjunction(parts);
  }

  /** The names of the columns of a FROM; none if it cannot stand by itself. */
  async #columnsIn(from: unknown, seen: readonly WithQuery[]): Promise<ReadonlySet<string>> {
    const { statement } = this.#run;
    try {
      const all = withSeen(select([star()], from, null), seen);
      const { text, parameters } = await plannedSql(statement, all);
      const { signal } = statement.stop;
      const columns = await statement.session.describe(text, { parameters, signal });
      return new Set(columns.map(({ name }) => name.toLowerCase()));
    } catch (thrown) {
      if (!isReason(thrown)) throw thrown;
      return new Set();
    }
  }

  /** Expressions, and the queries in them. One that names columns of the query around it cannot stand by itself. */
  async #expressions(value: unknown, seen: readonly WithQuery[]): Promise<unknown> {
    if (Array.isArray(value)) {
      const staged: unknown[] = [];
      for (const item of value) staged.push(await this.#expressions(item, seen));
      return staged;
    }
    if (!isNode(value) || !holds(value, this.#isOperator)) return value;
    const copy: Record<string, unknown> = {};
    for (const [key, child] of Object.entries(value)) {
      const isQuery = value['class'] === 'SUBQUERY' && key === 'subquery' && isNode(child);
      copy[key] = isQuery
        ? { ...child, node: await this.#innerRows(child['node'] as SqlNode, seen) }
        : await this.#expressions(child, seen);
    }
    return copy;
  }

  /** The result of `work`; the query as it is if it cannot be staged by itself. */
  async #orAsItIs(node: SqlNode, work: () => Promise<SqlNode>): Promise<SqlNode> {
    try {
      return await work();
    } catch (thrown) {
      if (!isReason(thrown)) throw thrown;
      this.#run.report.reason = thrown.message.split('\n')[0] ?? '';
      return node;
    }
  }
}

/** Whether a SELECT's own expressions hold such a node; queries inside them do not count. */
function holdsHere(node: SqlNode, test: (node: SqlNode) => boolean): boolean {
  const clauses = ['select_list', 'where_clause', 'group_expressions', 'having', 'qualify'];
  const inOwn = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(inOwn);
    if (!isNode(value) || value['class'] === 'SUBQUERY') return false;
    return test(value) || Object.values(value).some(inOwn);
  };
  return [...clauses, 'modifiers'].some((key) => inOwn(node[key]));
}
