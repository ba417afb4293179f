/** Names, places and COLUMNS in the select list and in ORDER BY, under a LIMIT, beside plain macros. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSemantic, valuesOf } from './support.ts';

/** `[a¦b]` is `a EXTRACTS b`, `{a¦b}` is `a MEANS b`. */
const QUERIES = [
  "SELECT [COLUMNS('a|c')¦'b'] FROM t ORDER BY id LIMIT 3",
  "SELECT coalesce([COLUMNS('a|c')¦'b'], 'z') FROM t ORDER BY id LIMIT 3",
  "SELECT upper(COLUMNS('a|c')), [a¦'x'] FROM t ORDER BY id LIMIT 3",
  "SELECT id FROM t WHERE {COLUMNS('a|c')¦'b'} ORDER BY id LIMIT 3",
  "SELECT id AS x, n AS x, [c¦'x'] FROM t WHERE {a¦'b'} ORDER BY t.id LIMIT 2",
  'SELECT id AS x, n AS "X", [c¦\'x\'] AS x FROM t ORDER BY t.id LIMIT 2',
  "SELECT id AS x, n AS x, [c¦'x'] FROM t ORDER BY x LIMIT 2",
  "SELECT *, n + 1 AS a, [c¦'x'] AS b FROM t ORDER BY t.id LIMIT 2",
  "SELECT *, -id AS z, [c¦'x'] AS b FROM t ORDER BY z LIMIT 2",
  "SELECT n, -id AS id, [c¦'x'] FROM t ORDER BY id LIMIT 2",
  "SELECT -id, a FROM t WHERE {a¦'b'} ORDER BY 1 LIMIT 3",
  "SELECT -id, a FROM t WHERE {a¦'b'} ORDER BY ALL LIMIT 3",
  "SELECT -id AS id, a FROM t WHERE {a¦'b'} ORDER BY id LIMIT 3",
  "SELECT n, -id AS id FROM t WHERE {a¦'b'} ORDER BY id + 0 LIMIT 3",
  "SELECT n, *, -id FROM t WHERE {a¦'b'} ORDER BY 6 LIMIT 3",
  'SELECT x.id, y.id FROM t AS x JOIN t AS y USING (n) WHERE {x.a¦y.a} ORDER BY 1, 2 LIMIT 4',
];

test('keeps columns apart that have one name, and orders by what a name or a place means', async () => {
  await using engine = await openSemantic();
  await engine.query(
    "CREATE TABLE t AS SELECT i::INTEGER AS id, ['abc', 'b', 'bbb', 'none', '', 'cab', 'a'][i % 7 + 1] AS a, ['b', 'abc', 'a', 'none', 'bb'][i % 5 + 1] AS c, i % 4 AS n FROM range(40) r(i)",
  );
  for (const query of QUERIES) {
    const semantic = query
      .replace(/\[([^[¦]+)¦([^\]]+)\]/g, '$1 EXTRACTS $2')
      .replace(/\{(.+?)¦(.+?)\}/g, '$1 MEANS $2');
    const plain = query
      .replace(/\[([^[¦]+)¦([^\]]+)\]/g, 'm_extracts($1, $2)')
      .replace(/\{(.+?)¦(.+?)\}/g, 'm_means($1, $2)');
    const expected = await engine.query(plain);
    const found = await engine.query(semantic);
    assert.equal(valuesOf(found), valuesOf(expected), semantic);
    const types = [found, expected].map(({ columns }) => columns.map(({ type }) => type));
    assert.equal(types[0], types[1], semantic);
  }
});

test.run();
