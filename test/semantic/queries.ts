/** Random queries over tables `t` and `u`, each written with semantic operators and with plain macros. */

/** The same text in both spellings. */
export interface Pair {
  readonly semantic: string;
  readonly plain: string;
}

export interface GeneratedQuery extends Pair {
  /** `ordered`: the order is total; `bag`: any; `changes`: compare the table `target` afterwards. */
  readonly kind: 'ordered' | 'bag' | 'changes';
}

type Part = Pair | string | number;

/** A template whose parts are written in both spellings. */
function both(strings: TemplateStringsArray, ...parts: Part[]): Pair {
  const side = (key: keyof Pair) =>
    strings.reduce((text, piece, index) => {
      const part = parts[index - 1]!;
      return text + (typeof part === 'object' ? part[key] : String(part)) + piece;
    });
  return { semantic: side('semantic'), plain: side('plain') };
}

function joined(parts: readonly Pair[], between: string): Pair {
  return {
    semantic: parts.map(({ semantic }) => semantic).join(between),
    plain: parts.map(({ plain }) => plain).join(between),
  };
}

const TEXTS = ['a', 'c', 't.a', 't.c', "a || 'x'", 'upper(c)', "coalesce(a, 'none')", "'abc'"];
const CRITERIA = ["'a'", "'b'", "''", "'abc'", 'c', '(c)', "lower('B')", 'NULL', "('a' || 'b')"];

