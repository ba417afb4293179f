/** A model whose answers cannot be used is not asked for every row. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngine, queryOf } from './engine-support.ts';

/** Answers of one thread at a time, so that "in a row" is exact. */
const MAP = "RVBBIT MAP PARALLEL 1 'json.yaml' AS v USING";

function rows(count: number) {
  return queryOf(Array.from({ length: count }, (_, number) => ({ word: 'row', number, sim: {} })));
}

test('after twenty unusable answers in a row a semantic statement asks no more, and says why', async () => {
  let asked = 0;
  await using engine = await openEngine({
    model: async () => {
      asked += 1;
      return { text: 'true', finishReason: 'stop' };
    },
  });
  await engine.query("CREATE TABLE t AS SELECT 'text ' || i AS d FROM range(2000) r(i)");
  const { summary } = await engine.query("SELECT d FROM t WHERE d MEANS 'x' LIMIT 5");
  assert.ok(asked >= 20 && asked <= 20 + 10, `${asked} calls`);
  assert.is(summary.calls.sent, asked);
  assert.match(
    summary.failures.at(-1)!.message,
    /^built-in.means.yaml: cell judge: 2\d answers in a row could not be used, the last because: .*not asked again by this statement/,
  );
});

test('the next statement tries anew, and one usable answer starts the count anew', async () => {
  let asked = 0;
  let good = (_n: number): boolean => false;
  await using engine = await openEngine({
    model: async () => {
      asked += 1;
      return { text: good(asked) ? '{"brand": "Sony"}' : 'no', finishReason: 'stop' };
    },
  });
  const sql = `${MAP} (${rows(60)}) WITH (cache = false)`;
  const bad = await engine.query(sql);
  assert.is(asked, 20);
  assert.is(bad.summary.rows.failed, 60);
  assert.match(bad.summary.failures[0]!.message, /asked 2 times/);
  asked = 0;
  good = (n) => n % 19 === 0;
  const mixed = await engine.query(sql);
  assert.ok(asked > 60, `${asked} calls`);
  assert.is(mixed.summary.rows.ok, Math.floor(asked / 19));
});

test.run();
