/**
 * Plans the queries inside a query, innermost first: each is planned as a query of its own, with the WITH queries that
 * it sees.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { fillAnswers } from '../judge/fill-answers.ts';
import { firstKeys, keysFound } from '../judge/key-rounds.ts';
import { chained, lazySelect, type NodeTests } from '../judge/lazy-condition.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { flattened } from './flatten.ts';
import type { FunctionFacts } from './function-facts.ts';
import { withArms } from './into-arms.ts';
import { withJoinKeys } from './join-keys.ts';
import { withLimitNumbers } from './limit-numbers.ts';
import { canDefer, whereOf } from './planned-query.ts';
import { mayStop, withPlannedSelect } from './planned-select.ts';
import { plannedSql } from './planned-sql.ts';
import { type Around, pushedConditions, type Relation } from './pushed-conditions.ts';
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
  select,
  star,
} from './query-tree.ts';
import { mapRelations, relationName, relationsOf } from './relations.ts';
import { amongKeysOf, isAmong, type SemiFilter, semiFilterOf, withExists } from './semi-filters.ts';
import { type ArmContext, readySetOperation } from './set-operations.ts';
import { noteStaged, type SelectContext, stabilise } from './stabilise.ts';
import { selectStaged, stageRows } from './stage-rows.ts';
import { caseOf, isNotNull, literal } from './tree-logic.ts';
import { isUnstableQuery, isVarying, isVolatile } from './unstable.ts';
import {
  hasColumnNames,
  isReference,
  referencesTo,
  sameName,
  type WithQuery,
  withEntries,
  withSeen,
} from './with-queries.ts';

/** The place of a query in the statement. */
interface QueryPlace {
  /** The WITH queries that it sees. */
  readonly seen: readonly WithQuery[];
  readonly around?: Around;
  /** True if conditions of queries around it have been put into it: it asks no more than they leave. */
  readonly isNarrowed?: boolean;
}

/**
 * The statement's query, ready for its outermost SELECT to be planned: the questions of its inner queries are asked,
 * and unstable input is staged. `names` are the names of its columns. Throws Unplannable where DuckDB gives no tree of
 * it.
 */
