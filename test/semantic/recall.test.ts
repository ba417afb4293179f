/** Stored answers that are known to settle a question: found without a worker, and used only where they may be. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type ModelFunction } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';

const ROWS = 40;
const ITEMS = `SELECT i, 'item ' || i AS d FROM range(${ROWS}) r(i)`;

/** An engine whose model says whether there is a 7 in the text; `asked` counts its calls. */
async function withEngine(
  use: (engine: Engine, asked: () => number) => Promise<void>,
): Promise<void> {
  let asked = 0;
  const model: ModelFunction = async ({ messages }) => {
    asked += 1;
    const isSeven = /item \d*7/.test(String(messages.at(-1)?.content));
    return { text: JSON.stringify({ answer: isSeven }), finishReason: 'stop' };
  };
  await using engine = await Engine.open({ threads: 1, model });
  await engine.query(`CREATE TABLE t AS ${ITEMS}`);
  await use(engine, () => asked);
}

/** Runs a query as often as it takes for its answers to be known. */
async function warmed(engine: Engine, sql: string) {
  const [first] = [await engine.query(sql), await engine.query(sql)];
  return first;
}

const LIST = "SELECT i, d MEANS 'a seven' AS m FROM t ORDER BY i";

test('the same rows, hits and receipts, whether a worker found the answer or not', () =>
  withEngine(async (engine, asked) => {
    const cold = await engine.query(LIST);
    const byWorker = await engine.query(LIST);
    const known = await engine.query(LIST);
    assert.equal(known.rows, cold.rows);
    assert.is(asked(), ROWS);
    const counted = ({ summary }: typeof cold) => [summary.calls, summary.rows];
    assert.equal(counted(known), counted(byWorker));
    assert.is(known.summary.calls.cacheHits, ROWS);
  }));

test('what was not asked before is asked, beside what was', () =>
  withEngine(async (engine, asked) => {
    await warmed(engine, `${LIST.replace('ORDER', 'WHERE i < 10 ORDER')}`);
    const all = await engine.query(LIST);
    assert.is(asked(), ROWS);
    assert.equal([all.summary.calls.cacheHits, all.summary.calls.sent], [10, ROWS - 10]);
    assert.equal(
      all.rows.filter(({ m }) => m).map(({ i }) => Number(i)),
      [7, 17, 27, 37],
    );
  }));

test('a statement that wants no stored answers, or newer ones, or another prompt gets its own', () =>
  withEngine(async (engine, asked) => {
    await warmed(engine, LIST);
    for (const annotation of ['cache: refresh', 'cache: false', 'prompt: be brief', 'cache: 1ms']) {
      const before = asked();
      if (annotation === 'cache: 1ms') await new Promise((resolve) => setTimeout(resolve, 5));
      await engine.query(`-- @ ${annotation}\n${LIST}`);
      assert.is(asked() - before, ROWS, annotation);
    }
    const before = asked();
    await engine.query(`-- @ cache: 1h\n${LIST}`);
    assert.is(asked(), before);
  }));

test('an answer that was bought anew is the one that counts', async () => {
  let answer = true;
  const model: ModelFunction = async () => ({
    text: JSON.stringify({ answer }),
    finishReason: 'stop',
  });
  await using engine = await Engine.open({ threads: 1, model });
  const sql = "SELECT d MEANS 'x' AS m FROM (VALUES ('a'), ('b')) v(d)";
  await warmed(engine, sql);
  answer = false;
  await engine.query(`-- @ cache: refresh\n${sql}`);
  assert.equal((await engine.query(sql)).rows, [{ m: false }, { m: false }]);
  assert.equal((await engine.query(sql)).rows, [{ m: false }, { m: false }]);
});

test('answers of one model are not those of another', async () => {
  await using simulator = await startSimulator({ rules: [{ answer: '{"answer":true}' }] });
  await using engine = await Engine.open({
    threads: 1,
    providers: { sim: { baseUrl: simulator.url, responseFormat: 'json_schema' } },
    model: 'sim/one',
  });
  await engine.query(`CREATE TABLE t AS ${ITEMS}`);
  for (const model of ['one', 'one', 'two', 'one', 'two', 'two']) {
    await engine.query(`-- @ model: sim/${model}\n${LIST}`);
  }
  assert.is(simulator.ledger().totals.calls, 2 * ROWS);
});

test.run();
