/** Random queries within queries, LIMITs in them, lazy conditions and odd names, in both spellings. */
import { bag, both, type GeneratedQuery, QueryParts } from './query-parts.ts';

/** Draws the shapes that are planned from the inside. */
export class InnerQueryMaker extends QueryParts {
  /** Conditions within and around a query in FROM. */
  nested(): GeneratedQuery {
    const list = this.pick([both`*`, both`id, a, c, n`, both`id, n, c, upper(a) AS a`]);
    const inner = both`SELECT ${list} FROM t WHERE ${this.condition(2)}`;
    const outer = this.maybe(both` WHERE ${this.condition(1)}`);
    return bag(
      this.pick([
        () => both`SELECT id, ${this.value()} FROM (${inner}) AS t${outer}`,
        () => both`SELECT t.id, k FROM (${inner}) AS t JOIN u ON n = k WHERE t.n > 0`,
        () =>
          both`SELECT t.id, k FROM u LEFT JOIN (${inner}) AS t ON n = k WHERE t.n IS NULL OR t.id > 2`,
        () =>
          both`SELECT count(*) FROM (SELECT * FROM (${inner}) AS t${outer}) AS t WHERE id % 2 = 1`,
        () =>
          both`SELECT id, x.v FROM t, LATERAL (SELECT ${this.value()} AS v WHERE ${this.boolean()}) AS x`,
      ])(),
    );
  }

  /** Joins of a query in FROM or WITH by equal columns, on either side and of every kind; keys are NULL at times. */
  partnered(): GeneratedQuery {
    const kind = () => this.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
    const list = this.pick(['*', 'id, a, n', 'id AS k, n, a', 'n AS id, id AS n, a']);
    const inner = both`SELECT ${list} FROM t WHERE ${this.condition(1)}`;
    const on = both`q.n = u.k${this.maybe(both` AND u.k > 1`)}`;
    const where = this.maybe(both` WHERE ${this.pick(['u.k > 0', 'u.d IS NULL', 'q.n = u.k'])}`);
    const more = this.maybe(
      both` ${kind()} u AS v ON ${this.pick(['v.k = u.k', 'v.k = q.n', 'v.k = q.n AND v.d = u.d'])}`,
    );
    return bag(
      this.pick([
        () => both`SELECT q.n, u.k FROM (${inner}) AS q ${kind()} u ON ${on}${more}${where}`,
        () => both`SELECT q.n, u.k FROM u ${kind()} (${inner}) AS q ON ${on}${more}${where}`,
        () => both`WITH q AS (${inner}) SELECT q.n, u.k FROM u ${kind()} q ON ${on}${more}${where}`,
        () =>
          both`SELECT x.id, u.k FROM t AS x ${kind()} (u ${kind()} (${inner}) AS q ON ${on}) ON x.n = u.k${where}`,
        () =>
          both`SELECT u.k FROM u ${this.pick(['SEMI', 'ANTI'])} JOIN (${inner}) AS q ON ${on} WHERE u.k > 0`,
        () => both`SELECT q.n FROM (${inner}) AS q ${this.pick(['SEMI', 'ANTI'])} JOIN u ON ${on}`,
      ])(),
    );
  }

  /** Conditions and a LIMIT over a set operation in FROM or WITH. */
  overArms(): GeneratedQuery {
    const arm = () =>
      this.pick([
        both`SELECT id, n, a FROM t WHERE ${this.condition(1)}`,
        both`SELECT n, id, c FROM t`,
        both`SELECT k, k % 2, d FROM u WHERE ${this.operator('d', "'b'")}`,
        both`SELECT k, 1, d FROM u`,
        both`SELECT id, n, ${this.text()} FROM t`,
      ]);
    const kind = () =>
      this.pick([' UNION ALL ', ' UNION ALL ', ' UNION ', ' EXCEPT ', ' INTERSECT ']);
    const first = both`SELECT id, n, a FROM t WHERE ${this.condition(1)}`;
    const arms = both`${first}${kind()}${arm()}${this.maybe(both`${kind()}${arm()}`)}`;
    const where = both` WHERE ${this.pick(['n > 1', 'q.n IS NULL', 'id % 2 = 0 AND n < 3', 'a > id::VARCHAR', "a = 'b' OR id < 3"])}`;
    return this.pick<() => GeneratedQuery>([
      () => bag(both`SELECT id, a FROM (${arms}) AS q${where}`),
      () => bag(both`WITH q AS (${arms}) SELECT n, count(*) FROM q${where} GROUP BY n`),
      () => bag(both`SELECT * FROM (${arms}) AS q${where} AND ${this.operator('a', "'b'")}`),
      () => ({
        kind: 'ordered',
        ...both`SELECT a, id FROM (${first} UNION ALL ${arm()} UNION ALL ${arm()}) AS q${this.maybe(where)} LIMIT ${this.pick([1, 3, 30])}`,
      }),
    ])();
  }

