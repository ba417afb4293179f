/** A streamed SELECT that asks one question of each row gives its rows as they become certain, and the same ones as at once. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type Parameters, type Row } from '../../src/index.ts';
import { valuesOf } from './support.ts';

const ROWS = 36;
/** Items from this one on get no answer before `isRead`. */
const LATE = 28;
const NO_CALLS = { sent: 0, inFlight: 0, most: 0 };
let calls = { ...NO_CALLS };
let isRead: Promise<unknown> | undefined;
let failing = '';
const engine = await Engine.open({
  threads: 1,
  model: async ({ messages }, { signal }) => {
    const text = String(messages.at(-1)!.content);
    const number = Number(/item (\d+)/.exec(text)?.[1]);
    calls.sent += 1;
    calls.inFlight += 1;
    calls.most = Math.max(calls.most, calls.inFlight);
    const answering = (number >= LATE ? isRead : undefined) ?? sleep(2);
    await Promise.race([answering, once(signal, 'abort')]);
    calls.inFlight -= 1;
    signal.throwIfAborted();
    if (failing !== '' && text.includes(failing)) throw new Error('no answer');
    const usage = { inputTokens: 1, outputTokens: 1 };
    const answer = JSON.stringify({ answer: number % 3 > 0 });
    return { text: answer, finishReason: 'stop' as const, usage };
  },
});
test.after(() => engine.close());
test.before.each(async () => {
  failing = '';
  isRead = undefined;
  calls = { ...NO_CALLS };
  await engine.query(
    `CREATE OR REPLACE TABLE t AS SELECT i AS id, CASE WHEN i % 12 = 11 THEN NULL ELSE 'item ' || (i - i % 5 // 4) END AS d, i % 7 AS g FROM range(${ROWS}) r(i)`,
  );
  await engine.query('CREATE OR REPLACE TABLE named AS SELECT *, id + 1 AS rowid FROM t');
});

/** Settings under which no answer of an earlier statement counts. */
const FRESH = '-- @ parallel: 3\n-- @ cache: false\n';

interface Reading {
  readonly parameters?: Parameters | undefined;
  /** Called at each row. The answers about the last items come after the first call. */
  readonly onRow?: ((row: number) => unknown) | undefined;
}

async function streamed(sql: string, { parameters, onRow }: Reading) {
  await using session = await engine.session();
  let read = () => {};
  if (onRow !== undefined) {
    isRead = new Promise<void>((resolve) => {
      read = resolve;
    });
  }
  const stream = session.stream(FRESH + sql, parameters, { signal: AbortSignal.timeout(20_000) });
  const rows: Row[] = [];
  for await (const row of stream) {
    await onRow?.(rows.length);
    rows.push(row);
    read();
  }
  return { rows, columns: await stream.columns, notices: stream.notices };
}

/** Compares a stream with the same statement at once. */
async function compare(sql: string, reading: Reading): Promise<void> {
  calls = { ...NO_CALLS };
  const whole = await engine.query(FRESH + sql, reading.parameters);
  const { sent } = calls;
  calls = { ...NO_CALLS };
  const stream = await streamed(sql, reading);
  const named = ({ columns }: Pick<typeof whole, 'columns'>) =>
    columns.map(({ name, type }) => `${name} ${type}`);
  assert.equal(named(stream), named(whole), sql);
  assert.equal(valuesOf(stream), valuesOf(whole), sql);
  assert.equal(stream.notices, whole.notices, sql);
  assert.is(calls.sent, sent, `${sql}: calls`);
  assert.ok(calls.most <= 3, `${calls.most} calls at a time`);
}

