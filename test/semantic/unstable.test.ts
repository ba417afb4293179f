/** Input that differs from run to run is read once: each statement sees one evaluation of it. */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Asked, openItems } from './items.ts';
import { openSemantic } from './support.ts';

const items = await openItems();
test.after(() => items.close());

const isRare = (d: unknown) => /\d*0 /.test(String(d));

/** Runs the statement without stored answers; its rows and its calls. */
async function ask({ engine, sent }: Asked, sql: string) {
  sent();
  const { rows, notices } = await engine.query(`-- @ cache: false\n${sql}`);
  assert.equal(notices, [], sql);
  return { rows, calls: sent() };
}

test('evaluates unstable conditions and operands once', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    await engine.query('CREATE TABLE few AS SELECT i AS k FROM range(7) r(i)');
    await engine.query('CREATE MACRO toss() AS random() < 0.1');
    for (const sql of [
      "SELECT * FROM items WHERE random() < 0.1 AND d MEANS 'rare'",
      "SELECT * FROM items WHERE d MEANS 'rare' AND d IMPLIES 'new' IS NOT NULL AND random() < 0.1",
      "SELECT * FROM items WHERE toss() AND d MEANS 'rare'",
      "SELECT * FROM items WHERE hash(uuid()) % 10 = 0 AND d MEANS 'rare' ORDER BY id",
      "SELECT i.d, k FROM items AS i JOIN few ON c = k WHERE random() < 0.1 AND i.d MEANS 'rare'",
      "SELECT i.* FROM items AS i, few WHERE c = k AND (random() < 0.1 AND i.d MEANS 'rare')",
      "SELECT * FROM (SELECT *, random() AS r FROM items) WHERE r < 0.1 AND d MEANS 'rare'",
      "WITH w AS (SELECT *, random() AS r FROM items) SELECT d FROM w WHERE r < 0.1 AND d MEANS 'rare'",
      "SELECT * FROM items TABLESAMPLE reservoir(20 ROWS) WHERE d MEANS 'rare'",
      "SELECT * FROM items WHERE d MEANS 'rare' USING SAMPLE 20 ROWS",
      "SELECT x.d FROM (FROM items USING SAMPLE 20 ROWS) AS x JOIN few ON c = k WHERE x.d MEANS 'rare'",
      "SELECT d FROM (SELECT * FROM items ORDER BY random() LIMIT 20) WHERE d MEANS 'rare'",
      "SELECT d FROM items WHERE CASE WHEN random() < 0.9 THEN false ELSE d MEANS 'rare' END",
      "SELECT * FROM (SELECT * FROM items WHERE random() < 0.1 AND d MEANS 'rare') WHERE id >= 0",
      "SELECT * FROM items WHERE random() < 0.1 AND d MEANS 'rare' UNION ALL SELECT * FROM items WHERE false",
      "CREATE OR REPLACE TABLE made AS SELECT * FROM items WHERE random() < 0.1 AND d MEANS 'rare'",
    ]) {
      const { rows, calls } = await ask(asked, sql);
      for (const { d } of rows) assert.ok(d === undefined || isRare(d), sql);
      // A tenth of 200 rows; 60 is nine standard deviations away, and 100 is asking everything.
      assert.ok(calls > 0 && calls < 60 + (sql.includes('IMPLIES') ? 20 : 0), `${calls}: ${sql}`);
    }
    const { rows: drawn } = await ask(
      asked,
      "SELECT r, d FROM (SELECT *, random() AS r FROM items) WHERE r < 0.8 AND d MEANS 'rare'",
    );
    assert.ok(drawn.length > 5 && drawn.every(({ r, d }) => Number(r) < 0.8 && isRare(d)));
    const first = await ask(
      asked,
      "SELECT d FROM items WHERE d IMPLIES 'common' ORDER BY random() LIMIT 5",
    );
    assert.ok(first.rows.length === 5 && first.rows.every(({ d }) => !isRare(d)));
    assert.ok(first.calls < 60, `${first.calls} calls for five rows in a random order`);
    // Each row is asked with a value of its own, and the answer that it got stands in it.
    const { rows, calls } = await ask(
      asked,
      "SELECT id, id || ' ' || random() || ' item 10 ' MEANS 'rare' AS v FROM items WHERE id < 50",
    );
    assert.ok(calls === 50 && rows.length === 50 && rows.every(({ v }) => v === true));
    const now = "SELECT count(*) AS n FROM items WHERE id < 50 AND now() || d MEANS 'rare'";
    assert.is((await ask(asked, now)).calls, 50);
  }));

