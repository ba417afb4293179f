/** MAP BATCH where servers, workers, models and callers fail. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertAddsUp, errorOf, openEngine, withModel } from '../model/engine-support.ts';
import { assertOwn, map, ruleFor } from './support.ts';

test('batch = auto becomes smaller while answers are missing', () =>
  withModel({ server: { items: { drop: 0.5 } } }, async (engine, server) => {
    const result = await engine.query(map(60, '', ", batch = 'auto'"));
    assertOwn(result);
    assert.ok((await server.summary()).totals.calls > 30);
  }));

test('a refusal of the model is of one row', () =>
  withModel({ server: ruleFor(3, { refusal: 'No.' }) }, async (engine) => {
    const result = await engine.query(map(16, 'BATCH 16'));
    assertOwn(result, [3]);
    assert.is(result.summary.failures[0]!.code, 'RVB_MODEL_REFUSED');
  }));

test('a 429 and a 503 split no call', () =>
  withModel(
    {
      server: {
        rules: [
          { when: { ordinals: [1] }, status: 429, retryAfter: 0 },
          { when: { ordinals: [2] }, status: 503 },
        ],
      },
    },
    async (engine, server) => {
      assertOwn(await engine.query(map(16, 'BATCH 16')));
      assert.is((await server.summary()).totals.calls, 3);
    },
  ));

test('a row at which the server breaks the connection fails alone', () => {
  const fault = { kind: 'disconnect', how: 'reset', at: 'before-headers' };
  return withModel({ server: ruleFor(5, { fault }) }, async (engine) => {
    const result = await engine.query(map(16, 'BATCH 8', ', retries = 0'));
    assertOwn(result, [5]);
    assert.match(result.summary.failures[0]!.message, /broke off/);
  });
});

test('a server that is not there is asked once a call', () =>
  withModel({}, async () => {
    await using engine = await openEngine({
      providers: { gone: { baseUrl: 'http://127.0.0.1:1/v1' } },
      model: 'gone/m',
    });
    const { summary } = await engine.query(map(16, 'BATCH 8', ', retries = 0'));
    assert.is(summary.rows.failed, 16);
    assert.is(summary.calls.sent, 2);
  }));

test('a wrong key is asked about once', () =>
  withModel({ server: { rules: [{ status: 401 }] } }, async (engine, server) => {
    const { summary } = await engine.query(map(48, 'BATCH 16'));
    assert.is(summary.rows.failed, 48);
    assert.ok((await server.summary()).totals.calls <= 3);
  }));

test('answers that are cut off are asked again in halves, and each row gets its own in the end', () =>
  withModel({ server: { items: { truncate: 1 } } }, async (engine, server) => {
    assertOwn(await engine.query(map(24, 'BATCH 8')));
    const { totals } = await server.summary();
    assert.ok(totals.calls <= 3 * 15, `${totals.calls} calls`);
  }));

test('equal questions with dedupe = false are asked apart', () =>
  withModel({}, async (engine) => {
    const sql = `RVBBIT MAP BATCH 8 'row.yaml' AS v USING (
      SELECT 1 AS n, range::INTEGER AS other FROM range(8)) WITH (dedupe = false, cache = false)`;
    const { rows, summary } = await engine.query(sql);
    assert.is(rows.filter(({ v }) => v === 'Row 1').length, 8);
    assert.is(summary.calls.sent, 1);
  }));

test('a worker that dies with shared calls out loses no row, and none is faked', () =>
  withModel({}, async (engine) => {
    const rows = `SELECT 'row' AS word, i AS number, '{"delayMs": 40}' AS sim, i = 3 AS hit FROM range(40) t(i)`;
    const { rows: got, summary } = await engine.query(
      `RVBBIT MAP PARALLEL 2 BATCH 8 'dies.yaml' AS v USING (${rows}) WITH (deadline = '60s')`,
    );
    for (const [at, { v }] of got.entries()) assert.is(v, at === 3 ? null : `Say row ${at}`);
    assert.is(summary.failures[0]!.code, 'RVB_POISON_ROW');
    assertAddsUp(summary);
  }));

test('a cancel ends shared calls, and questions that wait for one', () =>
  withModel({ server: { latency: { kind: 'constant', ms: 30_000 } } }, async (engine, server) => {
    const controller = new AbortController();
    const { signal } = controller;
    const work = errorOf(engine.query(map(100, 'BATCH 16'), undefined, { signal }));
    while ((await server.summary()).totals.calls === 0) await sleep(20);
    const cancelledMs = performance.now();
    controller.abort();
    assert.is((await work).code, 'RVB_CANCELLED');
    assert.ok(performance.now() - cancelledMs < 10_000);
    await server.script({ latency: { kind: 'constant', ms: 0 } });
    assertOwn(await engine.query(map(20, 'BATCH 16')));
  }));

test('questions and text with marks, quotes, brackets and line breaks go there and back', () =>
  withModel({}, async (engine) => {
    const words = [
      '[ITEM]',
      'abc "x" def',
      '{"answers": []}',
      'a\nb',
      "it''s \u2028 \\",
      'sim: no',
      '',
    ];
    const values = words.map((word, number) => `('${word}', ${number}, '{}')`).join(', ');
    const sql = (modifiers: string) =>
      `RVBBIT MAP ${modifiers} 'patient.yaml' AS v USING (SELECT word, number, sim FROM (VALUES ${values}) t(word, number, sim)) WITH (cache = false)`;
    const together = await engine.query(sql('BATCH 7'));
    assert.is(together.summary.calls.sent, 1);
    assert.equal(together.rows, (await engine.query(sql(''))).rows);
  }));

test.run();