const GOOD = "SELECT id, d FROM t WHERE d MEANS 'good'";
const early: readonly (readonly [string, Parameters?])[] = [
  [GOOD],
  ["SELECT * FROM t WHERE d MEANS 'good'"],
  ["SELECT d, upper(x.d), x.id + 1 FROM t AS x WHERE x.g < 6 AND NOT x.d MEANS 'good'"],
  ["SELECT id, t.d MEANS 'good' AS is_good FROM t WHERE g <> 2"],
  ["SELECT id FROM t WHERE lower(d) || '!' MEANS ?::VARCHAR AND id > ?", ['good', 1]],
  ["WITH c AS (FROM t WHERE id > 3) SELECT c.* FROM c WHERE d MEANS 'good' LIMIT 9000"],
  ["SELECT id FROM t WHERE to_json(t) MEANS 'good'"],
  ["SELECT * FROM (SELECT 'item ' || range AS d FROM range(34)) WHERE d MEANS 'good'"],
];
for (const [sql, parameters] of early) {
  test(`gives the first rows before the last answers: ${sql}`, () =>
    compare(sql, { parameters, onRow: () => undefined }));
}

test('gives the same rows of a query whose rows come at once', async () => {
  for (const sql of [
    `${GOOD} ORDER BY id DESC`,
    `${GOOD} LIMIT 9000 OFFSET 2`,
    "SELECT DISTINCT g FROM t WHERE d MEANS 'good' AND g = 1",
    "SELECT count(*) FROM t WHERE d MEANS 'good'",
    "SELECT rowid, d FROM t WHERE d MEANS 'good'",
    "SELECT rowid, d FROM named WHERE d MEANS 'good'",
    "SELECT id, now() < '2000-01-01' AS old FROM t WHERE d MEANS 'good'",
    "SELECT id, (SELECT max(id) FROM t) AS most FROM t WHERE d MEANS 'good'",
  ]) {
    await compare(sql, {});
  }
});

test('reads its rows once: what is written after the first row does not show', async () => {
  const { rows } = await engine.query(FRESH + GOOD);
  const write = (row: number) =>
    row === 0 ? engine.query("UPDATE t SET d = 'item 2', id = -id") : undefined;
  assert.equal((await streamed(GOOD, { onRow: write })).rows, rows);
});

test('a row that cannot be computed ends it with the same error, after the rows before it', async () => {
  const sql = `SELECT CAST(CASE WHEN id < ${LATE} THEN '1' ELSE 'no' END AS INTEGER) FROM t WHERE d MEANS 'good'`;
  const ending = (thrown: Error) => thrown.message;
  const whole = await engine.query(FRESH + sql).catch(ending);
  let rows = 0;
  const onRow = () => {
    rows += 1;
  };
  assert.is(await streamed(sql, { onRow }).catch(ending), whole);
  assert.ok(rows > 0);
});

test('an answer that fails ends it where it must not, and else counts as NULL', async () => {
  failing = 'item 30';
  const [notice] = (await streamed(GOOD, { onRow: () => undefined })).notices;
  assert.is(notice?.code, 'RVB_ANSWERS_MISSING');
  const thrown = await streamed(`-- @ on_error: fail\n${GOOD}`, {}).catch(String);
  assert.match(String(thrown), /no answer/);
});

test('answers that were given in portions are found again, and only those of new rows are bought', async () => {
  const kept = GOOD.replace('good', 'kept');
  const asked = `-- @ parallel: 3\n${kept}`;
  const first = await engine.query(asked);
  calls = { ...NO_CALLS };
  await engine.query("INSERT INTO t SELECT i, 'item ' || i, 0 FROM range(100, 400) r(i)");
  await using session = await engine.session();
  let sentAtFirst = 0;
  const rows: Row[] = [];
  for await (const row of session.stream(asked)) {
    if (rows.length === 0) sentAtFirst = calls.sent;
    rows.push(row);
  }
  assert.ok(sentAtFirst < 300, `${sentAtFirst} calls before the first row`);
  assert.is(calls.sent, 300);
  assert.equal(rows.slice(0, first.rows.length), first.rows);
  assert.equal((await engine.query(asked)).rows, rows);
  assert.is(calls.sent, 300);
});

test('a reader that leaves ends the calls', async () => {
  await using session = await engine.session();
  isRead = new Promise(() => undefined);
  for await (const _ of session.stream(FRESH + GOOD)) break;
  for (let wait = 0; calls.inFlight > 0 && wait < 100; wait += 1) await sleep(10);
  assert.is(calls.inFlight, 0);
  assert.is((await session.query('SELECT 1 AS one')).rows.length, 1);
});

test.run();
