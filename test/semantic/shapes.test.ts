/** The 30 shapes that splitting a query into UNION ALL branches broke or survived by luck, each beside a plain macro. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '../../src/index.ts';
import { openSemantic, valuesOf } from './support.ts';

type Kind = 'bag' | 'ordered' | 'count';

/** `{…}` is the semantic condition; the kind says what must be equal. */
const SHAPES: readonly (readonly [name: string, sql: string, kind?: Kind])[] = [
  ['plain filter under 1000 rows', 'SELECT id FROM p WHERE id < 900 AND {d}'],
  ['no WHERE with LIMIT over the rows', "SELECT id, d EXTRACTS 'q' FROM p LIMIT 5000"],
  ['ORDER BY without LIMIT', 'SELECT id FROM p WHERE {d} ORDER BY id DESC', 'ordered'],
  ['join with WHERE', 'SELECT p.id, c.name FROM p JOIN c ON p.c = c.c WHERE {p.d}'],
  ['join without WHERE', 'SELECT p.id FROM p JOIN c ON p.c = c.c AND {p.d}'],
  ['table alias', 'SELECT x.id FROM p AS x WHERE {x.d}'],
  [
    'CTE that does not aggregate',
    'WITH w AS (SELECT id, d FROM p WHERE c = 1) SELECT id FROM w WHERE {d}',
  ],
  ['IN subquery', 'SELECT id FROM p WHERE c IN (SELECT c FROM c WHERE c > 2) AND {d}'],
  ['text-typed filter', "SELECT id FROM p WHERE d > 'text 2' AND {d}"],
  ['LIMIT with skewed ids', 'SELECT id FROM p WHERE {d} AND id % 4 = 0 LIMIT 40', 'count'],
  ['more than 1000 rows without LIMIT', 'SELECT id FROM p WHERE {d}'],
  ['LIMIT below the matches', 'SELECT id FROM p WHERE {d} LIMIT 7', 'ordered'],
  ['LIMIT that branches do not divide', 'SELECT id FROM p WHERE {d} LIMIT 10', 'ordered'],
  ['ORDER BY and LIMIT', 'SELECT id FROM p WHERE {d} ORDER BY id DESC LIMIT 10', 'ordered'],
  ['LIMIT in a subquery', 'SELECT id FROM (SELECT * FROM p ORDER BY id LIMIT 50) WHERE {d}'],
  ['COUNT', 'SELECT count(*) FROM p WHERE {d}'],
  ['SUM and AVG', 'SELECT sum(id), avg(id) FROM p WHERE {d}'],
  ['GROUP BY', 'SELECT c, count(*) FROM p WHERE {d} GROUP BY c'],
  ['HAVING', 'SELECT c, count(*) FROM p WHERE {d} GROUP BY c HAVING count(*) > 100'],
  ['DISTINCT', 'SELECT DISTINCT c FROM p WHERE {d}'],
  [
    'aggregated CTE',
    'WITH w AS (SELECT c, count(*) AS n FROM p WHERE {d} GROUP BY c) SELECT * FROM w WHERE n > 1',
  ],
  ['OR in WHERE', 'SELECT id FROM p WHERE c = 1 OR {d}'],
  ['scalar subquery', 'SELECT id, (SELECT count(*) FROM p WHERE {d}) FROM c'],
  [
    'UNION ALL as input',
    'SELECT id FROM (SELECT * FROM p WHERE c = 1 UNION ALL SELECT * FROM p WHERE c = 2) WHERE {d}',
  ],
  ['the word where in a string', "SELECT id, 'where' AS w FROM p WHERE {d} AND 'x where y' <> d"],
  ['OFFSET', 'SELECT id FROM p WHERE {d} ORDER BY id LIMIT 5 OFFSET 3', 'ordered'],
  ['GROUP BY without WHERE', "SELECT d MEANS 'rare', count(*) FROM p GROUP BY d MEANS 'rare'"],
  ['window function', 'SELECT id, row_number() OVER (PARTITION BY c ORDER BY id) FROM p WHERE {d}'],
  ['no id column', 'SELECT name FROM c WHERE {name}'],
  ['trailing semicolon', 'SELECT id FROM p WHERE {d};'],
];

test('gives the right rows for each of the 30 shapes', async () => {
  assert.is(SHAPES.length, 30);
  await using engine = await openSemantic();
  await engine.query(
    "CREATE TABLE p AS SELECT i AS id, 'text ' || (i % 60) || CASE WHEN i % 3 = 0 THEN ' rare' ELSE '' END AS d, i % 7 AS c FROM range(3000) r(i)",
  );
  await engine.query(
    "CREATE TABLE c AS SELECT i AS id, i AS c, 'rare name ' || i AS name FROM range(7) r(i)",
  );
  for (const [name, shape, kind = 'bag'] of SHAPES) {
    const semantic = await rowsOf(engine, shape.replace(/\{([\w.]+)\}/g, "$1 MEANS 'rare'"));
    const plain = await rowsOf(
      engine,
      shape
        .replace(/\{([\w.]+)\}/g, "m_means($1, 'rare')")
        .replaceAll("d MEANS 'rare'", "m_means(d, 'rare')")
        .replaceAll("d EXTRACTS 'q'", "m_extracts(d, 'q')"),
    );
    assert.ok(plain.length > 0, `${name}: the plain query gives no row`);
    if (kind === 'count') assert.is(semantic.length, plain.length, name);
    else if (kind === 'ordered') assert.equal(semantic, plain, name);
    else assert.equal([...semantic].sort(), [...plain].sort(), name);
  }
});

async function rowsOf(engine: Engine, sql: string): Promise<readonly string[]> {
  return valuesOf(await engine.query(sql));
}

test.run();
