/** What a call into DuckDB gives when it is aborted: its result if it has one, else the error of the abort. */
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runInterruptibly } from '../../src/duck/interruptible.ts';

const connection = await (await DuckDBInstance.create()).connect();
const aborted = () => new Error('aborted');

test('work that has succeeded in spite of an abort has succeeded', async () => {
  const stop = new AbortController();
  const work = async () => {
    const result = await connection.run('CREATE TABLE made AS SELECT 1 AS a');
    stop.abort();
    return result.rowCount;
  };
  const { outcome, settled } = runInterruptibly(connection, work, [stop.signal], aborted);
  assert.is(await outcome, 1);
  await settled;
  assert.is((await connection.run('FROM made')).rowCount, 1);
});

test('work is not begun after an abort, and an error after an abort is the error of the abort', async () => {
  const stop = new AbortController();
  const long = () => connection.run('SELECT count(*) FROM range(100000000000) a');
  const running = runInterruptibly(connection, long, [stop.signal], aborted);
  stop.abort();
  await running.outcome.then(
    () => assert.unreachable(),
    (error: Error) => {
      assert.is(error.message, 'aborted');
    },
  );
  await running.settled;
  let hasBegun = false;
  const { outcome } = runInterruptibly(
    connection,
    async () => {
      hasBegun = true;
    },
    [stop.signal],
    aborted,
  );
  await outcome.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'aborted'),
  );
  assert.is(hasBegun, false);
});

test.run();
