import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases } from '../support/cases.ts';
import { memorySession, rejection, rowsOf } from './support.ts';

test('every column type keeps its values and its NULLs', async () => {
  await using session = await memorySession();
  await session.run(
    'CREATE TABLE t(a BIGINT, b VARCHAR, c INTEGER, d UTINYINT, e DOUBLE, f BOOLEAN)',
  );
  await session.append(
    { name: 't' },
    [
      { type: 'BIGINT', values: [1, 2n ** 63n - 1n, null] },
      { type: 'VARCHAR', values: ['a\0é', 'x'.repeat(100), null] },
      { type: 'INTEGER', values: Int32Array.of(-1, 2, 3) },
      { type: 'UTINYINT', values: Uint8Array.of(0, 255, 1) },
      { type: 'DOUBLE', values: [-0, Number.NaN, undefined] },
      { type: 'BOOLEAN', values: [true, false, null] },
    ],
    3,
  );
  const rows = await (await session.run('FROM t')).rows('js');
  assert.equal(
    rows.map((row) => Object.values(row)),
    [
      [1n, 'a\0é', -1, 0, -0, true],
      [2n ** 63n - 1n, 'x'.repeat(100), 2, 255, Number.NaN, false],
      [null, null, 3, 1, null, null],
    ],
  );
});

test('a temporary table in its catalog takes rows', async () => {
  await using session = await memorySession();
  await session.run('CREATE TEMP TABLE "odd ""name"(a BIGINT)');
  await session.append(
    { catalog: 'temp', schema: 'main', name: 'odd "name' },
    [{ type: 'BIGINT', values: [1] }],
    1,
  );
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM "odd ""name"'), [{ n: 1 }]);
});

test('a failure leaves no row behind, wherever it comes', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE t(a BIGINT PRIMARY KEY)');
  const values = Array.from({ length: 300_000 }, (_, i) => i);
  const repeated = [...values.slice(0, -1), 5];
  const constraint = await rejection(
    session.append({ name: 't' }, [{ type: 'BIGINT', values: repeated }], values.length),
  );
  assert.is(constraint.code, 'RVB_SQL');
  const odd = [...values.slice(0, -1), 1.5];
  assert.match(
    (
      await rejection(
        session.append({ name: 't' }, [{ type: 'BIGINT', values: odd }], values.length),
      )
    ).message,
    /row 300000 has a number that is no BIGINT/,
  );
  assert.match(
    (
      await rejection(
        session.append({ name: 't' }, [{ type: 'BIGINT', values }], values.length + 1),
      )
    ).message,
    /has 300000 of 300001 values/,
  );
  assert.is(
    (await rejection(session.append({ name: 'none' }, [{ type: 'BIGINT', values }], 1))).code,
    'RVB_SQL',
  );
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: 0 }]);
  await session.append({ name: 't' }, [{ type: 'BIGINT', values }], values.length);
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: 300_000 }]);
});

test('an open transaction takes the rows in and takes them back', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE t(a BIGINT); BEGIN');
  await session.append({ name: 't' }, [{ type: 'BIGINT', values: [1, 2] }], 2);
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: 2 }]);
  await session.run('ROLLBACK');
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: 0 }]);
});

test('many rows go in while the event loop keeps turning', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE t(a BIGINT, b VARCHAR)');
  const count = cases(200_000, 1_000_000);
  const texts = Array.from({ length: count }, (_, i) => `review ${i}`);
  const numbers = Array.from({ length: count }, (_, i) => i);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  await session.append(
    { name: 't' },
    [
      { type: 'BIGINT', values: numbers },
      { type: 'VARCHAR', values: texts },
    ],
    count,
  );
  const took = performance.now() - start;
  delay.disable();
  console.log(
    `append ${count} x 2: ${Math.round(took)} ms, longest stall ${Math.round(delay.max / 1e6)} ms`,
  );
  assert.equal(
    await rowsOf(
      session,
      "SELECT count(*) AS n, sum(a)::BIGINT AS s, count(*) FILTER (b = 'review ' || a) AS same FROM t",
    ),
    [{ n: count, s: (count * (count - 1)) / 2, same: count }],
  );
});

test.run();
