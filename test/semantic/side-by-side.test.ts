/** Semantic statements beside one another, cancelled, and changing data. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RvbbitError } from '../../src/index.ts';
import { openSemantic } from './support.ts';

test('statements that run side by side on one session keep their answers apart', async () => {
  await using engine = await openSemantic();
  await engine.query("CREATE TABLE t AS SELECT 'text ' || i AS a FROM range(200) r(i)");
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, digit) =>
      engine.query(
        digit % 3 === 0
          ? `SELECT count(*) AS n FROM t WHERE a MEANS '${digit}'`
          : `SELECT count(*) FILTER (WHERE a MEANS '${digit}') AS n FROM t`,
      ),
    ),
  );
  for (const [digit, { rows }] of results.entries()) {
    const plain = await engine.query(`SELECT count(*) AS n FROM t WHERE contains(a, '${digit}')`);
    assert.equal(rows, plain.rows, `digit ${digit}`);
  }
});

test('leaves nothing behind in the session', async () => {
  await using engine = await openSemantic();
  await engine.query("CREATE TABLE t AS SELECT 'text ' || (i % 50) AS a FROM range(30000) r(i)");
  await engine.query("SELECT count(*) FROM t WHERE a MEANS '1' AND a MEANS '2'");
  await engine.query("SELECT a FROM t WHERE a MEANS '1' LIMIT 2");
  const tables = await engine.query(
    "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  assert.equal(tables.rows, [{ n: 0n }]);
});

test('a cancelled statement settles, and the next one runs', async () => {
  await using engine = await openSemantic();
  await engine.query("CREATE TABLE t AS SELECT 'text ' || i AS a FROM range(20000) r(i)");
  const controller = new AbortController();
  const running = engine.query("SELECT count(*) FROM t WHERE a MEANS '1'", undefined, {
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(), 150);
  const code = await running.then(
    () => undefined,
    (thrown: RvbbitError) => thrown.code,
  );
  assert.is(code, 'RVB_CANCELLED');
  const { rows } = await engine.query("SELECT count(*) AS n FROM t WHERE a MEANS '19999'");
  assert.equal(rows, [{ n: 1n }]);
});

test('streams rows, and takes parameters by name', async () => {
  await using engine = await openSemantic();
  await engine.query("CREATE TABLE t AS SELECT i AS id, 'text ' || i AS a FROM range(30) r(i)");
  const stream = engine.stream('SELECT id FROM t WHERE a MEANS $what AND id < $most ORDER BY id', {
    what: '1',
    most: 15,
  });
  const ids: unknown[] = [];
  for await (const row of stream) ids.push(row['id']);
  assert.equal(ids.map(Number), [1, 10, 11, 12, 13, 14]);
});

test('changes no data where an answer fails under on_error: fail', async () => {
  await using engine = await openSemantic();
  await engine.query("CREATE TABLE t AS SELECT unnest(['a', 'bb', 'long']) AS a");
  const code = await engine.query("-- @ on_error: fail\nDELETE FROM t WHERE a FAILS 'x'").then(
    () => undefined,
    (thrown: RvbbitError) => thrown.code,
  );
  assert.is(code, 'RVB_CELL');
  await engine.query("DELETE FROM t WHERE a FAILS 'x'");
  assert.equal((await engine.query('FROM t')).rows, [{ a: 'long' }]);
});

test.run();
