/** Queries within a query: innermost first, each is planned as a query of its own, with the WITH queries that it sees. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { fillAnswers } from '../judge/fill-answers.ts';
import { keysFound } from '../judge/key-rounds.ts';
import { chained, lazySelect, type NodeTests } from '../judge/lazy-condition.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { flattened } from './flatten.ts';
import type { FunctionFacts } from './function-facts.ts';
import { canDefer, whereOf } from './planned-query.ts';
import { mayStop, withPlannedSelect } from './planned-select.ts';
import { plannedSql } from './planned-sql.ts';
import { pushedConditions, type Relation } from './pushed-conditions.ts';
import { planSelect, type QueryPlan, type QueryRoot, rootOf, usesOf } from './query-plan.ts';
import {
  conjunction,
  conjuncts,
  hasLimit,
  holds,
  integer,
  isNode,
  isReason,
  limited,
  nodesOf,
} from './query-tree.ts';
import { mapRelations, relationName, relationsOf } from './relations.ts';
import { amongKeysOf, isAmong, semiFilterOf } from './semi-filters.ts';
import { type ArmContext, readySetOperation } from './set-operations.ts';
import { noteStaged, type SelectContext, stabilise } from './stabilise.ts';
import { selectStaged, stageRows } from './stage-rows.ts';
import { isUnstableQuery, isVarying, isVolatile } from './unstable.ts';
import {
  hasColumnNames,
  isReference,
  referencesTo,
  sameName,
  type WithQuery,
  withSeen,
} from './with-queries.ts';

/** Where a query stands. */
interface QueryPlace {
  /** WITH queries around it. */
  readonly seen: readonly WithQuery[];
  /** The query around it and what it is called there. */
  readonly around?: {
    readonly node: SqlNode;
    readonly hints: readonly SqlNode[];
    readonly relation: Relation;
  };
}

/**
 * The statement's query, ready for its outermost SELECT to be planned: what the queries in it need is asked, unstable
 * input staged. `names` are its columns'. Throws Unplannable where DuckDB gives no tree of it.
 */
export async function readyQuery(
  run: SemanticQuery,
  facts: FunctionFacts,
  names: readonly string[],
): Promise<QueryRoot> {
  const root = rootOf(run.read);
  const inner = new InnerQueries(run, facts, root.parameters);
  return { ...root, node: await inner.ready(root.node, { seen: [] }, names) };
}

class InnerQueries {
  readonly #run: SemanticQuery;
  readonly #facts: FunctionFacts;
  readonly #parameters: unknown;
  readonly #tests: NodeTests;

