/** MAP and RUN beside transactions: DuckDB numbers the rows of an open one otherwise. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, RvbbitError } from '../../src/index.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/cascades', import.meta.url));

const engine = await Engine.open({ cascades, threads: 1 });
test.after.each(async () => {
  // A test that failed may have left a transaction open.
  await engine.query('ROLLBACK').catch(() => undefined);
});
test.after(() => engine.close());

const ROWS = "SELECT i AS n, false AS hit, '' AS folder FROM range(2500) t(i)";
const EQUAL = "SELECT i % 40 AS n, false AS hit, '' AS folder FROM range(2500) t(i)";
const FORMS: readonly (readonly [what: string, query: string, options: string, count: number])[] = [
  ['all rows', ROWS, 'limit = 2500', 2_500],
  ['a limit', ROWS, 'limit = 30', 30],
  ['equal inputs', EQUAL, 'limit = 2500', 2_500],
  ['DISTINCT', EQUAL, 'limit = 30', 30],
  [
    'a column rowid',
    `SELECT n, hit, folder, 7 AS rowid, 8 AS rvb_ordinal FROM (${ROWS})`,
    'limit = 40',
    40,
  ],
];

for (const [what, query, options, count] of FORMS) {
  test(`a MAP in a transaction gives every row its own value: ${what}`, async () => {
    const distinct = what === 'DISTINCT' ? 'DISTINCT' : '';
    const map = `RVBBIT MAP PARALLEL 4 ${distinct} 'quick.yaml' AS v USING (${query}) WITH (${options})`;
    const before = await engine.query(map);
    await engine.query('BEGIN');
    const { rows, summary } = await engine.query(map);
    assert.is(rows.length, count);
    assert.equal(rows, before.rows);
    assert.is(summary.rows.ok, count);
    await engine.query(`CREATE OR REPLACE TABLE kept AS ${map}`);
    const streamed: unknown[] = [];
    for await (const row of engine.stream(map)) streamed.push(row);
    assert.equal(streamed, rows);
    await engine.query('COMMIT');
    assert.equal((await engine.query('FROM kept')).rows, rows);
  });
}

test('a RUN in a transaction sees its rows, also when a limit cuts them', async () => {
  await engine.query('BEGIN');
  const run = `RVBBIT RUN 'counts-base.yaml' USING (${ROWS}) WITH (as_table = 'base', limit = 30)`;
  await engine.query(run);
  const { rows } = await engine.query('SELECT count(*) AS n, max(n) AS last FROM base');
  assert.equal(rows, [{ n: 30n, last: 29n }]);
  await engine.query('ROLLBACK');
});

test('an unnamed struct leaves the transaction as it was', async () => {
  await engine.query('BEGIN');
  await engine.query('CREATE TABLE mine AS SELECT 1 AS a');
  const query = "SELECT row(1, 'x') AS r, i AS n, false AS hit, '' AS folder FROM range(3) t(i)";
  const { rows } = await engine.query(`RVBBIT MAP 'quick.yaml' AS v USING (${query})`);
  assert.is(rows.length, 3);
  await engine.query('COMMIT');
  assert.is((await engine.query('FROM mine')).rowCount, 1);
});

test('a statement that DuckDB reads as several leaves no transaction behind when it ends early', async () => {
  await engine.query('CREATE TABLE pivoted AS SELECT i % 30 AS k, i AS n FROM range(100000) r(i)');
  const create = (key: string) =>
    `CREATE OR REPLACE TABLE p AS PIVOT pivoted ON ${key} USING sum(n)`;
  const attempts = [
    () => engine.query(create('nothing')),
    () => engine.query(`EXPLAIN PIVOT pivoted ON nothing USING sum(n)`),
    ...Array.from({ length: 12 }, (_, ms) => async () => {
      const ending = new AbortController();
      setTimeout(() => ending.abort(), ms / 2);
      await engine.query(create('k'), undefined, { signal: ending.signal });
    }),
  ];
  await using other = await engine.session();
  for (const [index, attempt] of attempts.entries()) {
    await attempt().catch(() => undefined);
    await engine.query(`CREATE TABLE after_${index} AS SELECT ${index} AS i`);
    assert.equal((await other.query(`FROM after_${index}`)).rows, [{ i: index }]);
  }
  // A transaction of the caller's own goes on.
  await engine.query('BEGIN');
  await engine.query(create('k'));
  await engine.query('ROLLBACK');
});

test("answers that another caller's ROLLBACK takes along end the statement, and put none in a wrong row", async () => {
  await engine.query('CREATE TABLE target (n BIGINT, ms INTEGER, v VARCHAR)');
  const map = `RVBBIT MAP PARALLEL 2 'sleeps.yaml' AS v USING (SELECT i AS n, 100 AS ms FROM range(90) t(i))`;
  const ends = [`INSERT INTO target ${map}`, `${map} WITH (as_table = 'kept')`].map((sql) =>
    engine.query(sql).then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  // Rows that go to the caller alone, and are few, are not written to the session.
  const few = engine.query(map);
  await once(engine.events, 'rows');
  await engine.query('BEGIN');
  await sleep(2_300);
  await engine.query('ROLLBACK');
  for (const thrown of await Promise.all(ends)) {
    assert.instance(thrown, RvbbitError);
    assert.match((thrown as RvbbitError).message, 'a transaction was rolled back while');
  }
  const { rows, summary } = await few;
  assert.equal(
    rows.map(({ n }) => Number(n)),
    Array.from({ length: 90 }, (_, n) => n),
  );
  assert.is(summary.rows.ok, 90);
  assert.is((await engine.query('FROM target')).rowCount, 0);
});

test.run();