export async function readyQuery(
  run: SemanticQuery,
  facts: FunctionFacts,
  names: readonly string[],
): Promise<QueryRoot> {
  const root = rootOf(run.read);
  const isOpen = (node: SqlNode) => isVarying(node, facts) || isVolatile(node, facts);
  const node = await withLimitNumbers(run, root.node, isOpen);
  const inner = new InnerQueries(run, facts, root.parameters);
  return { ...root, node: await inner.ready(node, { seen: [] }, names) };
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

  /**
   * Makes a query ready. `names` are given for the outermost query only: the names of its columns. Its SELECT is
   * planned by the caller.
   */
  async ready(given: SqlNode, place: QueryPlace, names?: readonly string[]): Promise<SqlNode> {
    if (!holds(given, this.#tests.isOperator)) return given;
    const planOf = (node: SqlNode) => this.#planOf(node);
    const { node, isNarrowed = false } =
      given['type'] === 'SELECT_NODE' ? await this.#rewritten(given, place) : { node: given };
    const { node: withQueries, seen } = await this.#readyWith(node, place);
    if (node['type'] === 'SELECT_NODE') {
      return this.#readySelect(withQueries, { ...place, seen, isNarrowed }, names);
    }
    if (node['type'] !== 'SET_OPERATION_NODE') return node;
    const arms: ArmContext = {
      run: this.#run,
      tests: { ...this.#tests, planOf },
      seen,
      ready: (arm) => this.ready(arm, { seen, isNarrowed: true }),
    };
    return readySetOperation(withQueries, arms);
  }

  /**
   * The SELECT with a SEMI or ANTI join written as a condition, merged with the query in its FROM, or with conditions
   * moved into that query or taken from around it.
   */
  async #rewritten(
    given: SqlNode,
    place: QueryPlace,
  ): Promise<{ readonly node: SqlNode; readonly isNarrowed: boolean }> {
    const tests = { ...this.#tests, planOf: (node: SqlNode) => this.#planOf(node) };
    const { seen, around } = place;
    const filtered = await withExists(given, tests.isOperator, this.#columnsIn(seen));
    const node = flattened(filtered, tests);
    const joined =
      around === undefined
        ? node
        : await withJoinKeys(node, around, {
            ...tests,
            seen,
            columnsOf: (query) => this.#columnsOf(query, seen),
          });
    const all = withEntries(withSeen(joined, seen));
    const columnsOf = (query: SqlNode) => this.#columnsOf(query, all);
    return {
      node: await withArms(joined, { ...tests, columnsOf }),
      isNarrowed: place.isNarrowed === true || joined !== node,
    };
  }

  /** Makes the WITH queries of a query ready. Returns the query, and all WITH queries that it sees. */
  async #readyWith(
    node: SqlNode,
    { seen }: QueryPlace,
  ): Promise<{ readonly node: SqlNode; readonly seen: readonly WithQuery[] }> {
    const entries = withEntries(node);
    if (entries.length === 0) return { node, seen };
    const done: WithQuery[] = [];
    const soFar = () => ({ ...node, cte_map: { map: [...done, ...entries.slice(done.length)] } });
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
            ...(relation === undefined ? {} : { around: { node: soFar(), hints: [], relation } }),
          })
        : inner;
      done.push({ ...entry, value: { ...value, query: { ...query, node: ready } } });
    }
    return { node: soFar(), seen: all() };
  }

  /** The columns of a query; none if it cannot stand by itself. */
  async #columnsOf(query: SqlNode, seen: readonly WithQuery[]) {
    const { statement } = this.#run;
    try {
      const { text, parameters } = await plannedSql(statement, withSeen(query, seen));
      const { signal } = statement.stop;
      return await statement.session.describe(text, { parameters, signal });
    } catch (thrown) {
      if (!isReason(thrown)) throw thrown;
      return [];
    }
  }

  #columnsIn(seen: readonly WithQuery[]) {
    return async (from: unknown) => {
      const columns = await this.#columnsOf(select([star()], from, null), seen);
      return new Set(columns.map(({ name }) => name.toLowerCase()));
    };
  }

  /** How the SELECT that a WITH query belongs to sees it in its FROM; undefined if it does not, or renames its columns. */
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

  /** Makes a query that is read as a table ready, and stages it where its rows would differ from run to run. */
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
    const { seen, around, isNarrowed = false } = place;
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
    return names === undefined ? this.#planned(node, { seen, isNarrowed }, hints) : node;
  }

  /**
   * Asks the questions that the SELECT's own conditions need; under a LIMIT, finds its rows and stages them. Nothing is
   * asked where DuckDB finds by itself, with conditions of queries around it, which rows the condition is needed for.
   */
  #planned(
    node: SqlNode,
    { seen, isNarrowed }: QueryPlace,
    hints: readonly SqlNode[],
  ): Promise<SqlNode> {
    if (!ownExpressions(node, this.#tests.isOperator)) return Promise.resolve(node);
    return this.#orAsItIs(chained(node, this.#tests), async () => {
      const plan = { ...this.#planOf(withSeen(node, seen)), hints };
      if (mayStop(plan) || canDefer(plan)) return this.#limited(plan);
      if (hints.length === 0 && isNarrowed !== true && mayBeLeft(plan)) return node;
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

  #hints(given: SqlNode, around: Around): readonly SqlNode[] {
    const { isOperator, isUnstable } = this.#tests;
    const isFixed = (node: SqlNode) => isOperator(node) || isUnstable(node);
    return pushedConditions(around, this.#planOf(given), isFixed);
  }

  /**
   * The WHERE with its `IN` and `EXISTS` queries answered where possible, each only for the keys that rows of this
   * SELECT have.
   */
  async #readyFilters(node: SqlNode, seen: readonly WithQuery[]): Promise<unknown> {
    const { isOperator, isUnstable } = this.#tests;
    const parts: SqlNode[] = [];
    for (const part of conjuncts(node['where_clause'])) {
      const filter = holds(part, isOperator)
        ? await semiFilterOf(part, this.#columnsIn(seen))
        : undefined;
      const isFixed = (inner: SqlNode) => isOperator(inner) || isUnstable(inner);
      const isStable = !holds([filter?.key, node['from_table']], isFixed);
      const ready =
        filter === undefined || !isStable || holds(filter.query, isUnstable)
          ? part
          : await this.#orAsItIs(part, async () => {
              const query = amongKeysOf(filter, node, isFixed);
              const plan = this.#planOf(withSeen(lazySelect(query, this.#tests), seen));
              if (!canBeKeyed(plan)) return part;
              return (
                (await this.#firstAmong(filter, plan, withSeen(node, seen))) ??
                isAmong({ ...filter, query: await keysFound(this.#run, plan) })
              );
            });
      parts.push(ready);
    }
    return conjunction(parts);
  }

  /**
   * A condition that holds for the first rows that meet the filter, as many as the LIMIT of their SELECT wants. Undefined
   * where more than the filter decides which rows these are.
   */
  async #firstAmong(
    { key, form }: SemiFilter,
    plan: QueryPlan,
    outer: SqlNode,
  ): Promise<SqlNode | undefined> {
    const outerPlan = this.#planOf(outer);
    const isAlone = mayStop(outerPlan) && outerPlan.semantic.length === 1;
    if (!isAlone || form === 'NOT IN' || holds(outer, this.#tests.isUnstable)) return undefined;
    const isNot = form === 'NOT EXISTS';
    const query = await firstKeys(this.#run, plan, { plan: outerPlan, key, isNot });
    const isFirst = isAmong({ key, query, form: 'IN' });
    // A NULL key is among no rows.
    return isNot ? caseOf(isNotNull(key), isFirst, literal(true)) : isFirst;
  }

  /**
   * Makes the queries inside expressions ready. A query that names columns of the outer query binds only there; its
   * questions are asked when the statement meets them.
   */
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

  /** Makes a query inside an expression ready. EXISTS needs only one row, so its query first gets a LIMIT 1. */
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
    return planSelect(this.#run.read, root, this.#facts);
  }

  /** The result of `work`; the query as it is if it cannot be planned by itself. */
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

/** Whether DuckDB evaluates the only condition with operators for no more rows than its plain conditions leave. */
function mayBeLeft({ node, semantic }: QueryPlan): boolean {
  const isSubquery = (part: SqlNode) => part['class'] === 'SUBQUERY';
  return (
    semantic.length === 1 &&
    relationsOf(node['from_table']).length === 1 &&
    !holds(node['where_clause'], isSubquery)
  );
}

/** Whether the query gives rows of its FROM, asks only in its conditions, and gives a key that holds no operator. */
function canBeKeyed({ node, semantic, isRowByRow, isOperator, limit }: QueryPlan): boolean {
  const asksElsewhere = holds([node['select_list'], node['from_table']], isOperator);
  return isRowByRow && semantic.length > 0 && limit === undefined && !asksElsewhere;
}

/** Stages the rows that a SELECT gives under its LIMIT. */
export async function stageSelect(run: SemanticQuery, plan: QueryPlan, names: readonly string[]) {
  const found = await withPlannedSelect(run, plan, names, async ({ query, isStopped }) => {
    const staged = await stageRows(run, query ?? (await plannedSql(run.statement, plan.node)));
    const isShort = isStopped && staged.rowCount < plan.rowsWanted! - plan.rowsSkipped;
    return isShort ? undefined : staged;
  });
  // The plan was certain of more rows: the input has changed since.
  return found ?? stageRows(run, await plannedSql(run.statement, plan.node));
}

/** Whether a SELECT's own expressions hold a node for which `test` holds; queries inside them do not count. */
function ownExpressions(node: SqlNode, test: (node: SqlNode) => boolean): boolean {
  const clauses = ['select_list', 'where_clause', 'group_expressions', 'having', 'qualify'];
  const inOwn = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(inOwn);
    if (!isNode(value) || value['class'] === 'SUBQUERY') return false;
    return test(value) || Object.values(value).some(inOwn);
  };
  return [...clauses, 'modifiers'].some((key) => inOwn(node[key]));
}
