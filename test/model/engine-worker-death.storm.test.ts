/** A worker that dies while calls of its rows wait for leave, or are out. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertAddsUp, assertUsable, withModel } from './engine-support.ts';

const QUERY = `SELECT 'row' AS word, i AS number, '{"delayMs": 40}' AS sim, i = 3 AS hit FROM range(12) t(i)`;

for (const [what, limits] of [
  ['one call at a time', { inFlight: 1 }],
  ['a rate', { rpm: 240, window: '1s' }],
  ['no limit', {}],
] as const) {
  test(`rows that waited at ${what} when their worker died are asked by the next`, async () => {
    const sim = { limits } as Record<string, unknown>;
    await withModel({ engine: { threads: 1 } }, async (_, server) => {
      const { openEngine } = await import('./engine-support.ts');
      await using engine = await openEngine({
        threads: 1,
        providers: { sim: { baseUrl: server.url, ...sim } },
        model: 'sim/test-model',
      });
      const { rows, summary } = await engine.query(
        `RVBBIT MAP PARALLEL 6 'dies.yaml' AS v USING (${QUERY}) WITH (deadline = '60s')`,
      );
      assert.equal(
        rows.map(({ v }) => v),
        rows.map((_row, at) => (at === 3 ? null : `Say row ${at}`)),
      );
      assert.is(summary.failures[0]?.code, 'RVB_POISON_ROW');
      assert.is(summary.rows.failed, 1);
      assertAddsUp(summary);
      await assertUsable(engine);
    });
  });
}

test("a statement that waits for its own limit does not hold back another's equal calls", async () => {
  await withModel({}, async (engine) => {
    const rows = `SELECT 'row' AS word, i AS number, '{}' AS sim FROM range(4) t(i)`;
    const slow = new AbortController();
    const held = engine
      .query(`RVBBIT MAP PARALLEL 4 'patient.yaml' USING (${rows}) WITH (rpm = 1)`, undefined, {
        signal: slow.signal,
      })
      .catch((thrown: { code?: string }) => thrown.code);
    const startMs = performance.now();
    const { summary } = await engine.query(`RVBBIT MAP PARALLEL 4 'patient.yaml' USING (${rows})`);
    assert.is(summary.rows.ok, 4);
    assert.ok(performance.now() - startMs < 20_000);
    // The first statement finds the answers that it waited to ask for.
    const first = await held;
    assert.is(typeof first === 'object' ? (first as { rowCount: number }).rowCount : first, 4);
  });
});

test('calls that were never sent count as none where a failure ends the statement', async () => {
  await withModel({}, async (engine, server) => {
    const rows = `SELECT 'row' AS word, i AS number, CASE WHEN i = 0 THEN '{"status": 400, "delayMs": 300}' ELSE '{"delayMs": 3000}' END AS sim FROM range(20) t(i)`;
    const thrown = await engine
      .query(`RVBBIT MAP PARALLEL 20 'patient.yaml' USING (${rows}) WITH (on_error = 'fail')`)
      .catch((error: { summary?: { calls: { sent: number } } }) => error);
    const { totals } = await server.summary();
    assert.is(
      (thrown as { summary: { calls: { sent: number } } }).summary.calls.sent,
      totals.calls,
    );
  });
});

test.run();