  constructor(run: SemanticQuery, facts: FunctionFacts, parameters: unknown) {
    this.#run = run;
    this.#facts = facts;
    this.#parameters = parameters;
    const useOf = usesOf(run.read);
    this.#tests = {
      isOperator: (node) => useOf(node) !== undefined,
      isUnstable: (node) => isVarying(node, facts) || isVolatile(node, facts),
    };
  }

  /** `names` are the outermost query's columns: its SELECT is planned by whoever asks for it. */
  async ready(given: SqlNode, place: QueryPlace, names?: readonly string[]): Promise<SqlNode> {
    if (!holds(given, this.#tests.isOperator)) return given;
    const planOf = (node: SqlNode) => this.#planOf(node);
    const node =
      given['type'] === 'SELECT_NODE' ? flattened(given, { ...this.#tests, planOf }) : given;
    const { node: withQueries, seen } = await this.#readyWith(node, place);
    if (node['type'] === 'SELECT_NODE') {
      return this.#readySelect(withQueries, { ...place, seen }, names);
    }
    if (node['type'] !== 'SET_OPERATION_NODE') return node;
    const arms: ArmContext = {
      run: this.#run,
      tests: { ...this.#tests, planOf },
      seen,
      ready: (arm) => this.ready(arm, { seen }),
    };
    return readySetOperation(withQueries, arms);
  }

  /** The query with those of its WITH ready, and all that it sees. */
  async #readyWith(
    node: SqlNode,
    { seen }: QueryPlace,
  ): Promise<{ readonly node: SqlNode; readonly seen: readonly WithQuery[] }> {
    const map = node['cte_map'];
    const entries = isNode(map) ? nodesOf(map['map']) : [];
    if (entries.length === 0) return { node, seen };
    const done: WithQuery[] = [];
    const all = () => [...seen.filter((one) => !done.some((own) => sameName(one, own))), ...done];
    for (const entry of entries) {
      const value = entry['value'] as SqlNode;
      const query = value['query'] as SqlNode;
      const uses = referencesTo(node, String(entry['key']));
      const relation = uses === 1 ? this.#relationOf(node, entry) : undefined;
      const inner = query['node'] as SqlNode;
      const isRead = uses > 0 && inner['type'] !== 'RECURSIVE_CTE_NODE';
      const ready = isRead
        ? await this.#readyRows(inner, {
            seen: all(),
            ...(relation === undefined ? {} : { around: { node, hints: [], relation } }),
          })
        : inner;
      done.push({ ...entry, value: { ...value, query: { ...query, node: ready } } });
    }
    return { node: { ...node, cte_map: { ...(map as SqlNode), map: done } }, seen: all() };
  }

  /** What a WITH query is in the FROM of the SELECT that it belongs to. */
  #relationOf(node: SqlNode, entry: WithQuery): Relation | undefined {
    const aliases = (entry['value'] as SqlNode)['aliases'];
    if (node['type'] !== 'SELECT_NODE' || (Array.isArray(aliases) && aliases.length > 0)) {
      return undefined;
    }
    const relations = relationsOf(node['from_table']);
    const relation = relations.find((one) => isReference(one, String(entry['key'])));
    if (relation === undefined || hasColumnNames(relation)) return undefined;
    return { name: relationName(relation), isAlone: relations.length === 1 };
  }

  /** A query that is read as a table: ready, and staged where its rows would differ from run to run. */
  async #readyRows(node: SqlNode, place: QueryPlace): Promise<SqlNode> {
    const ready = await this.ready(node, place);
    if (!isUnstableQuery(ready, this.#facts)) return ready;
    return this.#orAsItIs(ready, async () => {
      noteStaged(this.#run, ready, this.#facts);
      const query = await plannedSql(this.#run.statement, withSeen(ready, place.seen));
      return selectStaged(await stageRows(this.#run, query));
    });
  }

  async #readySelect(
    given: SqlNode,
    place: QueryPlace,
    names: readonly string[] | undefined,
  ): Promise<SqlNode> {
    const { seen, around } = place;
    const { isOperator } = this.#tests;
    const relations = relationsOf(given['from_table']);
    const hints = around === undefined ? [] : this.#hints(given, around);
    let node: SqlNode = {
      ...given,
      from_table: await mapRelations(given['from_table'], async (relation) => {
        const query = relation['subquery'];
        if (relation['type'] !== 'SUBQUERY' || !isNode(query)) return relation;
        const place = {
          seen,
          ...(hasColumnNames(relation)
            ? {}
            : {
                around: {
                  node: given,
                  hints,
                  relation: { name: relationName(relation), isAlone: relations.length === 1 },
                },
              }),
        };
        const ready = await this.ready(query['node'] as SqlNode, place);
        return { ...relation, subquery: { ...query, node: ready } };
      }),
    };
    node = { ...node, where_clause: await this.#readyFilters(node, seen) };
    for (const key of ['select_list', 'where_clause', 'having', 'qualify']) {
      node = { ...node, [key]: await this.#readyExpressions(node[key], seen) };
    }
    if (ownExpressions(node, isOperator)) {
      const context: SelectContext = {
        facts: this.#facts,
        isOperator,
        withSeen: (inner) => withSeen(inner, seen),
      };
      node = await this.#orAsItIs(node, () => stabilise(this.#run, node, context));
    }
    node = lazySelect(node, this.#tests, names);
    return names === undefined ? this.#planned(node, seen, hints) : node;
  }

  /** Asks what the SELECT's conditions need, by itself; under a LIMIT its rows are found and kept. */
  #planned(node: SqlNode, seen: readonly WithQuery[], hints: readonly SqlNode[]): Promise<SqlNode> {
    if (!ownExpressions(node, this.#tests.isOperator)) return Promise.resolve(node);
    return this.#orAsItIs(chained(node, this.#tests), async () => {
      const plan = { ...this.#planOf(withSeen(node, seen)), hints };
      if (mayStop(plan) || canDefer(plan)) return this.#limited(plan);
      const order = await fillAnswers(this.#run, plan);
      if (order.length === 0) return node;
      return { ...node, where_clause: whereOf(plan, order) };
    });
  }

  async #limited(plan: QueryPlan): Promise<SqlNode> {
    const { statement } = this.#run;
    const whole = await plannedSql(statement, plan.node);
    const columns = await statement.session.describe(whole.text, {
      parameters: whole.parameters,
      signal: statement.stop.signal,
    });
    const names = columns.map(({ name }) => name);
    return selectStaged(await stageSelect(this.#run, plan, names));
  }

  #hints(given: SqlNode, around: NonNullable<QueryPlace['around']>): readonly SqlNode[] {
    const { isOperator, isUnstable } = this.#tests;
    const isFixed = (node: SqlNode) => isOperator(node) || isUnstable(node);
    return pushedConditions(around, around.relation, this.#planOf(given), isFixed);
  }

  /** The WHERE, with those queries in it answered of which only the keys are needed that rows of this SELECT have. */
  async #readyFilters(node: SqlNode, seen: readonly WithQuery[]): Promise<unknown> {
    const { isOperator, isUnstable } = this.#tests;
    const parts: SqlNode[] = [];
    for (const part of conjuncts(node['where_clause'])) {
      const filter = holds(part, isOperator) ? semiFilterOf(part) : undefined;
      const isFixed = (inner: SqlNode) => isOperator(inner) || isUnstable(inner);
      const isStable = !holds([filter?.key, node['from_table']], isFixed);
      const ready =
        filter === undefined || !isStable || holds(filter.query, isUnstable)
          ? part
          : await this.#orAsItIs(part, async () => {
              const query = amongKeysOf(filter, node, isFixed);
              const plan = this.#planOf(withSeen(lazySelect(query, this.#tests), seen));
              if (!canBeKeyed(plan)) return part;
              return isAmong({ ...filter, query: await keysFound(this.#run, plan) });
            });
      parts.push(ready);
    }
    return conjunction(parts);
  }

  /** Queries within expressions; one that names columns from around it binds only there, and is left to be asked as it is met. */
  async #readyExpressions(value: unknown, seen: readonly WithQuery[]): Promise<unknown> {
    if (Array.isArray(value)) {
      const ready: unknown[] = [];
      for (const item of value) ready.push(await this.#readyExpressions(item, seen));
      return ready;
    }
    if (!isNode(value) || !holds(value, this.#tests.isOperator)) return value;
    const copy: Record<string, unknown> = {};
    for (const [key, child] of Object.entries(value)) {
      const isQuery = value['class'] === 'SUBQUERY' && key === 'subquery' && isNode(child);
      copy[key] = isQuery
        ? { ...child, node: await this.#readyInner(value, child['node'] as SqlNode, seen) }
        : await this.#readyExpressions(child, seen);
    }
    return copy;
  }

  /** The first row that EXISTS finds says it all. */
  async #readyInner(
    { subquery_type: type }: SqlNode,
    query: SqlNode,
    seen: readonly WithQuery[],
  ): Promise<SqlNode> {
    if (type === 'EXISTS' && !hasLimit(query)) {
      const ready = await this.ready(limited(query, integer(1)), { seen });
      if (!holds(ready, this.#tests.isOperator)) return ready;
    }
    return this.ready(query, { seen });
  }

  #planOf(node: SqlNode): QueryPlan {
    const root = { node, parameters: this.#parameters };
    return planSelect(this.#run.read, root, this.#facts.scalars);
  }

  /** What `work` gives; the query as it is where it cannot be planned by itself. */
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

/** Rows of its FROM, by conditions that ask, under a key that does not. */
function canBeKeyed({ node, semantic, isRowByRow, isOperator, limit }: QueryPlan): boolean {
  const asksElsewhere = holds([node['select_list'], node['from_table']], isOperator);
  return isRowByRow && semantic.length > 0 && limit === undefined && !asksElsewhere;
}

/** The rows that a SELECT with a LIMIT gives. */
export async function stageSelect(run: SemanticQuery, plan: QueryPlan, names: readonly string[]) {
  const found = await withPlannedSelect(run, plan, names, async ({ query, isStopped }) => {
    const staged = await stageRows(run, query ?? (await plannedSql(run.statement, plan.node)));
    const isShort = isStopped && staged.rowCount < plan.rowsWanted! - plan.rowsSkipped;
    return isShort ? undefined : staged;
  });
  // Rows that were certain are gone: the input has changed since.
  return found ?? stageRows(run, await plannedSql(run.statement, plan.node));
}

/** Whether a SELECT's own expressions hold such a node, those of queries within it apart. */
function ownExpressions(node: SqlNode, test: (node: SqlNode) => boolean): boolean {
  const clauses = ['select_list', 'where_clause', 'group_expressions', 'having', 'qualify'];
  const inOwn = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(inOwn);
    if (!isNode(value) || value['class'] === 'SUBQUERY') return false;
    return test(value) || Object.values(value).some(inOwn);
  };
  return [...clauses, 'modifiers'].some((key) => inOwn(node[key]));
}
