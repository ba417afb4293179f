/** A model whose answers cannot be used is not asked for every row. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngine, queryOf } from './engine-support.ts';

let asked = 0;
let answer = (): string => '';
const engine = await openEngine({
  threads: 1,
  model: async () => {
    asked += 1;
    return { text: answer(), finishReason: 'stop' };
  },
});
test.before.each(() => {
  asked = 0;
});
test.after(() => engine.close());

/** Answers of one thread at a time, so that "in a row" is exact. */
const MAP = "RVBBIT MAP PARALLEL 1 'json.yaml' AS v USING";

function rows(count: number) {
  return queryOf(Array.from({ length: count }, (_, number) => ({ word: 'row', number, sim: {} })));
}

test('after twenty unusable answers in a row a semantic statement asks no more, and says why', async () => {
  answer = () => 'true';
  await engine.query("CREATE TABLE t AS SELECT 'text ' || i AS d FROM range(200) r(i)");
  const { summary } = await engine.query("SELECT d FROM t WHERE d MEANS 'x' LIMIT 5");
  assert.ok(asked >= 20 && asked <= 20 + 10, `${asked} calls`);
  assert.is(summary.calls.sent, asked);
  assert.match(
    summary.failures.at(-1)!.message,
    /^built-in.means.yaml: cell judge: 2\d answers in a row could not be used, the last because: .*not asked again by this statement/,
  );
});

test('the next statement tries anew, and one usable answer starts the count anew', async () => {
  answer = () => 'no';
  const sql = `${MAP} (${rows(60)}) WITH (cache = false)`;
  const bad = await engine.query(sql);
  assert.is(asked, 20);
  assert.is(bad.summary.rows.failed, 60);
  assert.match(bad.summary.failures[0]!.message, /asked 2 times/);
  asked = 0;
  answer = () => (asked % 19 === 0 ? '{"brand": "Sony"}' : 'no');
  const mixed = await engine.query(sql);
  assert.ok(asked > 60, `${asked} calls`);
  assert.is(mixed.summary.rows.ok, Math.floor(asked / 19));
});

test('whatever a model function throws is a failed call', async () => {
  const thrower = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no');
      },
      getPrototypeOf: () => {
        throw new Error('no');
      },
    },
  );
  const worse = new Error('m');
  Object.defineProperty(worse, 'message', {
    get: () => {
      throw new Error('no');
    },
  });
  const thrown = [
    Object.create(null),
    thrower,
    worse,
    null,
    undefined,
    Symbol('s'),
    { message: 5 },
  ];
  for (const one of thrown) {
    answer = () => {
      throw one;
    };
    const { summary } = await engine.query(`${MAP} (${rows(1)}) WITH (cache = false)`);
    assert.is(summary.rows.failed, 1);
    assert.is(summary.failures[0]!.code, 'RVB_MODEL_HTTP');
  }
});

test.run();