test('draws from a sequence once a row', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    await engine.query('CREATE SEQUENCE tickets');
    const next = async () =>
      Number((await engine.query("SELECT nextval('tickets') AS n")).rows[0]!['n']);
    assert.is(await next(), 1);
    const half =
      "SELECT d, n FROM (SELECT d, nextval('tickets') AS n FROM items) WHERE n % 2 = 0 AND d MEANS 'rare'";
    const { rows } = await ask(asked, half);
    assert.ok(rows.length > 0 && rows.every(({ d, n }) => isRare(d) && Number(n) % 2 === 0));
    assert.is(await next(), 204);
    await ask(asked, "SELECT id FROM items WHERE nextval('tickets') % 5 = 0 AND d MEANS 'rare'");
    assert.is(await next(), 407);
    const { rows: numbered } = await ask(
      asked,
      "SELECT nextval('tickets') AS n FROM items WHERE id < 30 AND d MEANS 'rare'",
    );
    assert.is(numbered.length, 3);
  }));

test('shows nothing of what it keeps of joined rows', () =>
  items.with(async (asked) => {
    await asked.engine.query('CREATE TABLE few AS SELECT i AS k FROM range(7) r(i)');
    for (const [list, names] of [
      ['*', 'id,d,c,k'],
      ['* EXCLUDE (d)', 'id,c,k'],
      ['* REPLACE (k + 1 AS k)', 'id,d,c,k'],
      ["COLUMNS('.*')", 'id,d,c,k'],
      ['COLUMNS(*) IS NULL', 'id,d,c,k'],
      ['few.*, items.* EXCLUDE (c)', 'k,id,d'],
      ["*, random()::VARCHAR || d MEANS 'rare' AS v", 'id,d,c,k,v'],
    ] as const) {
      const sql = `SELECT ${list} FROM items JOIN few ON c = k WHERE id < 40 AND random() < 0.9 AND d MEANS 'rare'`;
      const { columns } = await asked.engine.query(sql);
      assert.is(columns.map(({ name }) => name).join(), names, sql);
    }
  }));

test('reads a file that grows once', () =>
  items.with(async (asked, simulator) => {
    const folder = await mkdtemp(join(tmpdir(), 'rvbbit-grows-'));
    try {
      const file = join(folder, 'lines.csv');
      const line = (index: number) => `${index},item ${index} of the file\n`;
      const lines = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, index) => line(from + index)).join('');
      for (const from of [`read_csv('${file}')`, `'${file}'`, `(SELECT * FROM '${file}')`]) {
        await writeFile(file, `id,d\n${lines(0, 40)}`);
        const before = simulator.ledger().totals.calls;
        const running = asked.engine.query(
          `-- @ cache: false\n-- @ parallel: 1\nSELECT id FROM ${from} AS f WHERE f.d MEANS 'rare'`,
        );
        while (simulator.ledger().totals.calls < before + 3) await pause();
        await appendFile(file, lines(40, 90));
        assert.equal(
          (await running).rows.map(({ id }) => Number(id)),
          [0, 10, 20, 30],
        );
        assert.is(simulator.ledger().totals.calls - before, 40, from);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }));

test('ends where the input cannot be staged, with every answer that it needs', () =>
  items.with(async (asked) => {
    const { engine } = asked;
    for (const sql of [
      "SELECT c, bool_or(d MEANS 'rare') AS rare FROM items WHERE id < 60 GROUP BY c HAVING random() < 0.5 AND bool_or(d MEANS 'rare')",
      "SELECT len(list_filter([d, 'item 10 '], lambda x: random() < 0.5 AND x MEANS 'rare')) AS n FROM items WHERE id < 60",
      "DELETE FROM items WHERE random() < 0.3 AND d MEANS 'rare'",
      "UPDATE items SET c = 9 WHERE random() < 0.7 AND d MEANS 'rare'",
    ]) {
      await ask(asked, sql);
    }
    const { rows } = await engine.query('SELECT d FROM items WHERE c = 9');
    assert.ok(rows.length > 0 && rows.every(({ d }) => isRare(d)));
    await engine.query('BEGIN');
    await ask(asked, "SELECT id FROM items WHERE random() < 0.5 AND d MEANS 'rare'");
    await engine.query('ROLLBACK');
  }));

