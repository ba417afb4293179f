/** Random queries over tables `t` and `u`, each written with semantic operators and with plain macros. */
import { InnerQueryMaker } from './inner-queries.ts';
import {
  bag,
  both,
  CRITERIA,
  type GeneratedQuery,
  joined,
  QueryParts,
  TEXTS,
} from './query-parts.ts';
import { RewrittenQueryMaker } from './rewritten-queries.ts';

/** Draws queries from a source of random numbers in [0, 1). */
export class QueryMaker extends QueryParts {
  readonly #inner: InnerQueryMaker;
  readonly #rewritten: RewrittenQueryMaker;

  constructor(random: () => number) {
    super(random);
    this.#inner = new InnerQueryMaker(random);
    this.#rewritten = new RewrittenQueryMaker(random);
  }

  next(): GeneratedQuery {
    const shapes = [
      () => this.#filter(),
      () => this.#filter(),
      () => this.#select(),
      () => this.#select(),
      () => this.#group(),
      () => this.#join(),
      () => this.#outer(),
      () => this.#subquery(),
      () => this.#cte(),
      () => this.#union(),
      () => this.#window(),
      () => this.#distinct(),
      () => this.#lambda(),
      () => this.#aggregate(),
      () => this.#top(),
      () => this.#first(),
      () => this.#first(),
      () => this.#joined(),
      () => this.#case(),
      () => this.#change(),
      () => this.#change(),
      () => this.#inner.nested(),
      () => this.#inner.partnered(),
      () => this.#inner.overArms(),
      () => this.#inner.nested(),
      () => this.#inner.chained(),
      () => this.#inner.limited(),
      () => this.#inner.lazy(),
      () => this.#inner.odd(),
      () => this.#rewritten.flattened(),
      () => this.#rewritten.flattened(),
      () => this.#rewritten.joined(),
      () => this.#rewritten.keyed(),
      () => this.#rewritten.keyed(),
      () => this.#rewritten.arms(),
      () => this.#rewritten.chosen(),
    ];
    return this.pick(shapes)();
  }

