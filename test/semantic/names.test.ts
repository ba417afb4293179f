/** Names, places, aliases and COLUMNS in select lists and ORDER BY, beside plain macros. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { openSemantic, valuesOf } from './support.ts';

const engine = await openSemantic();
test.after(() => engine.close());

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

const ALIASES = [
  "SELECT id, {a¦'b'} AS x FROM t WHERE x AND n = 1 ORDER BY id LIMIT 3",
  "SELECT id, [a¦'b'] AS x, x || 'q' FROM t ORDER BY id",
  "SELECT id, [a¦'b'] AS x, [x¦'c'] AS y, y || x AS z FROM t WHERE y > 'a' ORDER BY z, id LIMIT 5",
  "SELECT id, [a¦'x'] AS v FROM t ORDER BY lower(v), id LIMIT 4",
  "WITH w AS (SELECT id, [a¦'x'] AS v, upper(v) AS u FROM t WHERE v > 'b') SELECT * FROM w WHERE u < 'C' ORDER BY id",
  "SELECT id, {a¦'b'} AS x FROM t QUALIFY row_number() OVER (PARTITION BY x ORDER BY id) = 1 ORDER BY id",
  "SELECT id, [a¦'x'] AS v, upper(v) FROM t UNION ALL SELECT -id, c AS v, lower(v) FROM t ORDER BY id",
];

test('an alias of an expression that holds an operator may be named in others', async () => {
  await compare(ALIASES);
  for (const from of ["a EXTRACTS 'x'", "m_extracts(a, 'x')"]) {
    await engine.query(
      `CREATE OR REPLACE TABLE ${from.startsWith('a') ? 'one' : 'other'} AS SELECT id, ${from} AS v, upper(v) FROM t WHERE v < 'b'`,
    );
  }
  const [one, other] = [await engine.query('FROM one'), await engine.query('FROM other')];
  assert.equal(one.rows, other.rows);
  assert.equal(Object.keys(one.rows[0]!), ['id', 'v', 'upper(v)']);
});

test('keeps columns apart that have one name, and orders by what a name or a place means', async () => {
  await compare(QUERIES);
});

test('names columns after the words of every operator', async () => {
  await using asking = await Engine.open({
    threads: 1,
    model: async () => ({ text: '{"answer":"one"}', finishReason: 'stop' }),
  });
  // Functions of one signature, so that numbers such as 1, 10 and 15 stand for them.
  const calls = [
    "semantic_extracts(d, 'x')",
    "semantic_ask(d, 'x')",
    "normalize(d, 'x')",
    "classify(d, 'x,y')",
    "semantic_translated(d, 'x')",
    "condense(d, 'x')",
  ];
  await asking.query("CREATE TABLE t AS SELECT 'text' AS d");
  await asking.query(`-- @ on_error: null\nCREATE TABLE made AS SELECT ${calls.join(', ')} FROM t`);
  const { columns } = await asking.query('FROM made');
  const names = columns.map(({ name }) => name.toLowerCase());
  assert.equal(names, calls);
});

async function compare(queries: readonly string[]): Promise<void> {
  await engine.query(
    "CREATE OR REPLACE TABLE t AS SELECT i::INTEGER AS id, ['abc', 'b', 'bbb', 'none', '', 'cab', 'a'][i % 7 + 1] AS a, ['b', 'abc', 'a', 'none', 'bb'][i % 5 + 1] AS c, i % 4 AS n FROM range(40) r(i)",
  );
  for (const query of queries) {
    const semantic = written(query, '$1 EXTRACTS $2', '$1 MEANS $2');
    const plain = written(query, 'm_extracts($1, $2)', 'm_means($1, $2)');
    const expected = await engine.query(plain);
    const found = await engine.query(semantic);
    assert.equal(valuesOf(found), valuesOf(expected), semantic);
    const types = [found, expected].map(({ columns }) => columns.map(({ type }) => type));
    assert.equal(types[0], types[1], semantic);
  }
}

function written(query: string, extracts: string, means: string): string {
  return query.replace(/\[([^[¦]+)¦([^\]]+)\]/g, extracts).replace(/\{(.+?)¦(.+?)\}/g, means);
}

test.run();
