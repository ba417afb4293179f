/**
 * Puts the functions of `bounded-look-ups.ts` in the operators' places, each with the polarity of its place. Truth
 * values are ordered FALSE < NULL < TRUE. AND and OR keep this order, and NOT reverses it. More rows in a FROM only add
 * rows to a result without aggregates and windows, or with aggregates that only grow or only shrink, as in
 * HAVING count(*) >= 3. Whatever is not known to keep or to reverse the order has polarity 0: that costs calls, and
 * never makes a result wrong.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { FunctionFacts } from '../plan/function-facts.ts';
import { hasLimit, holds, isNode, mapTree, nodesOf } from '../plan/query-tree.ts';
import { relationName, relationsOf } from '../plan/relations.ts';
import { booleanOf, coalesce } from '../plan/tree-logic.ts';
import { hasColumnNames, isReference, withEntries } from '../plan/with-queries.ts';
import { type OperatorUse, typeOfUse } from '../read/use.ts';
import type { BoundedLookUps, Polarity } from './bounded-look-ups.ts';

/** What the rewriting of a query needs to know. */
export interface PolarityTools {
  readonly useOf: (node: SqlNode) => OperatorUse | undefined;
  readonly lookUps: Pick<BoundedLookUps, 'value' | 'standIn'>;
  readonly facts: FunctionFacts;
  /** The name that DuckDB gives to an item without an alias. */
  readonly nameOf: (item: SqlNode) => string;
  /** What it costs to decide a row by a part of an AND or OR; the cheapest part is asked first. */
  readonly priceOf: (part: SqlNode, isAnd: boolean) => number;
}

/** The query with the functions in it. */
export interface PolarQuery {
  readonly node: SqlNode;
  /** Whether its result may be certain before all questions are answered. */
  readonly canStop: boolean;
}

/** How a query is read: as the statement's result, as an arm of a set operation, as rows, or as a single value. */
type Role = 'root' | 'arm' | 'rows' | 'scalar';

/** A SELECT that reads the rows of another query. */
interface Reading {
  readonly node: SqlNode;
  readonly polarity: Polarity;
  /** True if each of its rows is a row of the statement's result. */
  readonly isResult: boolean;
}

/** A WITH query that holds operators, or reads such a query. */
interface AskingEntry {
  readonly polarities: Set<Polarity>;
  readonly readings: Reading[];
}

type Env = ReadonlyMap<string, AskingEntry | undefined>;

/** Aggregates whose value only grows, or only shrinks, as rows are added. */
const MONOTONE = new Set([
  'count',
  'count_star',
  'count distinct',
  'min',
  'max',
  'bool_or',
  'bool_and',
]);
/** Those of them that may be certain before all rows are known. */
const EARLY = new Set(['count distinct', 'min', 'max', 'bool_or', 'bool_and']);
const COUNTS = new Set(['count', 'count_star', 'count distinct']);
const GROWING = new Set(['count', 'count_star', 'count distinct', 'max']);

/** Whether the result of a query may be certain before all of its questions are answered. */
export function canStopEarly(
  node: SqlNode,
  tools: Pick<PolarityTools, 'useOf' | 'facts'>,
): boolean {
  const asWritten = (_use: OperatorUse, call: SqlNode) => call;
  const lookUps = { value: asWritten, standIn: asWritten };
  return polarQuery(node, { ...tools, lookUps, nameOf: () => '', priceOf: () => 0 }).canStop;
}

export function polarQuery(node: SqlNode, tools: PolarityTools): PolarQuery {
  const polarities = new Polarities(tools);
  const polar = polarities.query(node, 1, 'root', new Map());
  return { node: polar, canStop: polarities.canStop };
}

function flipped(polarity: Polarity): Polarity {
  return -polarity as Polarity;
}

class Polarities {
  readonly #tools: PolarityTools;
  canStop = false;

  constructor(tools: PolarityTools) {
    this.#tools = tools;
  }

