/** Nothing is asked of a row that plain parts of a condition decide, wherever the condition stands; by the server's ledger. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openItems } from './items.ts';

const items = await openItems();
test.after(() => items.close());

/** Statements, and which texts they are to ask about. */
const LAZY = [
  ["SELECT id FROM items WHERE NOT (c = 2 AND d MEANS 'rare')", 'c = 2'],
  ["SELECT id FROM items WHERE NOT (c = 2 OR d MEANS 'rare')", 'c <> 2'],
  ["SELECT id, NOT (c = 2 AND d MEANS 'rare') FROM items", 'c = 2'],
  ["SELECT id FROM items WHERE (c = 2 AND d MEANS 'rare') IS NOT TRUE", 'c = 2'],
  ["SELECT id FROM items WHERE coalesce(b, d MEANS 'rare')", 'b IS NULL'],
  ["SELECT id FROM items WHERE NOT coalesce(b, d MEANS 'rare')", 'b IS NULL'],
  ["SELECT id FROM items WHERE coalesce(b, d MEANS 'rare', d MEANS 'other')", 'b IS NULL'],
  ["SELECT id, coalesce(b, d MEANS 'rare') AS r FROM items", 'b IS NULL'],
  ["SELECT id FROM items ORDER BY ifnull(b, d MEANS 'rare'), id", 'b IS NULL'],
  ["SELECT count(*) FILTER (WHERE NOT (c = 2 AND d MEANS 'rare')) FROM items", 'c = 2'],
  [
    "SELECT id FROM items QUALIFY NOT (c = 2 AND d MEANS 'rare') AND row_number() OVER () > 0",
    'c = 2',
  ],
  [
    "SELECT x.id FROM items x JOIN items y ON x.id = y.id AND NOT (x.c = 2 AND y.d MEANS 'rare')",
    'c = 2',
  ],
] as const;

test('asks only of rows that plain parts leave open', () =>
  items.with(async ({ engine, sent }) => {
    await engine.query('ALTER TABLE items ADD COLUMN b BOOLEAN');
    await engine.query('UPDATE items SET b = id % 2 = 0 WHERE id % 100 % 3 > 0');
    for (const [sql, open] of LAZY) {
      const least = `SELECT count(DISTINCT d) AS n FROM items WHERE ${open}`;
      const [row] = (await engine.query(least)).rows;
      const plain = sql.replaceAll(/(y\.)?\bd MEANS '\w+'/g, "contains($1d, '0 of')");
      const { rows } = await engine.query(`-- @ cache: false\n${sql}`);
      assert.is(sent(), Number(row!['n']), sql);
      if (sql.includes('other')) continue;
      const values = (all: typeof rows) => all.map((one) => Object.values(one).map(String).join());
      assert.equal(values(rows).sort(), values((await engine.query(plain)).rows).sort(), sql);
    }
  }));

test('makes a table WITH NO DATA without a call, and WITH DATA with one for each text', () =>
  items.with(async ({ engine, sent }) => {
    const made = async (sql: string, table: string) => {
      await engine.query(sql);
      const { rowCount, columns } = await engine.query(`FROM ${table}`);
      return [rowCount, columns.map(({ name, type }) => `${name} ${type}`).join(), sent()];
    };
    const list = "SELECT id, d MEANS 'rare' FROM items";
    const columns = "id BIGINT,(d MEANS 'rare') BOOLEAN";
    const empty = `CREATE TABLE a AS ${list} WHERE d IMPLIES 'common' WITH NO DATA`;
    const { calls } = await engine.explain(empty);
    assert.equal(calls, { least: 0, expected: 0, most: 0 });
    assert.equal(await made(empty, 'a'), [0, columns, 0]);
    assert.equal(await made(`CREATE TABLE b AS ${list} WITH DATA`, 'b'), [202, columns, 100]);
    assert.equal(
      await made(`CREATE OR REPLACE TEMP TABLE c(x, y) AS (${list}) WITH NO DATA`, 'c'),
      [0, 'x BIGINT,y BOOLEAN', 0],
    );
    // A column may be called so.
    await engine.query("CREATE TABLE e AS SELECT d MEANS 'rare' AS v FROM items AS data");
    assert.is((await engine.query('FROM e')).rowCount, 202);
  }));

test.run();
