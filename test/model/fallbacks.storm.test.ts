/** `model: [a/x, b/y]`: the next model is asked where the one before it cannot be, and for nothing else. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const CASCADE = `cascade_id: ask
inputs_schema: { d: string }
model: [first/m, second/m]
cells:
  - name: ask
    instructions: "{{ input.d }}?"
    retry: { max_attempts: 2, base: 1ms }
`;
const MAP =
  "RVBBIT MAP PARALLEL 2 'ask.yaml' AS a USING (SELECT * FROM (VALUES (1, 'one'), (2, 'two')) v(id, d) ORDER BY id)";

interface Asked {
  readonly engine: Engine;
  /** Calls that the first and the second server have had. */
  calls(): readonly [number, number];
}

async function withFirst(first: object, use: (asked: Asked) => Promise<void>): Promise<void> {
  await using one = await startSimulator({ rules: [first as never] });
  await using two = await startSimulator({ rules: [{ answer: 'of the second' }] });
  const cascades = makeFolder({ 'ask.yaml': CASCADE });
  try {
    await using engine = await Engine.open({
      cascades,
      threads: 1,
      providers: { first: { baseUrl: one.url }, second: { baseUrl: two.url } },
    });
    await use({
      engine,
      calls: () => [one.ledger().totals.calls, two.ledger().totals.calls],
    });
  } finally {
    removeFolder(cascades);
  }
}

for (const [what, first, least] of [
  ['has no such model', { status: 404 }, 2],
  ['is overloaded past all attempts', { status: 503 }, 4],
  ['refuses the key', { status: 401 }, 2],
] as const) {
  test(`the second model answers where the first ${what}`, () =>
    withFirst(first, async ({ engine, calls }) => {
      const models: string[] = [];
      engine.events.on('record', (record) => {
        if (record.t === 'attempt.end' && record.outcome === 'ok') models.push(record.value);
      });
      const { rows, summary, notices } = await engine.query(MAP);
      assert.equal(
        rows.map(({ a }) => a),
        ['of the second', 'of the second'],
      );
      assert.is(summary.rows.failed, 0);
      assert.equal(summary.fallbacks, [{ model: 'second/m', insteadOf: 'first/m', calls: 2 }]);
      assert.ok(notices.some(({ code }) => code === 'fallback_model'));
      assert.equal(calls(), [least, 2]);
      // The answer is the second model's, and is found under its name.
      await engine.query(MAP.replace('ORDER BY id)', "ORDER BY id) WITH (model = 'second/m')"));
      assert.is(calls()[1], 2);
    }));
}

for (const [what, first] of [
  ['an answer that nobody can use', { answer: '' }],
  ['a refusal', { refusal: 'no' }],
  ['a request that is wrong', { status: 400 }],
] as const) {
  test(`the second model is not asked for ${what}`, () =>
    withFirst(first, async ({ engine, calls }) => {
      const { rows, summary } = await engine.query(MAP);
      assert.equal(
        rows.map(({ a }) => a),
        [null, null],
      );
      assert.is(summary.rows.failed, 2);
      assert.is(calls()[1], 0);
    }));
}

test('WITH and annotations name several models too; one that is not configured is told at the bind', () =>
  withFirst({ status: 404 }, async ({ engine, calls }) => {
    const { rows } = await engine.query(
      "-- @ model: first/other, second/other\nSELECT d MEANS 'x' AS m FROM (VALUES ('a')) v(d)",
    );
    // The second one answers with prose, which is no truth value: it is asked twice.
    assert.equal(rows, [{ m: null }]);
    assert.equal(calls(), [1, 2]);
    const error = await engine
      .query(MAP.replace('ORDER BY id)', "ORDER BY id) WITH (model = 'first/m, third/m')"))
      .then(
        () => undefined,
        (thrown) => thrown,
      );
    assert.match(error.message, 'third');
    assert.equal(calls(), [1, 2]);
  }));

test.run();
