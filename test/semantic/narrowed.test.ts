/** Queries that need the answers of some rows only: what they ask, and the rows that they give beside a plain condition. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { valuesOf } from './support.ts';

const TABLES = `
  CREATE TABLE t AS SELECT i AS id, 'text ' || i || CASE WHEN i % 2 = 0 THEN ' even' ELSE '' END AS d FROM range(100) r(i);
  CREATE TABLE l AS SELECT i AS id, i % 4 AS k FROM range(24) r(i) UNION ALL SELECT NULL, 1;
  CREATE TABLE r AS SELECT i AS id, 'right ' || i || CASE WHEN i % 5 = 0 THEN ' even' ELSE '' END AS d FROM range(24) r(i)
    UNION ALL SELECT NULL, 'nobody is even';
  CREATE TABLE u AS SELECT i AS id, 'none ' || i AS d FROM range(4) r(i);`;

/** A query with `{…}` for the condition, and the calls that it makes. */
type Asked = readonly [query: string, calls: number];

async function check(queries: readonly Asked[], around = ''): Promise<void> {
  let sent = 0;
  await using engine = await Engine.open({
    threads: 1,
    model: async ({ messages }) => {
      sent += 1;
      const text = /<text>(.*)<\/text>/s.exec(messages.at(-1)!.content)![1]!;
      return { text: `{"answer": ${text.endsWith(' even')}}`, finishReason: 'stop' };
    },
  });
  for (const table of TABLES.split(';').slice(0, -1)) await engine.query(table);
  await using session = await engine.session();
  if (around !== '') await session.query(around);
  for (const [query, calls] of queries) {
    const head = '-- @ cache: false\n-- @ parallel: 1\n';
    sent = 0;
    const semantic = await session.query(head + query.replace(/\{(.*?)\}/g, "$1 MEANS 'even'"));
    const plain = await session.query(query.replace(/\{(.*?)\}/g, "ends_with($1, ' even')"));
    assert.equal(valuesOf(semantic).sort(), valuesOf(plain).sort(), query);
    assert.equal(
      semantic.columns.map(({ name, type }) => `${name} ${type}`),
      plain.columns.map(({ name, type }) => `${name} ${type}`),
    );
    assert.is(sent, calls, query);
  }
}

test('NOT EXISTS asks for the keys that the query around it has', () =>
  check([
    ['SELECT * FROM l WHERE k = 1 AND NOT EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND {r.d})', 6],
    ['SELECT * FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE l.id = r.id AND {r.d})', 24],
    ['SELECT * FROM l WHERE k = 1 AND NOT EXISTS (SELECT 1 FROM u WHERE l.id = id + 1 AND {d})', 1],
    [
      'SELECT k FROM l WHERE k = 1 AND EXISTS (SELECT d AS x FROM t WHERE id + 3 = l.id AND {d})',
      5,
    ],
    ['SELECT k FROM l WHERE k = 1 AND EXISTS (SELECT 1 FROM u WHERE rowid = id AND {d})', 4],
    ['SELECT k FROM l WHERE k = 1 AND EXISTS (SELECT id AS n FROM u WHERE n = id AND {d})', 4],
    // Only EXISTS over a column or a value is TRUE exactly where a row is.
    ...['count(*)', 'unnest([1])', 'unnest([]::INT[])'].flatMap((item) =>
      ['', 'NOT '].map(
        (not) =>
          [
            `SELECT * FROM l WHERE k = 1 AND ${not}EXISTS (SELECT ${item} FROM r WHERE r.id = l.id AND {r.d})`,
            6,
          ] as const,
      ),
    ),
  ]));

test('NOT IN asks for the keys that the query around it has, for NULLs, and for all beside a NULL key', () =>
  check([
    ['SELECT * FROM l WHERE k = 1 AND id NOT IN (SELECT id FROM t WHERE {d})', 7],
    ['SELECT * FROM l WHERE k = 2 AND id NOT IN (SELECT id FROM t WHERE {d})', 6],
    ['SELECT * FROM l WHERE k = 2 AND id NOT IN (SELECT id FROM r WHERE {r.d})', 7],
    ['SELECT * FROM l WHERE k = 2 AND id NOT IN (SELECT id FROM r WHERE NOT {r.d})', 7],
    ['SELECT * FROM l WHERE k = 1 AND id NOT IN (SELECT id FROM t WHERE id > 500 AND {d})', 0],
  ]));

