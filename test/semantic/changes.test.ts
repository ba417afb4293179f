/** Statements that change data, in the forms in which what they read has to be told from the rest. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, QueryResult } from '../../src/index.ts';
import { openSemantic } from './support.ts';

const engine = await openSemantic();
test.after.each(async () => {
  // A test that failed may have left a transaction open.
  await engine.query('ROLLBACK').catch(() => undefined);
});
test.after(() => engine.close());

async function withTables(use: (engine: Engine) => Promise<void>): Promise<void> {
  await engine.query(
    "CREATE OR REPLACE TABLE source AS SELECT i AS id, 'text ' || i AS d FROM range(6) r(i)",
  );
  await engine.query(
    'CREATE OR REPLACE TABLE target (id INTEGER PRIMARY KEY, d VARCHAR, n INTEGER DEFAULT 5)',
  );
  await engine.query("INSERT INTO target VALUES (1, 'text 1', 0), (2, 'other', 0)");
  await use(engine);
}

function numbersOf({ rows }: QueryResult): number[][] {
  return rows.map((row) => Object.values(row).map(Number));
}

test('a MERGE after WITH changes once, and EXPLAIN nothing', () =>
  withTables(async (engine) => {
    const sql =
      "WITH s AS (FROM source) MERGE INTO target t USING s ON t.id = s.id AND t.d SAME_AS s.d WHEN NOT MATCHED AND s.d MEANS '4' THEN INSERT VALUES (s.id + 10, s.d, 0)";
    await engine.query(`EXPLAIN ${sql}`);
    const all = 'SELECT id FROM target ORDER BY id';
    assert.equal(numbersOf(await engine.query(all)), [[1], [2]]);
    assert.is((await engine.query(sql)).rowCount, 1);
    assert.equal(numbersOf(await engine.query(all)), [[1], [2], [14]]);
    const named =
      "WITH merge AS (FROM source), update AS (FROM merge) SELECT id FROM update WHERE d MEANS '4'";
    await engine.query('BEGIN');
    assert.equal(numbersOf(await engine.query(named)), [[4]], 'names of queries');
    await engine.query('ROLLBACK');
  }));

test('an INSERT over a join has RETURNING and ON CONFLICT', () =>
  withTables(async (engine) => {
    const insert =
      "INSERT INTO target SELECT a.id, a.d, 3 FROM source a JOIN source b ON a.id = b.id WHERE a.d MEANS '1'";
    const updated = await engine.query(
      `${insert} ON CONFLICT (id) DO UPDATE SET n = 7 RETURNING id, n`,
    );
    assert.equal(numbersOf(updated), [[1, 7]]);
    await engine.query('DELETE FROM target');
    assert.equal(numbersOf(await engine.query(`${insert} RETURNING id, n`)), [[1, 3]]);
  }));

test('an UPDATE has IS DISTINCT FROM and DEFAULT', () =>
  withTables(async (engine) => {
    for (const [set, rest, expected] of [
      ["n = d IS DISTINCT FROM 'other'", "d MEANS 'o'", [[2, 0]]],
      ['n = t.d IS NOT DISTINCT FROM s.d FROM source s', "t.id = s.id AND t.d MEANS '1'", [[1, 1]]],
      ['n = 8', "d IS NOT DISTINCT FROM 'other' AND d MEANS 'o'", [[2, 8]]],
      ['n = DEFAULT', "d MEANS 'o'", [[2, 5]]],
      ["(n, d) = (DEFAULT, d ASK 'q')", "d MEANS '1'", [[1, 5]]],
    ] as const) {
      const sql = `UPDATE target t SET ${set} WHERE ${rest} RETURNING t.id, n`;
      assert.equal(numbersOf(await engine.query(sql)), expected, sql);
    }
    assert.is((await engine.query("FROM target WHERE d = 'q:text 1'")).rowCount, 1);
  }));

test('parameters stand beside the query of an INSERT too', () =>
  withTables(async (engine) => {
    const insert = 'INSERT INTO target SELECT id, d, 0 FROM source WHERE d MEANS';
    await engine.query(`${insert} ? ON CONFLICT (id) DO UPDATE SET n = ?`, ['1', 9]);
    await engine.query(`${insert} $2 ON CONFLICT (id) DO UPDATE SET d = $1`, ['new', '2']);
    const { rows } = await engine.query('FROM target ORDER BY id');
    assert.equal(rows, [
      { id: 1, d: 'text 1', n: 9 },
      { id: 2, d: 'new', n: 0 },
    ]);
    const surplus = await engine.query(`${insert} ?`, ['3', 9]).catch((thrown: unknown) => thrown);
    assert.match(String(surplus), /1 parameters but 2 values/);
  }));

test('parameters are counted as DuckDB counts them, in any clause', () =>
  withTables(async (engine) => {
    for (const [sql, values] of [
      [
        // WITH, FROM, SET, WHERE
        'WITH w AS (SELECT ?::INT AS k) UPDATE target t SET d = ? FROM (SELECT ?::INT AS z) q, w WHERE t.id = z + k AND d MEANS ?',
        [1, 0, 'new', '1'],
      ],
      // WHERE, USING
      ['DELETE FROM target t USING (SELECT ?::INT AS z) q WHERE t.id = z AND d MEANS ?', ['o', 2]],
    ] as const) {
      assert.is((await engine.query(sql, values)).rowCount, 1, sql);
    }
    assert.equal((await engine.query('FROM target')).rows, [{ id: 1, d: 'new', n: 0 }]);
  }));

test.run();
