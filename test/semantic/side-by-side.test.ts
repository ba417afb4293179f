/** Semantic statements beside one another, cancelled, and changing data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { openSemantic, root } from './support.ts';

const engine = await openSemantic();
test.after(() => engine.close());

test('statements that run side by side on one session keep their answers apart', async () => {
  await engine.query("CREATE OR REPLACE TABLE t AS SELECT 'text ' || i AS a FROM range(60) r(i)");
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
  await engine.query(
    "CREATE OR REPLACE TABLE t AS SELECT 'text ' || (i % 50) AS a FROM range(21000) r(i)",
  );
  await engine.query("SELECT count(*) FROM t WHERE a MEANS '1' AND a MEANS '2'");
  await engine.query("SELECT a FROM t WHERE a MEANS '1' LIMIT 2");
  const tables = await engine.query(
    "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  assert.equal(tables.rows, [{ n: 0n }]);
});

test('a cancelled statement settles, and the next one runs', async () => {
  await engine.query(
    "CREATE OR REPLACE TABLE t AS SELECT 'text ' || i AS a FROM range(20000) r(i)",
  );
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

test('a transaction of one engine does not stand in the way of another on the same file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rvbbit-semantic-'));
  try {
    const database = join(folder, 'x.duckdb');
    await using one = await Engine.open({ database, cascades: root, threads: 1 });
    await using other = await Engine.open({ database, cascades: root, threads: 1 });
    await one.query("CREATE OR REPLACE TABLE t AS SELECT 'abc' AS a");
    await other.query("SELECT a MEANS 'b' FROM t");
    await one.query('BEGIN');
    for (const engine of [one, other, one]) {
      const { rows } = await engine.query("SELECT a MEANS 'b' AS m FROM t");
      assert.equal(rows, [{ m: true }]);
    }
    await one.query('ROLLBACK');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('streams rows, and takes parameters by name', async () => {
  await engine.query(
    "CREATE OR REPLACE TABLE t AS SELECT i AS id, 'text ' || i AS a FROM range(30) r(i)",
  );
  const stream = engine.stream('SELECT id FROM t WHERE a MEANS $what AND id < $most ORDER BY id', {
    what: '1',
    most: 15,
  });
  const ids: unknown[] = [];
  for await (const row of stream) ids.push(row['id']);
  assert.equal(ids.map(Number), [1, 10, 11, 12, 13, 14]);
});

test('changes no data where an answer fails under on_error: fail', async () => {
  await engine.query("CREATE OR REPLACE TABLE t AS SELECT unnest(['a', 'bb', 'long']) AS a");
  const code = await engine.query("-- @ on_error: fail\nDELETE FROM t WHERE a FAILS 'x'").then(
    () => undefined,
    (thrown: RvbbitError) => thrown.code,
  );
  assert.is(code, 'RVB_CELL');
  await engine.query("-- @ on_error: null\nDELETE FROM t WHERE a FAILS 'x'");
  assert.equal((await engine.query('FROM t')).rows, [{ a: 'long' }]);
});

test.run();
