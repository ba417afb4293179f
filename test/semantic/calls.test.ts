/** How many calls a semantic statement makes, by the ledger of a simulated model server. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { openItems } from './items.ts';

const items = await openItems();
test.after(() => items.close());

test('asks each distinct value that plain conditions leave once, and cached ones not at all', () =>
  items.with(async ({ engine, sent }) => {
    const sql = "SELECT count(*) AS n FROM items WHERE d MEANS 'rare' AND c = 3 AND length(d) > 3";
    const { rows, summary } = await engine.query(sql);
    const [left] = (await engine.query('SELECT count(DISTINCT d) AS n FROM items WHERE c = 3'))
      .rows;
    assert.is(sent(), Number(left!['n']));
    assert.is(summary.calls.sent, Number(left!['n']));
    const again = await engine.query(sql);
    assert.equal(again.rows, rows);
    assert.is(sent(), 0);
  }));

test('asks a symmetric question once, in whichever order a statement has the arguments', async () => {
  let sent = 0;
  await using engine = await Engine.open({
    threads: 1,
    model: async () => {
      sent += 1;
      return { text: '{"answer": true}', finishReason: 'stop' };
    },
  });
  await engine.query("CREATE TABLE pair AS SELECT 'one' AS a, 'two' AS b");
  for (const [sql, calls] of [
    ['SELECT b SAME_AS a AS same FROM pair', 1],
    ['SELECT a SAME_AS b AS same FROM pair', 0],
    ['SELECT a SAME_AS b AS same FROM pair WHERE b SAME_AS a IS NOT NULL LIMIT 1', 0],
  ] as const) {
    sent = 0;
    const { rows } = await engine.query(sql);
    assert.equal(rows, [{ same: true }]);
    assert.is(sent, calls, sql);
  }
});

test('asks the condition that leaves less first, whichever is written first', () =>
  items.with(async ({ engine, sent }) => {
    // 100 texts, of which 10 are rare: asking for common after rare takes 110 calls.
    for (const where of [
      "d MEANS 'rare' AND d IMPLIES 'common'",
      "d IMPLIES 'common' AND d MEANS 'rare'",
    ]) {
      const { rowCount } = await engine.query(
        `-- @ cache: false\nSELECT id FROM items WHERE ${where}`,
      );
      assert.is(rowCount, 0);
      const calls = sent();
      assert.ok(calls >= 110 && calls <= 110 * 1.05, `${calls} calls for ${where}`);
    }
  }));

test('stops at a LIMIT with the first rows in row order, at no more than n calls too many', () =>
  items.with(async ({ engine, sent }) => {
    for (const [parallel, order] of [
      [1, ''],
      [4, ''],
      [10, 'ORDER BY id'],
      [10, 'ORDER BY id DESC'],
    ] as const) {
      const plain = `SELECT id FROM items WHERE d LIKE '%0 of%' ${order} LIMIT 5 OFFSET 2`;
      const expected = (await engine.query(plain)).rows;
      const result = await engine.query(
        `-- @ parallel: ${parallel}\n-- @ cache: false\nSELECT id FROM items WHERE d MEANS 'rare' ${order} LIMIT 5 OFFSET 2`,
      );
      assert.equal(result.rows, expected);
      // The seventh match is the 61st row in order, and the 70th from the end: each text of its own.
      const oracle = order === 'ORDER BY id DESC' ? 70 : 61;
      const calls = sent();
      assert.ok(calls <= oracle + parallel, `${calls} calls with parallel ${parallel} ${order}`);
    }
  }));

test('stops at the LIMIT of a query in the WHERE of an UPDATE or DELETE', () =>
  items.with(async ({ engine, sent }) => {
    const first = "(SELECT id FROM items WHERE d MEANS 'rare' ORDER BY id LIMIT 2)";
    for (const change of ['UPDATE copied SET c = -1', 'DELETE FROM copied']) {
      await engine.query('CREATE OR REPLACE TABLE copied AS FROM items');
      const { rowCount } = await engine.query(
        `-- @ cache: false\n-- @ parallel: 1\n${change} WHERE id IN ${first}`,
      );
      assert.equal([rowCount, sent()], [2, 11], change);
      const { rows } = await engine.query(
        'SELECT id FROM items EXCEPT SELECT id FROM copied WHERE c >= 0 ORDER BY id',
      );
      assert.equal(rows, (await engine.query('SELECT id FROM items WHERE id IN (0, 10)')).rows);
    }
  }));

test('has no more calls in flight than are likely to be needed', () =>
  items.with(async ({ engine, sent }) => {
    // Nine of ten are common, the first is not.
    const { rowCount } = await engine.query(
      "SELECT id FROM items WHERE d IMPLIES 'common' LIMIT 1",
    );
    assert.is(rowCount, 1);
    const calls = sent();
    assert.ok(calls <= 5, `${calls} calls for one of the first two texts`);
  }));

test('asks operators of the select list only for the rows that come out', () =>
  items.with(async ({ engine, sent }) => {
    const { rows } = await engine.query(
      "SELECT id, d MEANS 'rare' AS rare FROM items WHERE c = 1 AND d IS NOT NULL ORDER BY id DESC LIMIT 3",
    );
    assert.equal(
      rows.map(({ rare }) => rare),
      [false, true, false],
    );
    assert.is(sent(), 3);
    await engine.query("SELECT *, d MEANS 'new' FROM items ORDER BY id LIMIT 2");
    assert.is(sent(), 2);
  }));

test('asks above a join only what the join leaves', () =>
  items.with(async ({ engine, sent }) => {
    await engine.query(
      "SELECT count(*) FROM items x JOIN items y ON x.id = y.id WHERE x.d MEANS 'rare' AND y.c = 1",
    );
    const [left] = (await engine.query('SELECT count(DISTINCT d) AS n FROM items WHERE c = 1'))
      .rows;
    assert.is(sent(), Number(left!['n']));
  }));

test('predicts the calls of a condition exactly', () =>
  items.with(async ({ engine, sent }) => {
    const sql = "SELECT id FROM items WHERE d MEANS 'rare' AND c < 2";
    const { rows } = await engine.query(`EXPLAIN (FORMAT JSON) ${sql}`);
    const { calls } = JSON.parse(String(rows[0]!['explain'])) as {
      calls: { least: number; expected: number; most: number };
    };
    assert.is(sent(), 0);
    await engine.query(sql);
    const made = sent();
    assert.equal(calls, { least: made, expected: made, most: made });
  }));

test('refuses more predicted calls than max_calls before the first', () =>
  items.with(async ({ engine, sent }) => {
    const refused = await failure(
      engine.query("-- @ max_calls: 99\nSELECT id FROM items WHERE d MEANS 'rare'"),
    );
    assert.is(refused.code, 'RVB_LIMIT');
    assert.match(
      refused.message,
      /100 model calls, and max_calls is 99; MEANS asks 100 distinct values of FROM items, without a plain condition; add/,
    );
    const narrowed = await failure(
      engine.query("-- @ max_calls: 9\nSELECT id FROM items WHERE d MEANS 'rare' AND c < 2"),
    );
    assert.match(
      narrowed.message,
      /MEANS asks \d+ distinct values of FROM items WHERE \(c < 2\); add/,
    );
    assert.is(sent(), 0);
    const joined = await failure(
      engine.query(
        '-- @ max_pairs: 1000\nSELECT 1 FROM items a JOIN items b ON a.d MEANS b.d WHERE a.c = 1',
      ),
    );
    assert.is(joined.code, 'RVB_LIMIT');
    assert.match(joined.message, /2900 pairs of values of two tables, and max_pairs is 1000/);
    assert.is(sent(), 0);
  }));

test('refuses later questions after the calls of earlier ones, and under a LIMIT after max_calls', () =>
  items.with(async ({ engine, sent }) => {
    for (const [most, condition, message, calls] of [
      [105, "d MEANS 'rare' OR d IMPLIES 'common'", /make \d+ model calls after 104/, 104],
      [20, "d MEANS 'none' LIMIT 3", /80 .* after 20/, 20],
    ] as const) {
      const sql = `-- @ max_calls: ${most}\nSELECT id FROM items WHERE ${condition}`;
      const refused = await failure(engine.query(sql));
      assert.is(refused.code, 'RVB_LIMIT', sql);
      assert.match(refused.message, message);
      assert.is(sent(), calls, sql);
    }
  }));

test('gives NULL for an answer that failed, never TRUE, and says so', () =>
  items.with(async ({ engine, sent }) => {
    const all = 'FROM items WHERE id < 10';
    const where = async (condition: string) =>
      (await engine.query(`SELECT id ${all} AND ${condition}`)).rowCount;
    const met = await engine.query(`SELECT id ${all} AND d MEANS 'broken'`);
    assert.is(met.rowCount, 9);
    assert.equal(
      met.notices.map(({ code }) => code),
      ['RVB_ANSWERS_MISSING'],
    );
    assert.equal(met.summary.rows.failed, 1);
    assert.match(
      met.summary.failures[0]!.message,
      /MEANS gives BOOLEAN, and .*perhaps.* is not a BOOLEAN/,
    );
    // The answer is stored, and fails each time.
    for (let again = 0; again < 3; again += 1) {
      const { summary } = await engine.query(`SELECT id ${all} AND d MEANS 'broken'`);
      assert.equal([summary.rows.failed, summary.calls.cacheHits], [1, 10]);
    }
    assert.is(await where("d NOT MEANS 'broken'"), 0);
    assert.is(await where("NOT (d MEANS 'broken')"), 0);
    assert.is(await where("(d MEANS 'broken') IS NULL"), 1);
    sent();
    const failed = await failure(
      engine.query(`-- @ on_error: fail\nSELECT id ${all} AND d MEANS 'broken'`),
    );
    assert.is(failed.code, 'RVB_TYPE_MISMATCH');
    const filled = await engine.query(
      `-- @ on_error: default:true\nSELECT id ${all} AND d MEANS 'broken'`,
    );
    assert.is(filled.rowCount, 10);
    sent();
    for (const sql of [
      `SELECT id ${all} AND d MEANS 'broken'`,
      `SELECT id ${all} AND d IMPLIES 'common' AND d MEANS 'broken'`,
      `SELECT id ${all} AND d MEANS 'broken' LIMIT 1`,
      `SELECT d MEANS 'broken' ${all} GROUP BY ALL`,
    ]) {
      const refused = await failure(engine.query(`-- @ on_error: default:maybe\n${sql}`));
      assert.is(refused.code, 'RVB_OPTION_TYPE');
      assert.match(refused.message, /default:maybe is not a BOOLEAN, the type that \w+ gives/);
      assert.is(sent(), 0, sql);
    }
  }));

async function failure(work: Promise<unknown>): Promise<RvbbitError> {
  try {
    await work;
  } catch (thrown) {
    return thrown as RvbbitError;
  }
  throw new Error('it did not fail');
}

test.run();
