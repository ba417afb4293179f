/** A SELECT that is read while it runs gives all of its rows, or an error; never a part of them as if it were all. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { OpenResult } from '../../src/duck/open-result.ts';
import type { ResultReader } from '../../src/duck/reader.ts';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { RvbbitError } from '../../src/errors.ts';
import { cases, reportCases } from '../support/cases.ts';

const ROWS = 150_000;
const CHUNK = 2_048;

const lease = await acquireDatabase(':memory:');
const session = await Session.open(lease);
await session.run(`CREATE TABLE t AS SELECT range::INTEGER AS n FROM range(${ROWS})`);
test.after(async () => {
  await session.close();
  await lease.release();
});

interface Read {
  readonly rows: readonly number[];
  readonly error?: RvbbitError;
}

/** Reads on until the end or an error; `onRows` is called with the rows that are in, after each slice. */
async function read(
  result: Pick<OpenResult | ResultReader, 'slices'>,
  onRows: (rows: number) => void | Promise<void> = () => {},
): Promise<Read> {
  const rows: number[] = [];
  try {
    for await (const { columns } of result.slices('js')) {
      for (const value of columns[0]!) rows.push(Number(value));
      await onRows(rows.length);
    }
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return { rows, error: thrown };
    throw thrown;
  }
  return { rows };
}

const isPrefix = (rows: readonly number[]) => rows.every((n, index) => n === index);
/** Places in every chunk where something is to happen; a few of them ordinarily. */
const chunks = Array.from({ length: Math.ceil(ROWS / CHUNK) }, (_, index) => index).filter(
  (index) => index % cases(9, 1) === 0,
);

test('all rows come, in order, with the columns of the query', async () => {
  const result = await session.open('SELECT n, n::VARCHAR AS text FROM t ORDER BY n');
  assert.equal(
    result.columns.map(({ name, type }) => `${name} ${type}`),
    ['n INTEGER', 'text VARCHAR'],
  );
  const { rows, error } = await read(result);
  assert.is(error, undefined);
  assert.is(rows.length, ROWS);
  assert.ok(isPrefix(rows));
});

test('an error in any chunk is thrown, whatever came before it', async () => {
  for (const source of ['t', `range(${ROWS}) r(n)`]) {
    for (const chunk of chunks) {
      const sql = `SELECT CASE WHEN n = ${chunk * CHUNK} THEN error('row ${chunk}') ELSE n END AS n FROM ${source}`;
      const { rows, error } = await session
        .open(sql)
        .then(read, (thrown: RvbbitError) => ({ rows: [], error: thrown }));
      assert.match(error?.message ?? '', `row ${chunk}`, `${rows.length} rows of ${source}`);
      assert.ok(isPrefix(rows));
    }
  }
  reportCases(2 * chunks.length, 'errors after some chunks');
});

test('an abort after any chunk is told', async () => {
  for (const chunk of chunks) {
    const abort = new AbortController();
    const result = await session.open('FROM t', { signal: abort.signal });
    const { rows, error } = await read(result, (count) => {
      if (count >= chunk * CHUNK) abort.abort();
    });
    // Once the last chunk is in memory, nothing is left to cancel.
    if (error === undefined) assert.is(rows.length, ROWS);
    else assert.is(error.code, 'RVB_CANCELLED');
    assert.ok(isPrefix(rows));
  }
  reportCases(chunks.length, 'aborts after some chunks');
});

test('another statement of the session does not wait for the reader, and takes no row from it', async () => {
  for (const chunk of chunks) {
    let isAsked = false;
    const { rows, error } = await read(await session.open('FROM t'), async (count) => {
      if (isAsked || count < chunk * CHUNK) return;
      isAsked = true;
      assert.is((await session.run('SELECT 42')).rowCount, 1);
    });
    assert.is(error, undefined);
    assert.is(rows.length, ROWS);
    assert.ok(isPrefix(rows));
  }
  reportCases(chunks.length, 'statements between chunks');
});

test("in a transaction of the caller's it sees what that has done, and an error aborts it", async () => {
  await session.run('BEGIN');
  await session.run('CREATE TABLE mine AS SELECT 7 AS n');
  assert.equal((await read(await session.open('FROM mine'))).rows, [7]);
  const broken = `SELECT CASE WHEN n = ${ROWS - 1} THEN error('last') ELSE n END AS n FROM t`;
  const { error } = await session
    .open(broken)
    .then(read, (thrown: RvbbitError) => ({ error: thrown }));
  assert.match(error?.message ?? '', /^Invalid Input Error: last|Current transaction is aborted/);
  await session.run('ROLLBACK');
  assert.is((await session.run('FROM t LIMIT 1')).rowCount, 1);
});

test('a reader that leaves early frees the session, and leaves no transaction behind', async () => {
  for await (const _ of (await session.open('FROM t')).slices('js')) break;
  const ids = [];
  for (let round = 0; round < 2; round += 1) {
    ids.push(...(await (await session.run('SELECT txid_current() AS id')).rows('json')));
  }
  assert.is.not(ids[0]?.['id'], ids[1]?.['id']);
});

test('what is no single SELECT runs as ever', async () => {
  assert.equal((await read(await session.open('SELECT 1; SELECT 2'))).rows, [2]);
  assert.equal(
    (await read(await session.open('SELECT $1::INTEGER', { parameters: [5] }))).rows,
    [5],
  );
  await read(await session.open('CREATE TEMP TABLE made AS SELECT 3 AS n'));
  assert.equal((await read(await session.open('FROM made'))).rows, [3]);
  const thrown = await session.open('SELECT nothing').catch((error: RvbbitError) => error);
  assert.is((thrown as RvbbitError).sqlState, '42703');
});

test('closing the session ends what is read', async () => {
  const other = await Session.open(lease);
  const result = await other.open('FROM t');
  const { error } = await read(result, (count) => {
    if (count === CHUNK) void other.close();
  });
  assert.is(error?.code, 'RVB_CLOSED');
});

test.run();
