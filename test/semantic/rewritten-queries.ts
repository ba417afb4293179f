/** Random queries that the planner writes anew before it asks, in both spellings. */
import { bag, both, type GeneratedQuery, joined, type Pair, QueryParts } from './query-parts.ts';

/** Draws shapes whose rewriting could change what they mean: names that clash, NULL keys, rows that come twice. */
export class RewrittenQueryMaker extends QueryParts {
  /** A SELECT over the rows of another one, with names that mean something else in each. */
  flattened(): GeneratedQuery {
    const inner = this.pick([
      both`SELECT id, a, c, n, upper(c) AS u, ${this.boolean()} AS r FROM t WHERE ${this.condition(1)}`,
      both`SELECT id, c AS a, a AS c, n, a || c AS u, ${this.boolean()} AS r FROM t WHERE n > 0 OR ${this.leaf()}`,
      both`SELECT id, a, c, n + 1 AS n, lower(a) AS u, n > 1 AS r FROM t WHERE ${this.boolean()}`,
      both`SELECT *, c AS u, ${this.boolean()} AS r FROM t WHERE n IS NOT NULL`,
    ]);
    const from = this.pick([both`(${inner}) AS t`, both`(SELECT * FROM (${inner}) AS t) AS t`]);
    const list = this.pick([
      both`id, a AS u`,
      both`id, n AS id2, u`,
      both`t.id, r, ${this.value()} AS a`,
      both`n AS id, id AS n, r`,
    ]);
    const where = this.maybe(
      both` WHERE ${this.pick([both`r`, both`u <> 'x' AND r`, this.condition(1)])}`,
    );
    const order = this.pick(['t.id', 'u NULLS FIRST, t.id', 'upper(t.u), t.id', 'n, t.id']);
    const limit = this.pick(['LIMIT 1', 'LIMIT 2 OFFSET 1', 'LIMIT 30']);
    const query = both`SELECT ${list} FROM ${from}${where}`;
    return this.pick([
      () => bag(query),
      (): GeneratedQuery => ({ kind: 'ordered', ...both`${query} ORDER BY ${order} ${limit}` }),
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`WITH w AS (${inner}) SELECT id, a FROM w AS t${where} ORDER BY t.id ${limit}`,
      }),
    ])();
  }

  /** Operators in what joins are ON. */
  joined(): GeneratedQuery {
    const pair = () => this.operator('t.a', 'u.d');
    const own = () => this.operator('u.d', "'b'");
    const kind = this.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
    const on = this.pick([
      () => both`n = k AND ${own()}`,
      () => both`n = k AND ${pair()} AND ${own()}`,
      () => both`n = k AND t.id > 1 AND (${pair()} OR ${own()})`,
      () => both`${pair()}`,
    ])();
    const more = this.maybe(both` ${kind} u AS v ON v.k = t.n AND ${this.operator('v.d', "'a'")}`);
    const where = this.maybe(both` WHERE ${this.operator('t.c', "'b'")} OR t.id < 3`);
    const query = both`SELECT t.id, u.k, u.d FROM t ${kind} u ON ${on}${more}${where}`;
    const order = 't.id NULLS FIRST, u.k NULLS FIRST, u.d NULLS FIRST';
    return this.pick([
      () => bag(query),
      (): GeneratedQuery => ({ kind: 'ordered', ...both`${query} ORDER BY ${order} LIMIT 3` }),
    ])();
  }

  /** Queries of which only some keys are needed; keys are NULL at times. */
  keyed(): GeneratedQuery {
    const inner = () =>
      this.pick([
        both`n IN (SELECT k FROM u WHERE ${this.condition2()})`,
        both`n IN (SELECT x.n FROM t AS x WHERE x.id > 1 AND ${this.operator('x.a', "'b'")})`,
        both`n NOT IN (SELECT k FROM u WHERE ${this.condition2()})`,
        both`EXISTS (SELECT 1 FROM u WHERE u.k = t.n AND ${this.condition2()})`,
        both`EXISTS (SELECT 1 FROM u AS x WHERE t.n = x.k AND x.d <> t.a AND ${this.operator('x.d', "'b'")})`,
        both`NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.n AND ${this.condition2()})`,
        both`EXISTS (SELECT k FROM u WHERE ${this.condition2()})`,
        both`NOT EXISTS (SELECT k FROM u WHERE ${this.condition2()} LIMIT 1)`,
        both`EXISTS (SELECT 1 FROM u WHERE u.k = t.n)`,
        both`n IN (SELECT k FROM u)`,
      ]);
    const where = joined(
      [inner(), this.pick([inner(), this.leaf(), both`id > 2`])],
      this.pick([' AND ', ' AND ', ' OR ']),
    );
    return this.pick([
      () => bag(both`SELECT id FROM t WHERE ${where}`),
      () => bag(both`SELECT id, ${inner()} AS e FROM t`),
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`SELECT id FROM t WHERE ${where} ORDER BY id LIMIT 2`,
      }),
    ])();
  }

  /** Arms of UNION ALL under a LIMIT, and those of EXCEPT and INTERSECT. */
  arms(): GeneratedQuery {
    const first = both`SELECT id, a FROM t WHERE ${this.condition(1)}`;
    const second = this.pick([
      both`SELECT k, d FROM u WHERE ${this.condition2()}`,
      both`SELECT n, c FROM t WHERE ${this.condition(1)}`,
      both`SELECT id::BIGINT, c FROM t WHERE id > 2`,
    ]);
    const limit = this.pick(['LIMIT 1', 'LIMIT 3', 'LIMIT 4 OFFSET 2', 'LIMIT 0', 'LIMIT 100']);
    const word = this.pick(['EXCEPT', 'INTERSECT', 'EXCEPT ALL', 'INTERSECT ALL']);
    const [left, right] = this.pick([
      [both`SELECT a, n FROM t`, both`SELECT c, n FROM t WHERE ${this.condition(1)}`],
      [both`SELECT n FROM t WHERE ${this.condition(1)}`, both`SELECT k FROM u`],
      [both`SELECT k AS n FROM u`, both`SELECT n FROM t WHERE ${this.condition(1)}`],
    ] as const);
    return this.pick([
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`${first} UNION ALL ${second} UNION ALL SELECT k, d FROM u ${limit}`,
      }),
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`WITH w AS (${first}) SELECT id, a FROM w UNION ALL (${second}) ${limit}`,
      }),
      () => bag(both`${left} ${word} ${right}`),
    ])();
  }

  /** Expressions that need some of their operators only. */
  chosen(): GeneratedQuery {
    const value = () =>
      this.pick([
        () => both`(${this.boolean()} AND ${this.boolean()})`,
        () => both`(${this.boolean()} OR NOT ${this.boolean()} OR n > 2)`,
        () =>
          both`CASE WHEN ${this.boolean()} THEN 'x' WHEN ${this.leaf()} THEN ${this.text()} ELSE a END`,
        () =>
          both`CASE ${this.text()} WHEN 'b:abc' THEN ${this.boolean()} WHEN a THEN ${this.boolean()} END`,
        () => both`coalesce(${this.text()}, ${this.value()}, c)`,
        () => both`length(CASE WHEN ${this.boolean()} THEN ${this.text()} ELSE ${this.text()} END)`,
      ])();
    const where = this.maybe(both` WHERE ${this.condition(2)}`);
    const list: Pair = joined([value(), value()], ', ');
    return this.pick([
      () => bag(both`SELECT id, ${list} FROM t${where}`),
      () =>
        bag(both`SELECT ${value()} AS x, count(*) AS y, min(id) AS z FROM t${where} GROUP BY ALL`),
      () =>
        bag(
          both`SELECT n, max(${value()}::VARCHAR), count(*) FILTER (WHERE ${this.boolean()} AND ${this.boolean()}) FROM t${where} GROUP BY n`,
        ),
      () => bag(both`SELECT DISTINCT ${value()} AS x FROM t${where}`),
    ])();
  }

  /** A condition on `u`. */
  private condition2(): Pair {
    const one = () => this.operator('u.d', this.pick(["'b'", "'a'", 'NULL', "''"]));
    return this.pick([
      () => one(),
      () => both`(${one()} OR ${one()})`,
      () => both`${one()} AND k > 0`,
      () => both`NOT (${one()} AND ${one()})`,
    ])();
  }
}
