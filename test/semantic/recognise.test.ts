/** What is taken for a semantic operator, what is not, and how operands bind. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, RvbbitError } from '../../src/index.ts';
import { openSemantic } from './support.ts';

let engine: Engine;

test.before(async () => {
  engine = await openSemantic();
  await engine.query(
    'CREATE TABLE t AS SELECT 1 AS id, \'abc\' AS a, \'b\' AS "odd name", \'{"k": "abc"}\'::JSON AS j',
  );
  await engine.query(
    'CREATE TABLE means (means VARCHAR, matches VARCHAR, about INTEGER, ask VARCHAR)',
  );
  await engine.query("INSERT INTO means VALUES ('abc', 'b', 1, 'q')");
});
test.after(() => engine.close());

async function value(sql: string, parameters?: readonly unknown[]): Promise<unknown> {
  const { rows } = await engine.query(sql, parameters);
  return Object.values(rows[0] ?? {})[0];
}

async function failure(sql: string): Promise<RvbbitError> {
  try {
    await engine.query(sql);
  } catch (thrown) {
    return thrown as RvbbitError;
  }
  throw new Error(`it did not fail: ${sql}`);
}

test("leaves the operators' words to tables, columns and aliases", async () => {
  for (const sql of [
    'SELECT means FROM means',
    'SELECT a means FROM t',
    'SELECT a AS about, id ask FROM t',
    'SELECT matches.means FROM means matches',
    'FROM means ask (a, b, c, d)',
    "SELECT 'a MEANS b' AS x -- a MEANS 'b'",
    'SELECT ask, about FROM means WHERE about = 1',
    'WITH about AS (SELECT 1 AS means) SELECT means FROM about',
  ]) {
    const { summary } = await engine.query(sql);
    assert.is(summary.runs, 0, sql);
  }
});

test('tells names from operators where both stand in one statement', async () => {
  assert.is(await value("SELECT means means FROM means means WHERE means MEANS 'b'"), 'abc');
  assert.is(
    await value("SELECT ask ask FROM means ask (means, b, c, ask) WHERE ask.means MEANS 'b'"),
    'q',
  );
  assert.is(
    await value("SELECT about FROM means WHERE matches MATCHES 'b' AND means NOT MEANS 'x'"),
    1,
  );
});

test('takes any expression for an operand', async () => {
  for (const [sql, expected] of [
    ['SELECT "odd name" MEANS \'b\' FROM t', true],
    ["SELECT a::VARCHAR MEANS 'b'::VARCHAR FROM t", true],
    ["SELECT a || 'x' MEANS 'cx' FROM t", true],
    ["SELECT (j->>'k') MEANS 'b' FROM t", true],
    ["SELECT j->>'k' MEANS 'b' FROM t", true],
    ["SELECT ['x', a][2] MEANS 'b' FROM t", true],
    ["SELECT CASE WHEN id = 1 THEN a END MEANS 'b' FROM t", true],
    ["SELECT upper(a) MEANS ('B') FROM t", true],
    ["SELECT 'a' || id + 1 MEANS 'a2' FROM t", true],
    ["SELECT a MEANS 'b' = true FROM t", true],
    ["SELECT a MEANS 'b' IS NULL FROM t", false],
    ["SELECT NOT a MEANS 'b' FROM t", false],
    ["SELECT a NOT\n/* no */ MEANS 'b' FROM t", false],
    ["SELECT a ALIGNS /* with */ WITH 'b' >= 0 FROM t", true],
    ["SELECT a MEANS'b'FROM t", true],
    ["SELECT a\tMEANS\n'b' FROM t", true],
    ["SELECT $$abc$$ MEANS E'b' FROM t", true],
    ["SELECT list_filter([a, 'x'], lambda e: e MEANS 'b')[1] FROM t", 'abc'],
    ["SELECT list_filter([a, 'x'], e -> e MEANS 'b')[1] FROM t", 'abc'],
    ["SELECT semantic_means(a, 'b') FROM t", true],
    ["SELECT quality('abcd') FROM t", 1],
    ["SELECT 'äö𝒳abc' MEANS 'b' FROM t WHERE a MEANS 'b'", true],
  ] as const) {
    assert.equal(await value(sql), expected, sql);
  }
  assert.is(await value('SELECT a MEANS $1 FROM t WHERE a MEANS $2', ['b', 'c']), true);
});

test('refuses operands that DuckDB would read otherwise than most readers do', async () => {
  for (const [sql, form] of [
    ["SELECT a MEANS 'b' || 'c' FROM t", "a MEANS ('b' || 'c')"],
    ["SELECT j->'k' MEANS 'b' FROM t", "(j->'k') MEANS"],
    ["SELECT a MEANS j->>'k' FROM t", "a MEANS (j ->> 'k')"],
    ["SELECT a MEANS j->'k' FROM t", "a MEANS (j -> 'k')"],
  ] as const) {
    const error = await failure(sql);
    assert.is(error.code, 'RVB_AMBIGUOUS_OPERAND', sql);
    assert.ok(error.message.includes(form), error.message);
  }
});

