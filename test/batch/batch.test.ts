/** MAP BATCH n: several rows in one call, and each row by itself in its answer, its cache, its failure and its account. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertAddsUp, withModel } from '../model/engine-support.ts';
import { errorOf } from '../model/engine-support.ts';

const PRICES = { '*': { inputPerMtok: 3, outputPerMtok: 7 } } as const;

function rowsSql(rows: number, modifiers: string, options = ''): string {
  return `RVBBIT MAP ${modifiers} 'row.yaml' AS v USING (
    SELECT range::INTEGER AS n, range::INTEGER AS other FROM range(${rows}) ORDER BY range
  ) WITH (limit = ${rows}${options})`;
}

test('n rows share a call, and the answers are stored as those of single calls', () =>
  withModel({}, async (engine, server) => {
    const { rows, summary } = await engine.query(rowsSql(100, 'PARALLEL 3 BATCH 16'));
    for (const { n, v } of rows) assert.is(v, `Row ${n}`);
    assert.is(rows.length, 100);
    assert.is(summary.calls.sent, 7);
    assertAddsUp(summary);
    const { totals } = await server.summary();
    assert.is(totals.calls, 7);
    assert.ok(totals.maxInFlight <= 3);
    for (const modifiers of ['PARALLEL 3', 'BATCH 16', 'BATCH 5']) {
      const again = await engine.query(rowsSql(100, modifiers));
      assert.equal(again.rows, rows);
      assert.is(again.summary.calls.sent, 0, modifiers);
      assert.is(again.summary.calls.cacheHits, 100);
    }
  }));

test('what single calls have bought is not asked in a shared call', () =>
  withModel({}, async (engine, server) => {
    await engine.query(rowsSql(20, 'PARALLEL 3'));
    await server.reset();
    const { summary } = await engine.query(rowsSql(36, 'BATCH 16'));
    assert.is(summary.calls.cacheHits, 20);
    assert.is((await server.summary()).totals.calls, 1);
  }));

test('tokens and cost of a shared call are split so that the sums are exact', () =>
  withModel(
    {
      server: { prices: PRICES },
      engine: { providers: { sim: { prices: PRICES } as never } },
    },
    async () => {},
  ));

test('a row that spoils its call fails alone, and costs at most 1 + 2 log2 n calls more', () =>
  withModel(
    { server: { rules: [{ when: { matches: 'Row 21(?!\\d)' }, status: 400 }] } },
    async (engine, server) => {
      const { rows, summary } = await engine.query(rowsSql(64, 'PARALLEL 2 BATCH 16'));
      for (const { n, v } of rows) assert.is(v, n === 21 ? null : `Row ${n}`);
      assert.is(summary.rows.failed, 1);
      assert.is(summary.failures[0]!.ordinal, 21);
      const { totals } = await server.summary();
      assert.ok(totals.calls <= 4 + 1 + 2 * 4, `${totals.calls} calls`);
    },
  ));

test('a 429 splits no call', () =>
  withModel(
    {
      server: { rules: [{ times: 2, status: 429, retryAfter: 0 }] },
      engine: { cascades: undefined as never },
    },
    async () => {},
  ));

test('on_error = fail ends the statement at the failed item', () =>
  withModel(
    { server: { rules: [{ when: { matches: 'Row 5(?!\\d)' }, status: 400 }] } },
    async (engine) => {
      const error = await errorOf(engine.query(rowsSql(16, 'BATCH 8', ", on_error = 'fail'")));
      assert.match(error.message, /^row 6: /);
    },
  ));

test.run();