test('a LIMIT around IN, EXISTS or NOT EXISTS stops the asking', () =>
  check([
    ['SELECT id FROM l WHERE id IN (SELECT id FROM t WHERE {d}) ORDER BY id LIMIT 2', 3],
    [
      'SELECT id FROM l WHERE id IN (SELECT id FROM t WHERE {d}) ORDER BY id DESC LIMIT 1 OFFSET 1',
      4,
    ],
    [
      'SELECT l.id FROM l WHERE EXISTS (SELECT 1 FROM t WHERE t.id % 4 = l.k AND {t.d}) ORDER BY l.id LIMIT 2',
      27,
    ],
    [
      'SELECT l.id FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND {r.d}) ORDER BY l.id NULLS FIRST LIMIT 3',
      3,
    ],
    ['SELECT id FROM l WHERE id IN (SELECT id FROM t WHERE {d}) ORDER BY id LIMIT 0', 0],
    ['SELECT id FROM l WHERE id IN (SELECT id FROM u WHERE {d}) ORDER BY id LIMIT 2', 4],
    // Another condition decides too which rows come first.
    [
      'SELECT id FROM l WHERE id IN (SELECT id FROM t WHERE {d}) AND id IN (SELECT id FROM r WHERE id > 3) ORDER BY id LIMIT 1',
      1,
    ],
    [
      'SELECT l.id FROM l JOIN t ON l.id = t.id WHERE {t.d} AND l.id IN (SELECT id FROM r WHERE {r.d}) ORDER BY l.id LIMIT 1',
      2,
    ],
  ]));

test('a SEMI or ANTI join is asked as EXISTS or NOT EXISTS', () =>
  check([
    ['SELECT * FROM l SEMI JOIN r ON l.id = r.id AND {r.d} WHERE k = 1', 6],
    ['SELECT * FROM l ANTI JOIN r ON r.id = l.id AND {r.d} WHERE k = 2', 6],
    ['SELECT id FROM l SEMI JOIN r ON l.id = r.id AND {r.d} ORDER BY id LIMIT 2', 6],
    ['SELECT * FROM l SEMI JOIN t ON t.id % 2 = l.k AND {t.d}', 51],
    ['SELECT * FROM l ANTI JOIN t ON l.k < t.id AND {t.d} WHERE l.id = 1', 1],
  ]));

const Q = '(SELECT * FROM t WHERE {d}) AS q';

test('a join asks a query in its FROM for the rows that it can use', () =>
  check([
    [
      'WITH q AS (SELECT * FROM t WHERE {d}) SELECT l.id FROM l JOIN q ON l.id = q.id WHERE k = 1',
      6,
    ],
    [`SELECT l.id, q.* FROM l, ${Q} WHERE q.id = l.id AND l.k = 1`, 6],
    [`SELECT l.id, q.d FROM l LEFT JOIN ${Q} ON l.id = q.id WHERE k = 1`, 6],
    [`SELECT l.id, q.d FROM ${Q} RIGHT JOIN l ON l.id = q.id AND l.k = 1`, 100],
    [`SELECT l.id FROM l ANTI JOIN ${Q} ON l.id = q.id WHERE k = 1`, 6],
    [`SELECT q.id FROM ${Q} SEMI JOIN l ON l.id = q.id AND l.k = 1`, 6],
    [`SELECT id, q.d FROM l JOIN ${Q} USING (id) WHERE k = 1 AND id > 9`, 3],
    [`SELECT id, q.d FROM l LEFT JOIN ${Q} USING (id) WHERE k = 1`, 6],
    ['WITH q AS (SELECT * FROM t WHERE {d}) SELECT id FROM q JOIN l USING (id) WHERE k = 1', 6],
    ['SELECT l.id, e FROM l JOIN (SELECT id AS i, {d} AS e FROM t) q ON l.id = q.i WHERE k = 1', 6],
    [
      'WITH f AS (SELECT * FROM l WHERE k = 1), q AS (SELECT * FROM t WHERE {d}) SELECT q.d FROM f JOIN q ON f.id = q.id',
      6,
    ],
    // A column of the query in FROM is no column of its table.
    ['SELECT l.id FROM l JOIN (SELECT id AS b, id % 3 AS id FROM t WHERE {d}) q ON l.id = q.b', 24],
  ]));

test('a join keeps the rows of a query in its FROM that it shows without a partner', () =>
  check([
    [`SELECT l.id, q.d FROM ${Q} LEFT JOIN l ON l.id = q.id`, 100],
    [`SELECT l.id, q.d FROM ${Q} FULL JOIN l ON l.id = q.id AND l.k = 1`, 100],
    [`SELECT q.id FROM ${Q} ANTI JOIN l ON l.id = q.id`, 76],
    [`SELECT id, q.d FROM l RIGHT JOIN ${Q} USING (id) WHERE id < 3`, 3],
    [`SELECT id FROM l JOIN r USING (id) JOIN ${Q} USING (id) WHERE l.k = 1`, 6],
    [`SELECT l.id, q.id FROM l ASOF JOIN ${Q} ON l.id >= q.id WHERE l.id = q.id`, 24],
    // The WHERE holds for the NULLs of an outer join, not for rows of l.
    [
      `SELECT r.id, l.id, q.d FROM r LEFT JOIN (l JOIN ${Q} ON l.id = q.id) ON r.id = l.id WHERE l.k IS NULL`,
      24,
    ],
    // Another l.
    [
      `WITH q AS (SELECT * FROM t WHERE {d}), l AS (SELECT id + 40 AS id FROM r) SELECT l.id FROM l JOIN q ON l.id = q.id`,
      24,
    ],
    [
      'SELECT l.id FROM l JOIN (WITH l AS (SELECT 1) SELECT * FROM t WHERE {d}) q ON l.id = q.id WHERE k = 1',
      6,
    ],
  ]));