test("says in the statement's own words what is wrong, and where", async () => {
  const mismatch = await failure("SELECT a,\n  id MEANS 'b' FROM t");
  assert.is(mismatch.code, 'RVB_TYPE_MISMATCH');
  assert.match(
    mismatch.message,
    /text of MEANS is VARCHAR, and got INTEGER; cast it: .* MEANS\(text VARCHAR, criterion VARCHAR\) → BOOLEAN/,
  );
  assert.match(mismatch.message, /\n {2}id MEANS 'b' FROM t\n {5}\^$/);
  assert.equal(mismatch.place, { line: 2, column: 6 });
  const column = await failure("SELECT nope MEANS 'b' FROM t");
  assert.is(column.code, 'RVB_SQL');
  assert.equal(column.place, { line: 1, column: 8 });
  const rest = await failure("SELECT a MEANS 'b' FRO t");
  assert.is(rest.code, 'RVB_SQL');
  assert.match(rest.message, /at or near "t"/);
  assert.match((await failure('SELECT nosuch(1)')).message, /nosuch does not exist/);
  assert.match((await failure('SELEC 1')).message, /near "SELEC"/i);
  assert.is((await failure("CREATE VIEW v AS SELECT a MEANS 'b' FROM t")).code, 'RVB_UNSUPPORTED');
  assert.is((await failure("-- @ bath: 1\nSELECT a MEANS 'b' FROM t")).code, 'RVB_UNKNOWN_OPTION');
});

test('leaves a function to the user who has one of the name', async () => {
  await engine.query("CREATE MACRO semantic_ask(a, b) AS 'mine'");
  const { rows, summary } = await engine.query("SELECT semantic_ask(a, 'b') AS v FROM t");
  assert.equal(rows, [{ v: 'mine' }]);
  assert.is(summary.runs, 0);
  await engine.query('DROP MACRO semantic_ask');
});

test('names columns, tables and files after the words that were written', async () => {
  const { columns } = await engine.query("SELECT a MEANS 'b', semantic_means(a, 'c') FROM t");
  assert.equal(
    columns.map(({ name }) => name),
    ["(a MEANS 'b')", "semantic_means(a, 'c')"],
  );
  await engine.query("CREATE OR REPLACE TABLE named AS SELECT a MEANS 'b' FROM t");
  const table = await engine.query('FROM named');
  assert.equal(table.columns, [{ name: "(a MEANS 'b')", type: 'BOOLEAN' }]);
});

test('needs a BOOLEAN of a score just where SQL does', async () => {
  // ABOUT gives (7 * 3 + 3 * 1) % 11 / 10 = 0.2 for 'abc' and one character.
  assert.is(await value("SELECT a ABOUT 'x' FROM t"), 0.2);
  assert.is(await value("SELECT count(*) FROM t WHERE a ABOUT 'x'"), 0n);
  assert.is(await value("-- @ threshold: 0.2\nSELECT count(*) FROM t WHERE a ABOUT 'x'"), 1n);
  assert.is(await value("SELECT count(*) FROM t WHERE a NOT ABOUT 'x'"), 1n);
  assert.is(await value("SELECT CASE WHEN a ABOUT 'x' THEN 'yes' ELSE 'no' END FROM t"), 'no');
  assert.is(await value("SELECT count(*) FILTER (WHERE a ABOUT 'x') FROM t"), 0n);
  assert.is(await value("SELECT count(*) FROM t x JOIN t y ON x.a ABOUT 'x'"), 0n);
  assert.is(await value("SELECT CASE a ABOUT 'x' WHEN 0.2 THEN 'yes' END FROM t"), 'yes');
  assert.is(
    await value("SELECT count(*) FROM t GROUP BY a HAVING a ABOUT 'x' OR count(*) > 5"),
    undefined,
  );
});

test('orders the most relevant first, in parentheses too', async () => {
  // RELEVANCE gives (3 * length + 1) % 7 / 10: 0 for two characters, 0.4 for one, 0.3 for three.
  for (const [order, ids] of [
    ["a RELEVANCE TO 'x'", '[2, 3, 1]'],
    ["(a RELEVANCE TO 'x')", '[2, 3, 1]'],
    ["((a) RELEVANCE TO ('x')) NULLS LAST, id", '[2, 3, 1]'],
    ["(a RELEVANCE TO 'x') ASC", '[1, 3, 2]'],
    ["-(a RELEVANCE TO 'x')", '[2, 3, 1]'],
  ] as const) {
    const from = "(VALUES (1, 'ab'), (2, 'a'), (3, 'abc')) v(id, a)";
    const rows = `SELECT list(id)::VARCHAR FROM (SELECT id FROM ${from} ORDER BY ${order})`;
    assert.is(await value(rows), ids, order);
    const list = `SELECT list(id ORDER BY ${order})::VARCHAR FROM ${from}`;
    assert.is(await value(list), ids, list);
  }
});

test('runs in a transaction, and leaves it as it was where an answer fails', async () => {
  await engine.query('BEGIN');
  await engine.query('CREATE TABLE w AS FROM t');
  await engine.query("UPDATE w SET a = a ASK 'q' WHERE a MEANS 'b'");
  assert.is(await value('SELECT a FROM w'), 'q:abc');
  await engine.query('ROLLBACK');
  assert.is(await value("SELECT a MEANS 'b' FROM t"), true);
});

test.run();