  /** Several WITH queries, one of which reads another, or is read twice. */
  chained(): GeneratedQuery {
    const first = both`w AS ${this.pick(['', 'MATERIALIZED '])}(SELECT * FROM t WHERE ${this.condition(1)})`;
    return bag(
      this.pick([
        () =>
          both`WITH ${first}, t AS (SELECT * FROM w WHERE ${this.condition(1)}) SELECT id FROM t WHERE n < 3`,
        () =>
          both`WITH ${first} SELECT x.id, y.id FROM w AS x JOIN w AS y ON x.n = y.n WHERE x.id < 5`,
        () =>
          both`WITH ${first} SELECT id FROM w WHERE n > 0 UNION ALL SELECT id FROM w AS t WHERE ${this.boolean()}`,
        () =>
          both`WITH w(i, x) AS (SELECT id, a FROM t WHERE ${this.condition(1)}) SELECT i FROM w WHERE i > 1`,
        () =>
          both`WITH v AS (SELECT 1 AS id) SELECT id FROM (WITH v AS (SELECT * FROM t WHERE ${this.boolean()}) SELECT * FROM v WHERE n > 0)`,
      ])(),
    );
  }

  /** A LIMIT in a query within the query, or in what a table is made of. */
  limited(): GeneratedQuery {
    const limit = this.pick(['LIMIT 2', 'LIMIT 3 OFFSET 1', 'LIMIT 50']);
    const first = both`SELECT * FROM t WHERE ${this.condition(1)} ORDER BY n NULLS LAST, id ${limit}`;
    const firsts = both`SELECT id, ${this.value()} AS v FROM t ORDER BY id DESC ${limit}`;
    return this.pick<() => GeneratedQuery>([
      () => bag(both`SELECT id, n FROM (${first}) AS t WHERE ${this.condition(1)}`),
      () => bag(both`WITH w AS (${first}) SELECT count(*), min(id) FROM w`),
      () => bag(both`SELECT v FROM (${firsts}) UNION ALL (${firsts})`),
      () => bag(both`SELECT id FROM t WHERE id IN (SELECT id FROM (${first}))`),
      () => ({ kind: 'changes', ...both`CREATE OR REPLACE TABLE target AS ${first}` }),
      () => ({ kind: 'changes', ...both`INSERT INTO target ${first}` }),
      () => ({ kind: 'changes', ...both`CREATE OR REPLACE TABLE target AS ${firsts}` }),
    ])();
  }

  /** AND, OR and CASE around operators, as values. */
  lazy(): GeneratedQuery {
    const plain = () => this.pick(['n > 1', 'n IS NULL', 'a = c', 'id % 3 = 0']);
    const value = () =>
      this.pick([
        () => both`(${plain()} OR ${this.boolean()})`,
        () => both`(${plain()} AND ${this.boolean()})`,
        () => both`(${this.boolean()} OR ${plain()} OR ${this.boolean()})`,
        () => both`NOT (${plain()} AND (${plain()} OR ${this.boolean()}))`,
        () =>
          both`CASE WHEN ${plain()} THEN ${this.boolean()} WHEN ${this.boolean()} THEN ${plain()} ELSE ${this.boolean()} END`,
        () => both`coalesce(CASE WHEN ${plain()} THEN ${this.boolean()} END, ${plain()})`,
      ])();
    return this.pick([
      () => bag(both`SELECT id, ${value()} AS x, ${value()} AS y FROM t`),
      () => bag(both`SELECT id FROM t WHERE ${value()} AND ${value()}`),
      () => bag(both`SELECT id FROM t WHERE (${value()}) IS ${this.maybeNot()}NULL`),
      () =>
        bag(
          both`SELECT n, count(*) FILTER (WHERE ${value()}) FROM t GROUP BY n HAVING ${plain().includes('n') ? 'n > 0' : 'true'} OR bool_or(${this.boolean()})`,
        ),
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`SELECT id FROM t WHERE ${value()} ORDER BY id LIMIT ${this.pick([1, 3, 30])}`,
      }),
      (): GeneratedQuery => ({
        kind: 'changes',
        ...both`DELETE FROM target AS t WHERE ${value()} AND ${value()}`,
      }),
      (): GeneratedQuery => ({
        kind: 'changes',
        ...both`UPDATE target AS t SET n = 7, c = ${this.text()} WHERE ${value()} AND ${this.condition(1)}`,
      }),
    ])();
  }

  /** Quoted names, comments and aliases that a planned query has to keep. */
  odd(): GeneratedQuery {
    const condition = both`${this.operator('"Odd ""Name"', "'b'")} /* MEANS 'x' */ AND ${this.operator('"select"', "'a'")} -- LIMIT 1\n AND n < 3`;
    const from = both`(SELECT id AS "id#", a AS "Odd ""Name", c AS "select", n FROM t) AS "T 1"`;
    return this.pick([
      () =>
        bag(
          both`SELECT "T 1"."id#", ${this.operator('"T 1"."select"', "'b'")} AS "From" FROM ${from} WHERE ${condition}`,
        ),
      () =>
        bag(
          both`WITH "W W" AS (SELECT * FROM ${from} WHERE ${condition}) SELECT "id#" AS "order" FROM "W W" WHERE "id#" > 1`,
        ),
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`SELECT * FROM ${from} WHERE ${condition} ORDER BY "id#" LIMIT 3`,
      }),
      () =>
        bag(
          both`SELECT n AS "a b", count(*) AS "Group" FROM ${from} WHERE ${condition} GROUP BY "a b" HAVING "Group" > 0`,
        ),
    ])();
  }
}