test('keeps rowid, filename and the like of what it stages', () =>
  items.with(async (asked) => {
    const folder = await mkdtemp(join(tmpdir(), 'rvbbit-virtual-'));
    try {
      await asked.engine.query(`COPY (FROM items WHERE id < 90) TO '${folder}/a.parquet'`);
      await asked.engine.query('CREATE TABLE few AS SELECT i AS k FROM range(7) r(i)');
      const rare = "d MEANS 'rare'";
      for (const sql of [
        `SELECT rowid, id, d FROM items WHERE ${rare} USING SAMPLE 150 ROWS`,
        `SELECT rowid, * FROM items WHERE random() < 0.8 AND ${rare}`,
        `SELECT rowid, COLUMNS('id'), d FROM items WHERE random() < 0.8 AND ${rare}`,
        `SELECT rowid, * LIKE '%d' FROM items WHERE random() < 0.8 AND ${rare}`,
        `SELECT i.rowid, d, id FROM items AS i WHERE (i.rowid < 20 OR ${rare}) AND random() < 0.9`,
        `SELECT items.rowid, id, d FROM items JOIN few ON c = k WHERE random() < 0.8 AND ${rare}`,
        `SELECT rowid, id, d FROM items WHERE ${rare} ORDER BY random() LIMIT 5`,
        `SELECT file_row_number, * FROM '${folder}/*.parquet' WHERE ${rare}`,
        `SELECT file_row_number, id, d FROM '${folder}/a.parquet' AS f JOIN few ON c = k WHERE ${rare}`,
      ]) {
        const { rows } = await ask(asked, sql);
        assert.ok(rows.length > 3, sql);
        for (const { id, d, rowid, file_row_number: number = rowid, ...more } of rows) {
          assert.is(Number(number), Number(id), sql);
          assert.ok(isRare(d) || sql.includes('OR'), sql);
          assert.equal(Object.keys(more), /, \* FROM/.test(sql) ? ['c'] : [], sql);
        }
      }
      const files = `SELECT filename, d FROM '${folder}/*.parquet' WHERE ${rare} ORDER BY filename LIMIT 2`;
      const { rows } = await ask(asked, files);
      assert.ok(
        rows.length === 2 && rows.every(({ filename }) => /a\.parquet$/.test(String(filename))),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }));

test('says in EXPLAIN that it stages', () =>
  items.with(async ({ engine, sent }) => {
    const reasonOf = async (sql: string) => {
      const { rows } = await engine.query(`EXPLAIN (FORMAT JSON) ${sql}`);
      return (JSON.parse(String(rows[0]!['explain'])) as { reason: string }).reason;
    };
    const random = await reasonOf("SELECT * FROM items WHERE random() < 0.5 AND d MEANS 'rare'");
    assert.match(random, /may differ from run to run \(random\(\)\), so it is staged/);
    assert.match(
      await reasonOf("SELECT * FROM items TABLESAMPLE 10% WHERE d MEANS 'rare'"),
      /a sample, a LIMIT or a file\), so it is staged/,
    );
    assert.not.match(await reasonOf("SELECT * FROM items WHERE d MEANS 'rare' LIMIT 3"), /staged/);
    assert.is(sent(), 0);
  }));

test('EXPLAIN bounds no figure of rows that are drawn at random', () =>
  items.with(async ({ engine }) => {
    for (const sql of [
      "SELECT * FROM items WHERE random() < 0.1 AND d MEANS 'rare'",
      "SELECT * FROM items TABLESAMPLE bernoulli(20%) WHERE d MEANS 'rare'",
      "SELECT count(*) FROM items GROUP BY c HAVING max(d) MEANS 'rare' AND random() < 0.5",
    ]) {
      const { calls, notes } = await engine.explain(sql);
      assert.equal([calls.least, calls.most], [0, null], sql);
      assert.ok(
        notes.some((note) => note.includes('at random')),
        sql,
      );
    }
    // Not here: the operator is asked about every row all the same.
    const { calls } = await engine.explain("SELECT random(), d MEANS 'rare' FROM items");
    assert.equal([calls.least, calls.most], [100, 100]);
  }));

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

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

test.run();