  query(
    node: SqlNode,
    given: Polarity,
    role: Role,
    outer: Env,
    readings: readonly Reading[] = [],
  ): SqlNode {
    const modifiers = nodesOf(node['modifiers']);
    const isDistinct = modifiers.some(({ type }) => type === 'DISTINCT_MODIFIER');
    const isDistinctOn = modifiers.some(
      (modifier) => nodesOf(modifier['distinct_on_targets']).length > 0,
    );
    // Which rows a LIMIT inside gives is not monotone.
    const isCut = hasLimit(node) || isDistinctOn || isNode(node['sample']);
    // A single value of no rows is NULL, which is neither least nor most.
    const isValueOfArms = role === 'scalar' && node['type'] === 'SET_OPERATION_NODE';
    const polarity = (isCut && role !== 'root') || isValueOfArms ? 0 : given;
    if (isCut || isDistinct) this.canStop = true;
    const env = this.#withOwn(node, outer);
    let polar: SqlNode;
    if (node['type'] === 'SET_OPERATION_NODE') polar = this.#setOperation(node, polarity, env);
    else if (node['type'] === 'SELECT_NODE') {
      polar = this.#select(node, { polarity, role, env, readings, isDistinct });
    } else return this.#exact(node, env) as SqlNode;
    return {
      ...polar,
      modifiers: this.#exact(node['modifiers'], env),
      cte_map: { map: this.#entries(node, env) },
    };
  }

  #withOwn(node: SqlNode, outer: Env): Env {
    const env = new Map(outer);
    for (const entry of withEntries(node)) {
      const asks = this.#asks(entry['value'], env);
      env.set(
        String(entry['key']).toLowerCase(),
        asks ? { polarities: new Set(), readings: [] } : undefined,
      );
    }
    return env;
  }

