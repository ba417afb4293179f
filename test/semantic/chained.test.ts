/** Questions that are made of other answers, and statements that would keep operators beyond their end. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RvbbitError } from '../../src/index.ts';
import { openSemantic, valuesOf } from './support.ts';

const engine = await openSemantic();
test.after(() => engine.close());

test('asks as long as answers lead to further questions', async () => {
  await engine.query("CREATE OR REPLACE TABLE t AS SELECT unnest(['abc', 'b', NULL]) AS a");
  const depth = 7;
  const nested = (wrap: (inner: string, step: number) => string) =>
    Array.from({ length: depth }).reduce<string>((inner, _, step) => wrap(inner, step), 'a');
  const pairs = [
    [
      `SELECT ${nested((inner, step) => `(${inner} ASK '${step}')`)} FROM t`,
      `SELECT ${nested((inner, step) => `m_ask(${inner}, '${step}')`)} FROM t`,
    ],
    ...["s ASK 'z'", "m_ask(s, 'z')"].map(
      (next) =>
        `WITH RECURSIVE r(i, s) AS (SELECT 1, 'b' UNION ALL SELECT i + 1, ${next} FROM r WHERE i < ${depth}) SELECT * FROM r`,
    ),
  ].flat();
  for (let at = 0; at < pairs.length; at += 2) {
    const found = valuesOf(await engine.query(pairs[at]!));
    assert.equal(found, valuesOf(await engine.query(pairs[at + 1]!)));
    assert.ok(found.length >= 3);
  }
});

test('refuses statements that would keep an operator for later', async () => {
  await engine.query("CREATE OR REPLACE TABLE t AS SELECT 'abc' AS a");
  for (const sql of [
    "PREPARE p AS SELECT a FROM t WHERE a MEANS 'b'",
    "EXPLAIN PREPARE p AS SELECT a FROM t WHERE a MEANS 'b'",
    "ALTER TABLE t ADD COLUMN b VARCHAR DEFAULT ('a' EXTRACTS 'b')",
  ]) {
    const code = await engine.query(sql).then(
      () => undefined,
      (thrown: RvbbitError) => thrown.code,
    );
    assert.is(code, 'RVB_UNSUPPORTED', sql);
  }
  await engine.query("ALTER TABLE t ALTER a TYPE VARCHAR USING (a EXTRACTS 'b')");
  assert.equal((await engine.query('FROM t')).rows, [{ a: 'ab1' }]);
});

test('max_pairs holds for a condition between a query and one in its WHERE', async () => {
  await engine.query("CREATE OR REPLACE TABLE t AS SELECT unnest(['abc', 'b', 'c']) AS a, 1 AS n");
  const query =
    'SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t AS u WHERE t.a MEANS u.a AND t.n = u.n)';
  const code = await engine.query(`-- @ max_pairs: 2\n${query}`).then(
    () => undefined,
    (thrown: RvbbitError) => thrown.code,
  );
  assert.is(code, 'RVB_LIMIT');
  assert.is((await engine.query(query)).rows.length, 3);
  await engine.query('-- @ max_pairs: 2\nSELECT a FROM t WHERE a MEANS a AND n IN (SELECT 1)');
});

test.run();
