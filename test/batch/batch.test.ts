/** MAP BATCH n: several rows in one call, and each row by itself in its answer, its cache, its failure and its account. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorOf, openEngine, queryOf, withModel } from '../model/engine-support.ts';
import { assertOwn, map, ruleFor } from './support.ts';

const PRICES = { inputPerMtok: 3, outputPerMtok: 7 };

test('n rows share a call, and their answers are stored as those of single calls', () =>
  withModel({}, async (engine, server) => {
    const first = await engine.query(map(100, 'PARALLEL 3 BATCH 16'));
    assertOwn(first);
    assert.is(first.rows.length, 100);
    assert.is(first.summary.calls.sent, 7);
    const { totals } = await server.summary();
    assert.is(totals.calls, 7);
    assert.ok(totals.maxInFlight <= 3);
    for (const modifiers of ['PARALLEL 3', 'BATCH 16', 'BATCH 5']) {
      const again = await engine.query(map(100, modifiers));
      assert.equal(again.rows, first.rows);
      assert.is(again.summary.calls.sent, 0, modifiers);
      assert.is(again.summary.calls.cacheHits, 100);
    }
  }));

test("the seeds' statement: MAP BATCH <n>", () =>
  withModel({}, async (engine) => {
    const { summary } = await engine.query(
      "RVBBIT MAP BATCH 10 'row.yaml' USING (SELECT range::INTEGER AS n, 0 AS other FROM range(25))",
    );
    assert.is(summary.calls.sent, 3);
    assert.is(summary.rows.ok, 25);
  }));

test('WITH (batch = n) means the same, and what is bought already is not asked', () =>
  withModel({}, async (engine, server) => {
    await engine.query(map(20, 'PARALLEL 3'));
    await server.reset();
    const { summary } = await engine.query(map(36, '', ', batch = 16'));
    assert.is(summary.calls.cacheHits, 20);
    assert.is((await server.summary()).totals.calls, 1);
  }));

test('one row is asked as without BATCH', () =>
  withModel({ server: { previewChars: 100 } }, async (engine, server) => {
    await engine.query(map(1, 'BATCH 16'));
    assert.is((await server.ledger()).entries[0]!.preview, 'Row 0');
  }));

test('batch = auto begins small and grows while answers are complete; so does BATCH AUTO', () =>
  withModel({}, async (engine) => {
    for (const [modifiers, options] of [
      ['', ", batch = 'auto', cache = false"],
      ['PARALLEL 1 BATCH AUTO', ", batch = 'auto', cache = false"],
      ['batch auto', ', cache = false'],
    ] as const) {
      const result = await engine.query(map(200, modifiers, options));
      assertOwn(result);
      const { sent } = result.summary.calls;
      assert.ok(sent <= 12, `${sent} calls for 200 rows`);
      const { reason } = await engine.explain(map(200, modifiers, options));
      assert.match(reason, 'questions share calls');
    }
    const twice = await errorOf(engine.query(map(1, 'BATCH AUTO', ', batch = 3')));
    assert.match(twice.message, 'batch is given here and in BATCH, with different values');
  }));

test('tokens and cost of shared calls are split so that the sums are exact', () =>
  withModel({ server: { prices: { '*': PRICES }, items: { drop: 0.1 } } }, async (_, server) => {
    const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-batch-'));
    test.after(() => rmSync(stateDir, { recursive: true, force: true }));
    await using engine = await openEngine({
      stateDir,
      providers: { sim: { baseUrl: server.url, prices: { m: PRICES } } },
      model: 'sim/m',
    });
    const { summary } = await engine.query(map(70, 'PARALLEL 2 BATCH 16'));
    const { totals, entries } = await server.ledger();
    assert.is(summary.tokens.in, totals.tokensIn);
    assert.is(summary.tokens.out, totals.tokensOut);
    const cost = entries.reduce((sum, one) => sum + (one.costMicroUsd ?? 0), 0);
    assert.is(summary.costMicroUsd, cost);
    assert.is(summary.calls.sent, totals.calls);
    const { rows } = await engine.query(
      'SELECT sum(tokens_in)::INTEGER AS t, count(DISTINCT call_id)::INTEGER AS calls FROM rvbbit.unified_logs',
    );
    assert.equal(rows, [{ t: totals.tokensIn, calls: totals.calls }]);
  }));

for (const row of [0, 21, 63]) {
  test(`a row that spoils its call (${row}) fails alone, and costs at most 1 + 2 log2 n calls more`, () =>
    withModel({ server: ruleFor(row, { status: 400 }) }, async (engine, server) => {
      const result = await engine.query(map(64, 'PARALLEL 2 BATCH 16'));
      assertOwn(result, [row]);
      assert.is(result.summary.failures[0]!.ordinal, row);
      const { totals } = await server.summary();
      assert.ok(totals.calls <= 4 + 1 + 2 * 4, `${totals.calls} calls`);
    }));
}

test('each item is checked, and asked again, as a single answer is', () =>
  withModel({ server: ruleFor(3, { answer: '' }) }, async (engine) => {
    const blank = await engine.query(map(8, 'BATCH 8'));
    assertOwn(blank, [3]);
    assert.is(blank.summary.failures[0]!.code, 'RVB_ANSWER_INVALID');
    const rows = ['Sony', 'Bose', 7, null, { brand: 'Sony' }, 'x'].map((answer, number) => ({
      word: 'w',
      number,
      sim: { answer: number === 5 ? { brand: 'Sony' } : answer },
    }));
    const sql = (modifiers: string) =>
      `RVBBIT MAP ${modifiers} 'json.yaml' AS v USING (${queryOf(rows)}) WITH (cache = false)`;
    const together = await engine.query(sql('BATCH 6'));
    const alone = await engine.query(sql(''));
    assert.equal(together.rows, alone.rows);
    assert.is(together.summary.rows.failed, alone.summary.rows.failed);
  }));

test('on_error = fail ends the statement at the failed item', () =>
  withModel({ server: ruleFor(5, { status: 400 }) }, async (engine) => {
    const error = await errorOf(engine.query(map(16, 'BATCH 8', ", on_error = 'fail'")));
    assert.match(error.message, /^row 6: /);
  }));

test('max_calls counts calls, not rows', () =>
  withModel({}, async (engine, server) => {
    const { summary } = await engine.query(map(64, 'BATCH 16', ', max_calls = 2'));
    assert.is((await server.summary()).totals.calls, 2);
    assert.is(summary.rows.ok, 32);
    assert.is(summary.rows.notRun, 32);
  }));

test('a call that alone exceeds the token limit is made smaller', () =>
  withModel({}, async (engine) => {
    assertOwn(await engine.query(map(32, 'BATCH 32', ', input_tpm = 5000, output_tpm = 2000')));
  }));

test("Anthropic's protocol: the same", () =>
  withModel({}, async (_, server) => {
    await using engine = await openEngine({
      providers: { claude: { type: 'anthropic', baseUrl: server.url } },
      model: 'claude/m',
    });
    const result = await engine.query(map(40, 'BATCH 16'));
    assertOwn(result);
    assert.is(result.summary.calls.sent, 3);
  }));

test('EXPLAIN shows the calls and tokens of shared calls', () =>
  withModel({}, async (engine) => {
    const sql = map(100, 'BATCH 16');
    const report = await engine.explain(sql);
    assert.is(report.calls.expected, 7);
    assert.match(report.reason, 'up to 16 questions share a call');
    const { summary } = await engine.query(sql);
    const off = Math.abs(summary.tokens.in / report.tokensIn.expected - 1);
    assert.ok(off < 0.05, `${summary.tokens.in} in place of ${report.tokensIn.expected}`);
  }));

test('an operator: -- @ batch, one call for several questions, and few tokens a row', () =>
  withModel({}, async (engine, server) => {
    const texts = `(SELECT 'text no ' || range AS t FROM range(160))`;
    const sql = `-- @ batch: 16\nSELECT t FROM ${texts} WHERE t MEANS 'eco-friendly'`;
    const { summary } = await engine.query(sql);
    assert.is(summary.calls.sent, 10);
    const { totals } = await server.summary();
    assert.ok(totals.tokensIn / 160 <= 30, `${totals.tokensIn / 160} tokens a row`);
    const alone = await engine.query(sql.replace('-- @ batch: 16\n', ''));
    assert.is(alone.summary.calls.sent, 0);
  }));

test('a LIMIT asks at most one call more than it needs', () =>
  withModel({ server: { rules: [{ answer: { answer: true } }] } }, async (engine, server) => {
    const texts = `(SELECT 'text no ' || range AS t FROM range(400))`;
    const sql = `-- @ batch: 16\nSELECT t FROM ${texts} WHERE t MEANS 'eco-friendly' LIMIT 20`;
    const { rows } = await engine.query(sql);
    assert.is(rows.length, 20);
    const { totals } = await server.summary();
    assert.ok(totals.calls <= 4, `${totals.calls} calls`);
  }));

test('a cell that cannot share calls says so once', () =>
  withModel({}, async (engine) => {
    const { notices, summary } = await engine.query(
      map(5, 'BATCH 4', ", model = 'lexical/overlap'"),
    );
    assert.equal(
      notices.map(({ code }) => code),
      ['batch_alone'],
    );
    assert.is(summary.calls.sent, 5);
    const texts = "(SELECT 'text no ' || range AS t FROM range(5))";
    const semantic = await engine.query(
      `-- @ batch: 4\n-- @ model: lexical/overlap\nSELECT t FROM ${texts} WHERE t MEANS 'eco-friendly'`,
    );
    const alone = semantic.notices.filter(({ code }) => code === 'batch_alone');
    assert.is(alone.length, 1);
    assert.match(alone[0]!.message, 'its provider is lexical');
  }));

test.run();