const ARMS =
  '(SELECT id, d FROM t WHERE {d} UNION ALL SELECT id, d FROM r WHERE {d} UNION ALL SELECT * FROM u) AS q';

test('a LIMIT and plain conditions over a UNION in FROM reach its arms', () =>
  check([
    [`SELECT * FROM ${ARMS} LIMIT 2`, 3],
    [`SELECT d, id + 1 AS next FROM ${ARMS} LIMIT 1 OFFSET 1`, 3],
    [`SELECT * FROM ${ARMS} WHERE id < 5`, 10],
    [`SELECT count(*) FROM ${ARMS} WHERE q.id BETWEEN 3 AND 4`, 4],
    [`SELECT * FROM ${ARMS} WHERE id > 90 LIMIT 1`, 2],
    [
      'WITH q AS (SELECT id FROM t WHERE {d} UNION ALL SELECT id FROM u) SELECT id FROM q WHERE id < 5',
      5,
    ],
    [
      'SELECT b FROM (SELECT id, d FROM t WHERE {d} UNION ALL SELECT * FROM u) q(b, c) WHERE b < 5',
      5,
    ],
    ['SELECT id FROM (SELECT id FROM t WHERE {d} UNION SELECT k FROM l) q WHERE id < 5', 1],
    [
      'SELECT id FROM (SELECT id, 1 AS k FROM t WHERE {d} UNION ALL SELECT k, id FROM l) q WHERE id = 2',
      1,
    ],
  ]));

test('what an arm would see in another way stays above a UNION', () =>
  check([
    [`SELECT id FROM ${ARMS} ORDER BY id DESC LIMIT 1`, 2],
    [`SELECT count(*) FROM ${ARMS} LIMIT 1`, 125],
    [`SELECT row_number() OVER () AS n FROM ${ARMS} LIMIT 1`, 125],
    [`SELECT unnest([]::INT[]) AS n FROM ${ARMS} LIMIT 1`, 125],
    // The condition compares texts, not numbers.
    ["SELECT id FROM (SELECT id FROM t WHERE {d} UNION ALL SELECT '03') q WHERE id = '03'", 0],
    [
      'SELECT id FROM (SELECT id FROM t WHERE {d} UNION ALL BY NAME SELECT id FROM r) q WHERE id = 3',
      1,
    ],
    [
      'SELECT id FROM (SELECT id FROM t WHERE {d} UNION ALL SELECT id FROM l LIMIT 60) q WHERE id = 3',
      100,
    ],
    [
      'SELECT n FROM (SELECT count(*) AS n FROM t WHERE {d} UNION ALL SELECT k FROM l) q WHERE n > 3',
      100,
    ],
    // Another t.
    [
      'WITH q AS (SELECT id FROM t WHERE {d} UNION ALL SELECT 1::BIGINT), t AS (SELECT 2::BIGINT AS id, d FROM r) SELECT id FROM q WHERE id < 3',
      3,
    ],
    [
      'WITH q AS (SELECT id FROM t WHERE {d}), t AS (SELECT 2::BIGINT AS id, d FROM r) SELECT id FROM q WHERE id < 3',
      3,
    ],
  ]));

test('a whole number as a DOUBLE, which JavaScript writes without its point, keeps the plan', () =>
  check([
    ['SELECT id FROM t WHERE id < 3e0 AND {d} LIMIT 2', 3],
    ['SELECT id FROM l WHERE k = 2 AND id IN (SELECT id FROM r TABLESAMPLE 100% WHERE {r.d})', 6],
  ]));

test('a LIMIT that is computed from literals stops the asking', () =>
  check([
    ['SELECT id FROM t WHERE {d} LIMIT 1 + 1', 3],
    ["SELECT id FROM t WHERE {d} LIMIT least(1, 5) OFFSET '1'::INT", 3],
    ['SELECT id FROM (SELECT id FROM t WHERE {d} LIMIT 4 // 2) q', 3],
    ['SELECT id FROM t WHERE {d} LIMIT NULL::INT', 100],
    ['SELECT id FROM t WHERE {d} LIMIT (SELECT 2)', 100],
  ]));

test('a LIMIT in a transaction stops beside comparisons that cannot fail', () =>
  check(
    [
      ['SELECT id FROM t WHERE id IN (2, 3, 4, 6) AND {d} LIMIT 2', 3],
      ["SELECT id FROM t WHERE d NOT IN ('a', 'b') AND {d} LIMIT 2", 3],
      ["SELECT id FROM t WHERE d LIKE 'text%' AND d NOT ILIKE '%none' AND {d} LIMIT 2", 3],
      ['SELECT id FROM t WHERE id BETWEEN 10 AND 20 AND {d} LIMIT 2', 3],
      // DuckDB evaluates these with the answers, a row after another.
      ['SELECT id FROM t WHERE ({d}) = TRUE ORDER BY id LIMIT 3', 5],
      ['SELECT id FROM t WHERE ({d}) IS NOT TRUE LIMIT 3', 6],
      ['SELECT id FROM t WHERE ({d}) IN (TRUE, NULL) LIMIT 3', 5],
    ],
    'BEGIN',
  ));

test.run();
