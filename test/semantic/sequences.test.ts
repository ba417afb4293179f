/** EXPLAIN of statements that take numbers from a sequence. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSemantic } from './support.ts';

test('EXPLAIN takes no number from a sequence, and says so', async () => {
  await using engine = await openSemantic();
  await engine.query("CREATE TABLE t AS SELECT i AS id, 'text ' || i AS a FROM range(20) r(i)");
  await engine.query('CREATE SEQUENCE numbers');
  for (const sql of [
    "SELECT nextval('numbers'), a EXTRACTS 'x' FROM t",
    "SELECT id FROM t WHERE nextval('numbers') % 2 = 0 AND a MEANS '1' LIMIT 3",
    "WITH w AS (SELECT nextval('numbers') AS n, a FROM t) SELECT n FROM w WHERE a MEANS '1'",
    "CREATE TABLE other AS SELECT nextval('numbers') AS n, a EXTRACTS 'x' AS x FROM t",
    "INSERT INTO t SELECT nextval('numbers'), a EXTRACTS 'x' FROM t",
    "UPDATE t SET id = nextval('numbers') WHERE a MEANS '1'",
  ]) {
    const { notes, distinctInputs } = await engine.explain(sql);
    assert.ok(
      notes.some((note) => note.startsWith('sequences')),
      sql,
    );
    assert.ok(distinctInputs.expected > 0, sql);
    const { rows } = await engine.query('SELECT last_value FROM duckdb_sequences()');
    assert.equal(rows, [{ last_value: null }], sql);
  }
  await engine.query("EXPLAIN ANALYZE UPDATE t SET id = nextval('numbers') WHERE a MEANS '19'");
  const { rows } = await engine.query(
    "SELECT count(*) AS n FROM t WHERE a = 'text 19' AND id = currval('numbers')",
  );
  assert.equal(rows, [{ n: 1n }]);
});

test.run();