  #filter(): GeneratedQuery {
    return bag(both`SELECT id FROM t WHERE ${this.condition(2)}`);
  }

  #select(): GeneratedQuery {
    const items = joined([this.value(), this.value()], ', ');
    const where = this.maybe(both` WHERE ${this.condition(1)}`);
    return bag(both`SELECT id, ${items} FROM t${where}`);
  }

  #group(): GeneratedQuery {
    const key = this.value();
    const having = this.maybe(both` HAVING count(*) > 1 OR bool_or(${this.boolean()})`);
    return bag(both`SELECT ${key} AS k, count(*), min(id) FROM t GROUP BY ${key}${having}`);
  }

  #join(): GeneratedQuery {
    const on = this.pick([
      both`n = k`,
      both`n = k AND ${this.operator('t.a', 'd')}`,
      this.operator('t.c', 'u.d'),
    ]);
    const where = this.maybe(both` WHERE ${this.operator('t.a', "'b'")}`);
    return bag(both`SELECT t.id, u.k FROM t JOIN u ON ${on}${where}`);
  }

  #outer(): GeneratedQuery {
    const kind = this.pick(['LEFT', 'RIGHT', 'FULL', 'SEMI', 'ANTI']);
    const columns = kind === 'SEMI' || kind === 'ANTI' ? 't.id' : 't.id, u.k';
    return bag(
      both`SELECT ${columns} FROM t ${kind} JOIN u ON n = k AND ${this.operator('t.a', 'd')}`,
    );
  }

  #subquery(): GeneratedQuery {
    const inner = this.operator('u.d', this.pick(['t.c', "'b'"]));
    return bag(
      this.pick([
        both`SELECT id FROM t WHERE ${this.maybeNot()}EXISTS (SELECT 1 FROM u WHERE k = n AND ${inner})`,
        both`SELECT id FROM t WHERE n ${this.maybeNot()}IN (SELECT k FROM u WHERE ${this.operator('d', "'b'")})`,
        both`SELECT id, (SELECT count(*) FROM u WHERE ${inner}) FROM t`,
        both`SELECT * FROM (SELECT id, ${this.value()} AS v FROM t) WHERE v IS NOT NULL`,
        both`SELECT id FROM t WHERE (SELECT ${this.boolean()})`,
      ]),
    );
  }

  #cte(): GeneratedQuery {
    return bag(
      both`WITH w AS (SELECT *, ${this.value()} AS v FROM t WHERE ${this.condition(1)}) SELECT v, count(*) FROM w GROUP BY v`,
    );
  }

  #union(): GeneratedQuery {
    const word = this.pick(['UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT']);
    return bag(
      both`SELECT id FROM t WHERE ${this.condition(1)} ${word} SELECT id FROM t WHERE ${this.condition(1)}`,
    );
  }

  #window(): GeneratedQuery {
    const over = both`(PARTITION BY ${this.boolean()} ORDER BY id)`;
    const qualify = this.maybe(
      both` QUALIFY row_number() OVER (ORDER BY ${this.value()} NULLS FIRST, id) <= 5`,
    );
    return bag(both`SELECT id, row_number() OVER ${over} FROM t${qualify}`);
  }

  #distinct(): GeneratedQuery {
    return bag(both`SELECT DISTINCT ${this.value()}, n FROM t WHERE ${this.condition(1)}`);
  }

  #lambda(): GeneratedQuery {
    return bag(
      both`SELECT id, list_filter([a, c, 'b'], lambda x: ${this.operator('x', "'b'")}) FROM t`,
    );
  }

  #aggregate(): GeneratedQuery {
    return bag(
      both`SELECT n, count(*) FILTER (WHERE ${this.boolean()}), max(${this.value()}) FROM t GROUP BY n`,
    );
  }

  #top(): GeneratedQuery {
    const [a, b] = [this.pick(TEXTS), this.pick(CRITERIA)];
    const order = this.pick([
      both`${this.value()} DESC NULLS LAST`,
      { semantic: `${a} RELEVANCE TO ${b}`, plain: `m_relevance(${a}, ${b}) DESC` },
      { semantic: `${a} RELEVANCE TO ${b} ASC`, plain: `m_relevance(${a}, ${b}) ASC` },
    ]);
    const where = this.maybe(both` WHERE ${this.condition(1)}`);
    const limit = this.pick(['', ' LIMIT 3', ' LIMIT 4 OFFSET 2', ' LIMIT 0']);
    return {
      kind: 'ordered',
      ...both`SELECT id, ${this.value()} FROM t${where} ORDER BY ${order}, id${limit}`,
    };
  }

  /** The first rows in an order without operators. */
  #first(): GeneratedQuery {
    const list = this.pick([both`id`, both`id, ${this.value()}`, both`*, ${this.value()}`]);
    const where = this.maybe(both` WHERE ${this.condition(2)}`);
    const order = this.pick(['id', 'n NULLS FIRST, id DESC', 'length(c), id']);
    const limit = this.pick(['LIMIT 1', 'LIMIT 3', 'LIMIT 2 OFFSET 1', 'LIMIT 100', 'LIMIT 0']);
    return { kind: 'ordered', ...both`SELECT ${list} FROM t${where} ORDER BY ${order} ${limit}` };
  }

  /** Conditions over a join, in WHERE. */
  #joined(): GeneratedQuery {
    const from = this.pick([
      't JOIN u ON n = k',
      't, u',
      't LEFT JOIN u ON n = k',
      't JOIN (SELECT k AS n, d FROM u) AS v USING (n)',
    ]);
    return bag(
      both`SELECT t.id, d FROM ${from} WHERE ${this.condition(1)} AND ${this.operator('t.a', 'd')}`,
    );
  }

  #case(): GeneratedQuery {
    return bag(
      both`SELECT id, CASE WHEN n > 1 THEN ${this.value()}::VARCHAR WHEN ${this.boolean()} THEN 'yes' ELSE a END FROM t`,
    );
  }

  #change(): GeneratedQuery {
    const change = this.pick([
      both`INSERT INTO target SELECT id + 100, ${this.text()}, c, n FROM t WHERE ${this.condition(1)}`,
      both`UPDATE target AS t SET c = ${this.text()} WHERE ${this.condition(1)}`,
      both`UPDATE target AS t SET c = ${this.text()}, n = n + 1 FROM u WHERE k = n AND ${this.operator('t.a', "'b'")} AND k IN (SELECT k FROM u GROUP BY k HAVING count(*) = 1)`,
      both`INSERT INTO target SELECT id + 100, ${this.text()}, d, n FROM t JOIN u ON k = n WHERE ${this.condition(1)} RETURNING id`,
      both`UPDATE target AS t SET n = (a IS DISTINCT FROM c)::INT, c = DEFAULT WHERE n IS NOT DISTINCT FROM 1 OR ${this.condition(1)}`,
      both`WITH v AS (FROM u WHERE ${this.operator('d', "'b'")}) MERGE INTO target AS t USING (SELECT DISTINCT k FROM v) AS v ON n = k WHEN MATCHED AND ${this.operator('t.a', "'b'")} THEN UPDATE SET c = 'x' WHEN NOT MATCHED THEN INSERT (n) VALUES (k)`,
      both`DELETE FROM target AS t WHERE ${this.condition(1)}`,
      both`DELETE FROM target AS t USING u WHERE n = k AND ${this.operator('t.a', 'd')}`,
      both`CREATE OR REPLACE TABLE target AS SELECT id, ${this.text()} AS a, c, n FROM t WHERE ${this.condition(1)}`,
      both`INSERT INTO target VALUES (1000, ${this.operatorText("'abc'", "'b'")}, 'x', 2)`,
    ]);
    return { kind: 'changes', ...change };
  }
}

/** The rows of `t` and `u` as SQL: few values, many of them twice, some NULL; sometimes none. */
export function tablesSql(random: () => number): string {
  const words = [
    ...["'abc'", "'b'", "'bbb'", "'none'", "''", "'a'", "'cab'", 'NULL', "'it''s'", "'bad'"],
    ...[
      "'555-0100'",
      "'-0'",
      "'12345678901234567890'",
      "'2021-01-06'",
      '\'{"a": [1]}\'',
      "'a ☃ 🙂'",
    ],
  ];
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  const rows = (count: number, row: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => row(index)).join(', ') || null;
  const t = rows(
    pick([0, 1, 5, 12, 12, 20]),
    (id) => `(${id}, ${pick(words)}, ${pick(words)}, ${pick([0, 1, 2, 3, 'NULL'])})`,
  );
  const u = rows(pick([0, 1, 4, 7]), () => `(${pick([0, 1, 2, 3])}, ${pick(words)})`);
  return [
    'CREATE OR REPLACE TABLE t (id INTEGER, a VARCHAR, c VARCHAR, n INTEGER)',
    'CREATE OR REPLACE TABLE u (k INTEGER, d VARCHAR)',
    ...(t === null ? [] : [`INSERT INTO t VALUES ${t}`]),
    ...(u === null ? [] : [`INSERT INTO u VALUES ${u}`]),
  ].join('; ');
}
