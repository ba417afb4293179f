/** Equal calls: who waits for whom and for how long, and which of them are made at all. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorOf, queryOf, withModel } from './engine-support.ts';

/** Statements of one engine that ask the same, which takes the server this long. */
function askingTheSame(delayMs: number, parallel: number, more: string): string {
  const rows = [{ word: 'same', number: 1, sim: { delayMs } }];
  return `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rows)}) WITH (${more})`;
}

test("a row that waits for the answer of an equal call gives up at its own time, and the call goes on for the others'", async () => {
  await withModel({}, async (engine, server) => {
    const startedMs = performance.now();
    const leading = engine.query(askingTheSame(2_500, 1, "timeout = '60s'"));
    while ((await server.summary()).totals.inFlight === 0) await pause(10);
    const patient = engine.query(askingTheSame(2_500, 1, "timeout = '60s', retries = 0"));
    const hastyMs = performance.now();
    const hasty = await engine.query(
      askingTheSame(2_500, 1, "timeout = '700ms', error_column = 'e'"),
    );
    const tookMs = performance.now() - hastyMs;
    const [{ v, e }] = hasty.rows as unknown as [{ v: null; e: { code: string; message: string } }];
    assert.is(v, null);
    assert.is(e.code, 'RVB_TIMEOUT');
    assert.match(e.message, /equal call/);
    assert.ok(tookMs >= 700 && tookMs < 1_700, `it gave up after ${tookMs} ms`);
    assert.is(hasty.summary.calls.sent, 0);
    for (const { rows, summary } of [await leading, await patient]) {
      assert.is(rows[0]?.['v'], 'Say same 1');
      assert.is(summary.rows.ok, 1);
    }
    assert.ok(performance.now() - startedMs >= 2_500);
    assert.is((await server.summary()).totals.calls, 1, 'one call for all three');
  });
});

test('an answer that was found ahead of its row is a hit only once the row has used it', async () => {
  await withModel({}, async (engine, server) => {
    const sql = (where: string) => `RVBBIT MAP PARALLEL 1 'patient.yaml' AS v USING (
      SELECT 'row' AS word, i AS number, '{}' AS sim FROM range(300) t(i) WHERE ${where})`;
    const asked = 150;
    assert.is((await engine.query(sql(`i <> ${asked}`))).summary.calls.sent, 299);
    await server.script({ latency: { kind: 'constant', ms: 20_000 } });
    const cancel = new AbortController();
    const cancelled = errorOf(engine.query(sql('true'), undefined, { signal: cancel.signal }));
    while ((await server.summary()).totals.inFlight === 0) await pause(10);
    cancel.abort();
    const { summary } = await cancelled;
    assert.is(summary?.rows.ok, asked, 'the rows before the one that had to ask');
    assert.is(summary?.calls.cacheHits, asked);
    assert.is(summary?.calls.sent, 1);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test.run();