/** Draws queries from a source of random numbers in [0, 1). */
export class QueryMaker {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
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
      () => this.#nested(),
      () => this.#nested(),
      () => this.#chained(),
      () => this.#limited(),
      () => this.#lazy(),
      () => this.#odd(),
    ];
    return this.#pick(shapes)();
  }

  #filter(): GeneratedQuery {
    return bag(both`SELECT id FROM t WHERE ${this.#condition(2)}`);
  }

  #select(): GeneratedQuery {
    const items = joined([this.#value(), this.#value()], ', ');
    const where = this.#maybe(both` WHERE ${this.#condition(1)}`);
    return bag(both`SELECT id, ${items} FROM t${where}`);
  }

  #group(): GeneratedQuery {
    const key = this.#value();
    const having = this.#maybe(both` HAVING count(*) > 1 OR bool_or(${this.#boolean()})`);
    return bag(both`SELECT ${key} AS k, count(*), min(id) FROM t GROUP BY ${key}${having}`);
  }

  #join(): GeneratedQuery {
    const on = this.#pick([
      both`n = k`,
      both`n = k AND ${this.#operator('t.a', 'd')}`,
      this.#operator('t.c', 'u.d'),
    ]);
    const where = this.#maybe(both` WHERE ${this.#operator('t.a', "'b'")}`);
    return bag(both`SELECT t.id, u.k FROM t JOIN u ON ${on}${where}`);
  }

  #outer(): GeneratedQuery {
    const kind = this.#pick(['LEFT', 'RIGHT', 'FULL', 'SEMI', 'ANTI']);
    const columns = kind === 'SEMI' || kind === 'ANTI' ? 't.id' : 't.id, u.k';
    return bag(
      both`SELECT ${columns} FROM t ${kind} JOIN u ON n = k AND ${this.#operator('t.a', 'd')}`,
    );
  }

  #subquery(): GeneratedQuery {
    const inner = this.#operator('u.d', this.#pick(['t.c', "'b'"]));
    return bag(
      this.#pick([
        both`SELECT id FROM t WHERE ${this.#maybeNot()}EXISTS (SELECT 1 FROM u WHERE k = n AND ${inner})`,
        both`SELECT id FROM t WHERE n ${this.#maybeNot()}IN (SELECT k FROM u WHERE ${this.#operator('d', "'b'")})`,
        both`SELECT id, (SELECT count(*) FROM u WHERE ${inner}) FROM t`,
        both`SELECT * FROM (SELECT id, ${this.#value()} AS v FROM t) WHERE v IS NOT NULL`,
        both`SELECT id FROM t WHERE (SELECT ${this.#boolean()})`,
      ]),
    );
  }

  #cte(): GeneratedQuery {
    return bag(
      both`WITH w AS (SELECT *, ${this.#value()} AS v FROM t WHERE ${this.#condition(1)}) SELECT v, count(*) FROM w GROUP BY v`,
    );
  }

  #union(): GeneratedQuery {
    const word = this.#pick(['UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT']);
    return bag(
      both`SELECT id FROM t WHERE ${this.#condition(1)} ${word} SELECT id FROM t WHERE ${this.#condition(1)}`,
    );
  }

  #window(): GeneratedQuery {
    const over = both`(PARTITION BY ${this.#boolean()} ORDER BY id)`;
    const qualify = this.#maybe(
      both` QUALIFY row_number() OVER (ORDER BY ${this.#value()} NULLS FIRST, id) <= 5`,
    );
    return bag(both`SELECT id, row_number() OVER ${over} FROM t${qualify}`);
  }

  #distinct(): GeneratedQuery {
    return bag(both`SELECT DISTINCT ${this.#value()}, n FROM t WHERE ${this.#condition(1)}`);
  }

  #lambda(): GeneratedQuery {
    return bag(
      both`SELECT id, list_filter([a, c, 'b'], lambda x: ${this.#operator('x', "'b'")}) FROM t`,
    );
  }

  #aggregate(): GeneratedQuery {
    return bag(
      both`SELECT n, count(*) FILTER (WHERE ${this.#boolean()}), max(${this.#value()}) FROM t GROUP BY n`,
    );
  }

  #top(): GeneratedQuery {
    const [a, b] = [this.#pick(TEXTS), this.#pick(CRITERIA)];
    const order = this.#pick([
      both`${this.#value()} DESC NULLS LAST`,
      { semantic: `${a} RELEVANCE TO ${b}`, plain: `m_relevance(${a}, ${b}) DESC` },
      { semantic: `${a} RELEVANCE TO ${b} ASC`, plain: `m_relevance(${a}, ${b}) ASC` },
    ]);
    const where = this.#maybe(both` WHERE ${this.#condition(1)}`);
    const limit = this.#pick(['', ' LIMIT 3', ' LIMIT 4 OFFSET 2', ' LIMIT 0']);
    return {
      kind: 'ordered',
      ...both`SELECT id, ${this.#value()} FROM t${where} ORDER BY ${order}, id${limit}`,
    };
  }

  /** The first rows in an order without operators. */
  #first(): GeneratedQuery {
    const list = this.#pick([both`id`, both`id, ${this.#value()}`, both`*, ${this.#value()}`]);
    const where = this.#maybe(both` WHERE ${this.#condition(2)}`);
    const order = this.#pick(['id', 'n NULLS FIRST, id DESC', 'length(c), id']);
    const limit = this.#pick(['LIMIT 1', 'LIMIT 3', 'LIMIT 2 OFFSET 1', 'LIMIT 100', 'LIMIT 0']);
    return { kind: 'ordered', ...both`SELECT ${list} FROM t${where} ORDER BY ${order} ${limit}` };
  }

  /** Conditions over a join, in WHERE. */
  #joined(): GeneratedQuery {
    const from = this.#pick([
      't JOIN u ON n = k',
      't, u',
      't LEFT JOIN u ON n = k',
      't JOIN (SELECT k AS n, d FROM u) AS v USING (n)',
    ]);
    return bag(
      both`SELECT t.id, d FROM ${from} WHERE ${this.#condition(1)} AND ${this.#operator('t.a', 'd')}`,
    );
  }

  /** Conditions within and around a query in FROM. */
  #nested(): GeneratedQuery {
    const list = this.#pick([both`*`, both`id, a, c, n`, both`id, n, c, upper(a) AS a`]);
    const inner = both`SELECT ${list} FROM t WHERE ${this.#condition(2)}`;
    const outer = this.#maybe(both` WHERE ${this.#condition(1)}`);
    return bag(
      this.#pick([
        () => both`SELECT id, ${this.#value()} FROM (${inner}) AS t${outer}`,
        () => both`SELECT t.id, k FROM (${inner}) AS t JOIN u ON n = k WHERE t.n > 0`,
        () =>
          both`SELECT t.id, k FROM u LEFT JOIN (${inner}) AS t ON n = k WHERE t.n IS NULL OR t.id > 2`,
        () =>
          both`SELECT count(*) FROM (SELECT * FROM (${inner}) AS t${outer}) AS t WHERE id % 2 = 1`,
        () =>
          both`SELECT id, x.v FROM t, LATERAL (SELECT ${this.#value()} AS v WHERE ${this.#boolean()}) AS x`,
      ])(),
    );
  }

  /** Several WITH queries, one of which reads another, or is read twice. */
  #chained(): GeneratedQuery {
    const first = both`w AS ${this.#pick(['', 'MATERIALIZED '])}(SELECT * FROM t WHERE ${this.#condition(1)})`;
    return bag(
      this.#pick([
        () =>
          both`WITH ${first}, t AS (SELECT * FROM w WHERE ${this.#condition(1)}) SELECT id FROM t WHERE n < 3`,
        () =>
          both`WITH ${first} SELECT x.id, y.id FROM w AS x JOIN w AS y ON x.n = y.n WHERE x.id < 5`,
        () =>
          both`WITH ${first} SELECT id FROM w WHERE n > 0 UNION ALL SELECT id FROM w AS t WHERE ${this.#boolean()}`,
        () =>
          both`WITH w(i, x) AS (SELECT id, a FROM t WHERE ${this.#condition(1)}) SELECT i FROM w WHERE i > 1`,
        () =>
          both`WITH v AS (SELECT 1 AS id) SELECT id FROM (WITH v AS (SELECT * FROM t WHERE ${this.#boolean()}) SELECT * FROM v WHERE n > 0)`,
      ])(),
    );
  }

  /** A LIMIT in a query within the query, or in what a table is made of. */
  #limited(): GeneratedQuery {
    const limit = this.#pick(['LIMIT 2', 'LIMIT 3 OFFSET 1', 'LIMIT 50']);
    const first = both`SELECT * FROM t WHERE ${this.#condition(1)} ORDER BY n NULLS LAST, id ${limit}`;
    const firsts = both`SELECT id, ${this.#value()} AS v FROM t ORDER BY id DESC ${limit}`;
    return this.#pick<() => GeneratedQuery>([
      () => bag(both`SELECT id, n FROM (${first}) AS t WHERE ${this.#condition(1)}`),
      () => bag(both`WITH w AS (${first}) SELECT count(*), min(id) FROM w`),
      () => bag(both`SELECT v FROM (${firsts}) UNION ALL (${firsts})`),
      () => bag(both`SELECT id FROM t WHERE id IN (SELECT id FROM (${first}))`),
      () => ({ kind: 'changes', ...both`CREATE OR REPLACE TABLE target AS ${first}` }),
      () => ({ kind: 'changes', ...both`INSERT INTO target ${first}` }),
      () => ({ kind: 'changes', ...both`CREATE OR REPLACE TABLE target AS ${firsts}` }),
    ])();
  }

  /** AND, OR and CASE around operators, as values. */
  #lazy(): GeneratedQuery {
    const plain = () => this.#pick(['n > 1', 'n IS NULL', 'a = c', 'id % 3 = 0']);
    const value = () =>
      this.#pick([
        () => both`(${plain()} OR ${this.#boolean()})`,
        () => both`(${plain()} AND ${this.#boolean()})`,
        () => both`(${this.#boolean()} OR ${plain()} OR ${this.#boolean()})`,
        () => both`NOT (${plain()} AND (${plain()} OR ${this.#boolean()}))`,
        () =>
          both`CASE WHEN ${plain()} THEN ${this.#boolean()} WHEN ${this.#boolean()} THEN ${plain()} ELSE ${this.#boolean()} END`,
        () => both`coalesce(CASE WHEN ${plain()} THEN ${this.#boolean()} END, ${plain()})`,
      ])();
    return this.#pick([
      () => bag(both`SELECT id, ${value()} AS x, ${value()} AS y FROM t`),
      () => bag(both`SELECT id FROM t WHERE ${value()} AND ${value()}`),
      () => bag(both`SELECT id FROM t WHERE (${value()}) IS ${this.#maybeNot()}NULL`),
      () =>
        bag(
          both`SELECT n, count(*) FILTER (WHERE ${value()}) FROM t GROUP BY n HAVING ${plain().includes('n') ? 'n > 0' : 'true'} OR bool_or(${this.#boolean()})`,
        ),
      (): GeneratedQuery => ({
        kind: 'ordered',
        ...both`SELECT id FROM t WHERE ${value()} ORDER BY id LIMIT ${this.#pick([1, 3, 30])}`,
      }),
      (): GeneratedQuery => ({
        kind: 'changes',
        ...both`DELETE FROM target AS t WHERE ${value()} AND ${value()}`,
      }),
      (): GeneratedQuery => ({
        kind: 'changes',
        ...both`UPDATE target AS t SET n = 7, c = ${this.#text()} WHERE ${value()} AND ${this.#condition(1)}`,
      }),
    ])();
  }

  /** Quoted names, comments and aliases that a planned query has to keep. */
  #odd(): GeneratedQuery {
    const condition = both`${this.#operator('"Odd ""Name"', "'b'")} /* MEANS 'x' */ AND ${this.#operator('"select"', "'a'")} -- LIMIT 1\n AND n < 3`;
    const from = both`(SELECT id AS "id#", a AS "Odd ""Name", c AS "select", n FROM t) AS "T 1"`;
    return this.#pick([
      () =>
        bag(
          both`SELECT "T 1"."id#", ${this.#operator('"T 1"."select"', "'b'")} AS "From" FROM ${from} WHERE ${condition}`,
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

  #case(): GeneratedQuery {
    return bag(
      both`SELECT id, CASE WHEN n > 1 THEN ${this.#value()}::VARCHAR WHEN ${this.#boolean()} THEN 'yes' ELSE a END FROM t`,
    );
  }

  #change(): GeneratedQuery {
    const change = this.#pick([
      both`INSERT INTO target SELECT id + 100, ${this.#text()}, c, n FROM t WHERE ${this.#condition(1)}`,
      both`UPDATE target AS t SET c = ${this.#text()} WHERE ${this.#condition(1)}`,
      both`UPDATE target AS t SET c = ${this.#text()}, n = n + 1 FROM u WHERE k = n AND ${this.#operator('t.a', "'b'")} AND k IN (SELECT k FROM u GROUP BY k HAVING count(*) = 1)`,
      both`DELETE FROM target AS t WHERE ${this.#condition(1)}`,
      both`DELETE FROM target AS t USING u WHERE n = k AND ${this.#operator('t.a', 'd')}`,
      both`CREATE OR REPLACE TABLE target AS SELECT id, ${this.#text()} AS a, c, n FROM t WHERE ${this.#condition(1)}`,
      both`INSERT INTO target VALUES (1000, ${this.#operatorText("'abc'", "'b'")}, 'x', 2)`,
    ]);
    return { kind: 'changes', ...change };
  }

  /** A condition for WHERE. */
  #condition(depth: number): Pair {
    if (depth === 0 || this.#random() < 0.3) return this.#leaf();
    return this.#pick([
      () => both`${this.#condition(depth - 1)} AND ${this.#condition(depth - 1)}`,
      () => both`(${this.#condition(depth - 1)} OR ${this.#condition(depth - 1)})`,
      () => both`NOT (${this.#condition(depth - 1)})`,
      () => both`NOT ${this.#leaf()}`,
    ])();
  }

  #leaf(): Pair {
    return this.#pick([
      () => this.#boolean(),
      () => this.#boolean(),
      () => this.#pick([both`n > 1`, both`id % 2 = 0`, both`length(c) > 1`, both`a IS NOT NULL`]),
      () => both`(${this.#boolean()}) IS ${this.#maybeNot()}NULL`,
      () => both`${this.#value()} IS NOT DISTINCT FROM ${this.#value()}`,
      () => both`coalesce((${this.#boolean()}), true)`,
      () => this.#compared(),
    ])();
  }

  /** A BOOLEAN where one is needed: scores are compared with the threshold there. */
  #boolean(): Pair {
    return this.#operator(this.#pick(TEXTS), this.#pick(CRITERIA));
  }

  #operator(a: string, b: string): Pair {
    const plain = (name: string) => `m_${name}(${a}, ${b})`;
    return this.#pick<Pair>([
      { semantic: `${a} MEANS ${b}`, plain: plain('means') },
      { semantic: `${a} matches ${b}`, plain: plain('means') },
      { semantic: `${a} NOT MEANS ${b}`, plain: `(NOT ${plain('means')})` },
      { semantic: `semantic_means(${a}, ${b})`, plain: plain('means') },
      { semantic: `${a} SAME_AS ${b}`, plain: plain('same_as') },
    ]);
  }

  #compared(): Pair {
    const [a, b] = [this.#pick(TEXTS), this.#pick(CRITERIA)];
    return this.#pick<Pair>([
      { semantic: `${a} ABOUT ${b} > 0.3`, plain: `m_about(${a}, ${b}) > 0.3` },
      { semantic: `${a} ABOUT ${b}`, plain: `(m_about(${a}, ${b}) >= 0.5)` },
      { semantic: `NOT ${a} ALIGNS WITH ${b}`, plain: `(NOT m_aligns(${a}, ${b}) >= 0.5)` },
      { semantic: `${a} ALIGNS ${b} < n`, plain: `m_aligns(${a}, ${b}) < n` },
      { semantic: `quality(${a}) >= 0.5`, plain: `m_quality(${a}) >= 0.5` },
    ]);
  }

  /** A value for a select list. */
  #value(): Pair {
    const [a, b] = [this.#pick(TEXTS), this.#pick(CRITERIA)];
    return this.#pick<Pair>([
      { semantic: `(${a} ABOUT ${b})::VARCHAR`, plain: `m_about(${a}, ${b})::VARCHAR` },
      { semantic: `(${a} MEANS ${b})::VARCHAR`, plain: `m_means(${a}, ${b})::VARCHAR` },
      { semantic: `quality(${a})::VARCHAR`, plain: `m_quality(${a})::VARCHAR` },
      this.#text(),
    ]);
  }

  #text(): Pair {
    return this.#operatorText(this.#pick(TEXTS), this.#pick(CRITERIA));
  }

  #operatorText(a: string, b: string): Pair {
    return this.#pick<Pair>([
      { semantic: `${a} EXTRACTS ${b}`, plain: `m_extracts(${a}, ${b})` },
      { semantic: `${a} ASK ${b}`, plain: `m_ask(${a}, ${b})` },
      { semantic: `${a} TRANSLATED TO ${b}`, plain: `m_translated(${a}, ${b})` },
      { semantic: `(${a} ASK ${b}) EXTRACTS 'q'`, plain: `m_extracts(m_ask(${a}, ${b}), 'q')` },
    ]);
  }

  #maybe(pair: Pair): Pair {
    return this.#random() < 0.5 ? pair : both``;
  }

  #maybeNot(): string {
    return this.#random() < 0.5 ? '' : 'NOT ';
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!;
  }
}

function bag(pair: Pair): GeneratedQuery {
  return { kind: 'bag', ...pair };
}

/** The rows of `t` and `u` as SQL: few values, many of them twice, some NULL; sometimes none. */
export function tablesSql(random: () => number): string {
  const words = ["'abc'", "'b'", "'bbb'", "'none'", "''", "'a'", "'cab'", 'NULL', "'it''s'"];
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