  /** The WITH queries, the last one first: how one is read shows in those after it. */
  #entries(node: SqlNode, env: Env): readonly SqlNode[] {
    return withEntries(node)
      .toReversed()
      .map((entry): SqlNode => {
        const asking = env.get(String(entry['key']).toLowerCase());
        const value = entry['value'] as SqlNode;
        const query = value['query'] as SqlNode;
        if (asking === undefined) return entry;
        const [only, ...more] = asking.polarities;
        const polarity = only === undefined || more.length > 0 ? 0 : only;
        const aliases = value['aliases'];
        const isRenamed = Array.isArray(aliases) && aliases.length > 0;
        const inner = this.query(
          query['node'] as SqlNode,
          polarity,
          'rows',
          env,
          isRenamed ? [] : asking.readings,
        );
        return { ...entry, value: { ...value, query: { ...query, node: inner } } };
      })
      .toReversed();
  }

  #setOperation(node: SqlNode, polarity: Polarity, env: Env): SqlNode {
    const kind = node['setop_type'];
    if (kind !== 'UNION' || node['setop_all'] !== true) this.canStop = true;
    const right = kind === 'EXCEPT' ? flipped(polarity) : polarity;
    return {
      ...node,
      left: this.query(node['left'] as SqlNode, polarity, 'arm', env),
      right: this.query(node['right'] as SqlNode, right, 'arm', env),
    };
  }

  #select(
    node: SqlNode,
    {
      polarity,
      role,
      env,
      readings,
      isDistinct,
    }: {
      readonly polarity: Polarity;
      readonly role: Role;
      readonly env: Env;
      readonly readings: readonly Reading[];
      readonly isDistinct: boolean;
    },
  ): SqlNode {
    const items = nodesOf(node['select_list']);
    const having = isNode(node['having']) ? node['having'] : undefined;
    const isGrouped =
      nodesOf(node['group_expressions']).length > 0 ||
      node['aggregate_handling'] !== 'STANDARD_HANDLING';
    const hasWindow = this.#holdsHere([items, node['qualify'], node['modifiers']], isWindow);
    const hasAggregate = this.#holdsHere([items, having], this.#isAggregate);
    // An order by aggregates, and the different ones of their values, change back and forth as rows are added.
    const isUnsteady =
      (isDistinct && this.#holdsHere(items, this.#isAggregate)) ||
      this.#holdsHere(node['modifiers'], this.#isAggregate);
    const rows =
      hasWindow || isUnsteady
        ? 0
        : hasAggregate
          ? this.#aggregated(node, polarity, role, isGrouped)
          : role === 'scalar'
            ? 0
            : polarity;
    if (isGrouped && !hasAggregate) this.canStop = true;
    const isPlainList = role === 'root' && !isDistinct && !isGrouped && !hasWindow;
    const flowOf = (item: SqlNode): Polarity =>
      isPlainList
        ? 1
        : rows === 0 || role === 'arm' || isGrouped
          ? 0
          : polarityOfUse(item, readings);
    const list = items.map((item): SqlNode => {
      if (!this.#asks(item, env)) return item;
      const polar = hasAggregate
        ? this.#aggregateItem(item, rows, env)
        : this.#item(item, flowOf(item), env);
      return { ...polar, alias: String(item['alias']) || this.#tools.nameOf(item) };
    });
    const filtersGroups =
      role !== 'scalar' &&
      !hasWindow &&
      (hasAggregate || isGrouped) &&
      !this.#holdsHere(having, (part) => this.#isAggregate(part) && this.#asks(part, env));
    const qualifies =
      role !== 'scalar' &&
      !this.#holdsHere(node['qualify'], (part) => isWindow(part) && this.#asks(part, env));
    return {
      ...node,
      from_table: this.#from(node['from_table'], rows, env, {
        node,
        polarity: rows,
        isResult: isPlainList && !hasAggregate,
      }),
      where_clause: this.#condition(node['where_clause'], rows, env),
      having: this.#condition(having ?? null, filtersGroups ? polarity : 0, env),
      qualify: this.#condition(node['qualify'], qualifies ? polarity : 0, env),
      select_list: list,
      group_expressions: this.#exact(node['group_expressions'], env),
    };
  }

  /** The polarity of the rows that go into aggregates. */
  #aggregated(node: SqlNode, polarity: Polarity, role: Role, isGrouped: boolean): Polarity {
    const items = nodesOf(node['select_list']);
    const bare = items.filter((item) => this.#holdsHere(item, this.#isAggregate));
    const names = new Set<string>();
    const having = isNode(node['having']) ? node['having'] : undefined;
    this.#holdsHere(items, (part) => {
      if (this.#isAggregate(part)) names.add(aggregateName(part));
      return false;
    });
    const areAll = (set: ReadonlySet<string>) => [...names].every((name) => set.has(name));
    const isBare = bare.every(this.#isAggregate);
    const filtersByAggregate = this.#holdsHere(having, this.#isAggregate);
    if (filtersByAggregate) {
      const isPlain = bare.length === 0 || (role === 'root' && isBare && areAll(GROWING));
      if (!isPlain || (hasLimit(node) && bare.length > 0) || !this.#isAtLeast(having!)) return 0;
      this.canStop = true;
      return polarity;
    }
    // NULL of an empty set is neither least nor most: only counts may be compared.
    if (role === 'scalar') return !isGrouped && isBare && areAll(COUNTS) ? polarity : 0;
    if (role !== 'root' || !isBare || !areAll(MONOTONE) || hasLimit(node)) return 0;
    if (areAll(EARLY)) this.canStop = true;
    return polarity;
  }

  /** Whether a HAVING compares a growing aggregate with a constant that it has to reach. */
  #isAtLeast({ type, left, right }: SqlNode): boolean {
    if (!/^COMPARE_GREATERTHAN/.test(String(type)) || !isNode(left) || !isNode(right)) return false;
    const isPlain =
      right['class'] === 'CONSTANT' &&
      !holds(left, (part) => this.#tools.useOf(part) !== undefined);
    return isPlain && this.#isAggregate(left) && GROWING.has(aggregateName(left));
  }

  #item(item: SqlNode, polarity: Polarity, env: Env): SqlNode {
    return this.#isTruth(item)
      ? this.#truth(item, polarity, env)
      : (this.#exact(item, env) as SqlNode);
  }

  /** An item beside aggregates. `polarity` is that of the rows. */
  #aggregateItem(item: SqlNode, polarity: Polarity, env: Env): SqlNode {
    if (!this.#isAggregate(item)) return this.#exact(item, env) as SqlNode;
    const children = nodesOf(item['children']);
    const isTruths = /^bool_(and|or)$/.test(functionName(item)) && children.every(this.#isTruth);
    // More rows make bool_and FALSE, as FALSE in a row does.
    const ofChildren = functionName(item) === 'bool_and' ? flipped(polarity) : polarity;
    return {
      ...(this.#exact({ ...item, filter: null, children: [] }, env) as SqlNode),
      filter: this.#condition(item['filter'], polarity, env),
      children: isTruths
        ? children.map((child) => this.#truth(child, ofChildren, env))
        : this.#exact(children, env),
    };
  }

  #from(from: unknown, polarity: Polarity, env: Env, reading: Reading): unknown {
    if (!isNode(from)) return from;
    if (from['type'] === 'BASE_TABLE') {
      const asking = this.#entryOf(from, env);
      asking?.polarities.add(isNode(from['sample']) ? 0 : polarity);
      if (asking !== undefined) asking.readings.push(hasColumnNames(from) ? EXACTLY : reading);
      return from;
    }
    if (!this.#asks(from, env)) return from;
    const query = from['subquery'];
    if (from['type'] === 'SUBQUERY' && isNode(query) && !isNode(from['sample'])) {
      const readings = hasColumnNames(from) ? [] : [reading];
      const node = this.query(query['node'] as SqlNode, polarity, 'rows', env, readings);
      return { ...from, subquery: { ...query, node } };
    }
    if (from['type'] !== 'JOIN') return this.#exact(from, env);
    this.canStop = true;
    const [left, right, condition] = joinPolarities(from, polarity);
    return {
      ...from,
      left: this.#from(from['left'], left, env, reading),
      right: this.#from(from['right'], right, env, reading),
      condition: this.#condition(from['condition'], condition, env),
    };
  }

  #condition(condition: unknown, polarity: Polarity, env: Env): unknown {
    return isNode(condition) ? this.#truth(condition, polarity, env) : condition;
  }

  /** An expression of which the order of its truth values counts. */
  #truth(node: SqlNode, polarity: Polarity, env: Env): SqlNode {
    if (!this.#asks(node, env)) return node;
    if (polarity === 0) return this.#exact(node, env) as SqlNode;
    const children = nodesOf(node['children']);
    const truths = (of: Polarity) => ({
      ...node,
      children: children.map((child) => this.#truth(child, of, env)),
    });
    switch (node['type']) {
      case 'CONJUNCTION_AND':
      case 'CONJUNCTION_OR': {
        const isAnd = node['type'] === 'CONJUNCTION_AND';
        const price = new Map(children.map((child) => [child, this.#tools.priceOf(child, isAnd)]));
        const ordered = children.toSorted((a, b) => price.get(a)! - price.get(b)!);
        return { ...node, children: ordered.map((child) => this.#truth(child, polarity, env)) };
      }
      case 'OPERATOR_NOT':
        return truths(flipped(polarity));
      case 'OPERATOR_COALESCE':
        return truths(polarity);
      case 'CASE_EXPR':
        return this.#case(node, polarity, env);
      case 'SUBQUERY':
        return this.#subquery(node, polarity, env);
      default:
    }
    if (node['class'] === 'COMPARISON') {
      const compared = this.#comparison(node, polarity, env);
      if (compared !== undefined) return compared;
    }
    const use = this.#tools.useOf(node);
    if (use !== undefined && typeOfUse(use) === 'BOOLEAN' && !this.#asks(children, env)) {
      return this.#tools.lookUps.value(use, node, polarity);
    }
    return this.#atom(node, polarity, env);
  }

  /** A CASE whose conditions ask nothing keeps the order of its results. */
  #case(node: SqlNode, polarity: Polarity, env: Env): SqlNode {
    const checks = nodesOf(node['case_checks']);
    if (checks.some(({ when_expr: when }) => this.#asks(when, env))) {
      return this.#exact(node, env) as SqlNode;
    }
    const truth = (part: unknown) => this.#condition(part, polarity, env);
    return {
      ...node,
      case_checks: checks.map((check) => ({ ...check, then_expr: truth(check['then_expr']) })),
      else_expr: truth(node['else_expr']),
    };
  }

  #subquery(node: SqlNode, polarity: Polarity, env: Env): SqlNode {
    const query = node['subquery'];
    if (!isNode(query) || this.#asks(node['child'], env)) return this.#exact(node, env) as SqlNode;
    this.canStop = true;
    const role = node['subquery_type'] === 'SCALAR' ? 'scalar' : 'rows';
    const inner = this.query(query['node'] as SqlNode, polarity, role, env);
    return { ...node, subquery: { ...query, node: inner } };
  }

  /** A comparison of a truth value with TRUE or FALSE, or of a count of rows; undefined for any other. */
  #comparison(node: SqlNode, polarity: Polarity, env: Env): SqlNode | undefined {
    const { left, right } = node;
    if (!isNode(left) || !isNode(right)) return undefined;
    const type = String(node['type']);
    const isSame = /^COMPARE_(EQUAL|NOT_DISTINCT_FROM)$/.test(type);
    const isOther = /^COMPARE_(NOTEQUAL|DISTINCT_FROM)$/.test(type);
    const value = booleanOf(right);
    if ((isSame || isOther) && typeof value === 'boolean') {
      const truth = isCastToBoolean(left) ? (left['child'] as SqlNode) : left;
      if (!this.#isTruth(truth)) return undefined;
      const keeps = isSame === value;
      const inner = this.#truth(truth, keeps ? polarity : flipped(polarity), env);
      return { ...node, left: truth === left ? inner : { ...left, child: inner } };
    }
    const isGreater = type.startsWith('COMPARE_GREATERTHAN');
    if (!isGreater && !type.startsWith('COMPARE_LESSTHAN')) return undefined;
    if (![left, right].some(isScalarQuery)) return undefined;
    const side = (part: SqlNode, of: Polarity): SqlNode =>
      isScalarQuery(part) && this.#asks(part, env)
        ? this.#subquery(part, of, env)
        : (this.#exact(part, env) as SqlNode);
    const up = isGreater ? polarity : flipped(polarity);
    return { ...node, left: side(left, up), right: side(right, flipped(up)) };
  }

  /** An expression around operators, such as `score > 0.5`: it has a stand-in until the answers are known. */
  #atom(node: SqlNode, polarity: Polarity, env: Env): SqlNode {
    const isOpaque = (part: SqlNode) =>
      /^(SUBQUERY|WINDOW|LAMBDA|CASE|CONJUNCTION)$/.test(String(part['class'])) ||
      part['type'] === 'OPERATOR_COALESCE' ||
      this.#isAggregate(part);
    if (holds(node, isOpaque)) return this.#exact(node, env) as SqlNode;
    const { useOf, lookUps } = this.#tools;
    const standIns: SqlNode[] = [];
    const values = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(values);
      if (!isNode(value)) return value;
      const copy: SqlNode = Object.fromEntries(
        Object.entries(value).map(([key, child]) => [key, values(child)]),
      );
      const use = useOf(value);
      if (use === undefined) return copy;
      standIns.push(lookUps.standIn(use, copy, polarity));
      return lookUps.value(use, copy, polarity);
    };
    const value = values(node) as SqlNode;
    return { ...coalesce([...standIns, { ...value, alias: '' }]), alias: node['alias'] };
  }

  /** A value with every operator at polarity 0. */
  #exact(value: unknown, env: Env): unknown {
    const { useOf, lookUps } = this.#tools;
    return mapTree(value, (node) => {
      const asking = this.#entryOf(node, env);
      asking?.polarities.add(0);
      const use = useOf(node);
      if (use === undefined) return undefined;
      const children = this.#exact(node['children'], env);
      return lookUps.value(use, { ...node, children }, 0);
    });
  }

  #entryOf(node: SqlNode, env: Env): AskingEntry | undefined {
    const name = String(node['table_name'] ?? '').toLowerCase();
    return isReference(node, name) ? env.get(name) : undefined;
  }

  #asks(value: unknown, env: Env): boolean {
    return holds(
      value,
      (node) => this.#tools.useOf(node) !== undefined || this.#entryOf(node, env) !== undefined,
    );
  }

  /** Whether a value holds such a node outside of the queries in it. */
  #holdsHere(value: unknown, test: (node: SqlNode) => boolean): boolean {
    if (Array.isArray(value)) return value.some((item) => this.#holdsHere(item, test));
    if (!isNode(value) || value['class'] === 'SUBQUERY') return false;
    return test(value) || Object.values(value).some((child) => this.#holdsHere(child, test));
  }

  /** Whether a call may be of an aggregate: whatever is no scalar function. */
  readonly #isAggregate = (node: SqlNode): boolean =>
    node['class'] === 'FUNCTION' &&
    this.#tools.useOf(node) === undefined &&
    !this.#tools.facts.scalars.has(functionName(node));

  /** Whether an expression is a truth value by its form. */
  readonly #isTruth = (node: SqlNode): boolean => {
    const use = this.#tools.useOf(node);
    if (use !== undefined) return typeOfUse(use) === 'BOOLEAN';
    const { class: kind, type } = node;
    return (
      kind === 'CONJUNCTION' ||
      kind === 'COMPARISON' ||
      kind === 'BETWEEN' ||
      /^(OPERATOR_NOT|OPERATOR_IS_NULL|OPERATOR_IS_NOT_NULL|COMPARE_)/.test(String(type)) ||
      (kind === 'SUBQUERY' && node['subquery_type'] !== 'SCALAR')
    );
  };
}

/** A reading by which nothing is known of a column's use. */
const EXACTLY: Reading = { node: {}, polarity: 0, isResult: false };

function isWindow(node: SqlNode): boolean {
  return node['class'] === 'WINDOW';
}

function functionName(node: SqlNode): string {
  return String(node['function_name']).toLowerCase();
}

/** The name of an aggregate; DISTINCT makes a difference to `count` alone. */
function aggregateName(node: SqlNode): string {
  const name = functionName(node);
  return name === 'count' && node['distinct'] === true ? 'count distinct' : name;
}

function isScalarQuery(node: SqlNode): boolean {
  return node['class'] === 'SUBQUERY' && node['subquery_type'] === 'SCALAR';
}

function isCastToBoolean({ class: kind, cast_type: type, child }: SqlNode): boolean {
  return kind === 'CAST' && isNode(type) && type['id'] === 'BOOLEAN' && isNode(child);
}

/** The polarities of the left side, the right side and the condition of a join. */
function joinPolarities(
  { join_type: type, ref_type: kind }: SqlNode,
  polarity: Polarity,
): readonly [Polarity, Polarity, Polarity] {
  if (kind === 'ASOF' || kind === 'POSITIONAL') return [0, 0, 0];
  switch (type) {
    case 'INNER':
    case 'SEMI':
      return [polarity, polarity, polarity];
    case 'ANTI':
      return [polarity, flipped(polarity), flipped(polarity)];
    case 'LEFT':
      return [polarity, 0, 0];
    case 'RIGHT':
      return [0, polarity, 0];
    default:
      return [0, 0, 0];
  }
}

/** The polarity with which all queries around use the column of this item; 0 if they do not agree. */
function polarityOfUse({ alias }: SqlNode, readings: readonly Reading[]): Polarity {
  if (alias === '') return 0;
  const name = String(alias).toLowerCase();
  const found = new Set<Polarity>();
  const rowNames = new Set<string>();
  const walk = (value: unknown, polarity: Polarity): void => {
    if (Array.isArray(value)) for (const item of value) walk(item, polarity);
    if (!isNode(value)) return;
    const names = value['column_names'];
    if (Array.isArray(names)) {
      const last = String(names.at(-1)).toLowerCase();
      if (last === name) found.add(polarity);
      if (rowNames.has(last)) found.add(0);
    }
    if (value['class'] === 'STAR' && value['columns'] === true) found.add(0);
    const isLogic = value['class'] === 'CONJUNCTION';
    const isNot = value['type'] === 'OPERATOR_NOT';
    const below = isLogic ? polarity : isNot ? flipped(polarity) : 0;
    for (const child of Object.values(value)) walk(child, below);
  };
  for (const reading of readings) {
    const { node, polarity, isResult } = reading;
    // The name of a relation is also a value: the row with all its columns.
    for (const relation of relationsOf(node['from_table'])) {
      rowNames.add(relationName(relation).toLowerCase());
    }
    walk(node['where_clause'], polarity);
    const others = ['from_table', 'group_expressions', 'having', 'qualify', 'modifiers'];
    walk(
      others.map((clause) => node[clause]),
      0,
    );
    for (const one of nodesOf(node['select_list'])) {
      walk(one, isResult && one['class'] === 'COLUMN_REF' ? 1 : 0);
    }
    const isStar = (part: SqlNode) => part['class'] === 'STAR';
    if (holds(node['select_list'], isStar)) found.add(isResult ? 1 : 0);
    const isMerged = ({ ref_type: kind, using_columns: using }: SqlNode) =>
      kind === 'NATURAL' || (Array.isArray(using) && using.length > 0);
    if (reading === EXACTLY || holds(node['from_table'], isMerged)) found.add(0);
  }
  const [only, ...more] = found;
  return only === undefined || more.length > 0 ? 0 : only;
}
