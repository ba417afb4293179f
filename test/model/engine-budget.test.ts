/** Budgets: what a statement may spend is reserved before each call, and a rerun goes on from what is done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type Row } from '../../src/index.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { type ModelServer, modelServer } from '../support/model-server.ts';
import {
  type Asked,
  assertAddsUp,
  cascades,
  errorOf,
  openEngine,
  queryOf,
  withModel,
} from './engine-support.ts';

/** A dollar a million tokens in, four out. */
const PRICE = { input_per_mtok: 1, output_per_mtok: 4 };
const prices = {
  'test-model': { inputPerMtok: PRICE.input_per_mtok, outputPerMtok: PRICE.output_per_mtok },
};

/** What a call of `rowsOf` takes: the server counts a token a quarter of a character. */
const PROMPT_TOKENS = Math.ceil('Say row 1\nsim: {"delayMs":5}'.length / 4);
const CALL_TOKENS = PROMPT_TOKENS + 3;
const CALL_COST = PROMPT_TOKENS + 3 * 4;

async function withPrices(
  use: (engine: Engine, server: ModelServer) => Promise<void>,
): Promise<void> {
  await using server = await modelServer({ directives: true });
  await using engine = await openEngine({
    providers: { sim: { baseUrl: server.url, prices } },
    model: 'sim/test-model',
  });
  await use(engine, server);
}

function rowsOf(count: number, delayMs = 5): Asked[] {
  return Array.from({ length: count }, (_, number) => ({ word: 'row', number, sim: { delayMs } }));
}

function withFolder<T>(use: (stateDir: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-budget-'));
  return use(folder).finally(() => rmSync(folder, { recursive: true }));
}

/** The rows that are there are right, and in order. */
function assertRight(rows: readonly Row[]): void {
  let last = -1;
  for (const { number, v } of rows as readonly { number: number; v: string }[]) {
    assert.ok(number > last, 'rows leave in input order');
    assert.is(v, `Say row ${number}`);
    last = number;
  }
}

test('max_calls holds exactly, at any PARALLEL, and the rest of the rows are not run', async () => {
  await withModel({}, async (engine, server) => {
    for (const [calls, parallel] of [
      [0, 5],
      [1, 5],
      [7, 1],
      [13, 8],
      [30, 50],
    ] as const) {
      await server.reset();
      const { rows, summary, notices } = await engine.query(
        `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rowsOf(30))})
         WITH (max_calls = ${calls}, cache = false)`,
      );
      assert.is((await server.summary()).totals.calls, calls);
      assert.is(rows.length, calls);
      assertRight(rows);
      assertAddsUp(summary);
      const isDone = calls === 30;
      assert.is(summary.rows.notRun, 30 - calls);
      assert.is(summary.status, isDone ? 'complete' : 'incomplete');
      assert.is(summary.reason, isDone ? undefined : 'budget');
      assert.is(
        notices.some(({ code }) => code === 'incomplete'),
        !isDone,
      );
    }
  });
});

test('random budgets overshoot by no more than what is in flight, and a rerun buys the remainder', async () => {
  const wanted = cases(4, 200);
  let worst = 0;
  await withModel({}, async (_, server) => {
    const budget = fc.record({
      parallel: fc.integer({ min: 1, max: 12 }),
      option: fc.constantFrom('max_calls', 'max_total_tokens', 'max_cost'),
      part: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
    });
    const property = fc.asyncProperty(budget, ({ parallel, option, part }) =>
      withFolder(async (stateDir) => {
        await server.reset();
        const count = 60;
        await using engine = await Engine.open({
          cascades,
          threads: 1,
          stateDir,
          providers: { sim: { baseUrl: server.url, prices } },
          model: 'sim/test-model',
        });
        const sql = (more: string) =>
          `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rowsOf(count))}) ${more}`;
        // What all of it costs: known from the prompts, since the server counts a token a quarter of a character.
        const prompt = 'Say row 10\nsim: {"delayMs":5}'.length;
        const tokens = Math.ceil(prompt / 4) + 3;
        const whole = {
          max_calls: count,
          max_total_tokens: count * tokens,
          max_cost: (count * (tokens + 9)) / 1e6,
        };
        const limit =
          option === 'max_cost' ? whole[option] * part : Math.floor(whole[option] * part);
        const first = await engine.query(
          sql(`WITH (${option} = ${limit.toFixed(option === 'max_cost' ? 9 : 0)})`),
        );
        assertRight(first.rows);
        assertAddsUp(first.summary);
        const { totals } = await server.summary();
        const spent = {
          max_calls: totals.calls,
          max_total_tokens: totals.tokensIn + totals.tokensOut,
          max_cost: (first.summary.costMicroUsd ?? 0) / 1e6,
        }[option];
        const each = { max_calls: 1, max_total_tokens: tokens, max_cost: (tokens + 9) / 1e6 }[
          option
        ];
        const over = (spent - limit) / each;
        worst = Math.max(worst, over);
        assert.ok(over <= parallel, `${option} = ${limit}: ${spent} spent at PARALLEL ${parallel}`);
        assert.is(first.summary.calls.sent, totals.calls);
        const second = await engine.query(sql(''));
        assert.is(second.rows.length, count);
        assertRight(second.rows);
        assert.is(
          (await server.summary()).totals.calls,
          count,
          'both runs together buy each row once',
        );
        assert.is(second.summary.calls.cacheHits, totals.calls);
      }),
    );
    await fc.assert(property, { seed, numRuns: wanted, endOnFailure: true });
  });
  reportCases(wanted, `budgets, at most ${worst.toFixed(2)} calls over`);
});

test('a budget smaller than the first guess buys what it can, and one call at most goes beyond it', async () => {
  await withPrices(async (engine, server) => {
    for (const parallel of [1, 6]) {
      for (const part of [0, 0.1, 1, 1.5, 3]) {
        for (const option of ['max_total_tokens', 'max_cost'] as const) {
          await server.reset();
          const limit =
            option === 'max_cost' ? (part * CALL_COST) / 1e6 : Math.round(part * CALL_TOKENS);
          const { rows, summary } = await engine.query(
            `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rowsOf(9))})
             WITH (${option} = ${limit.toFixed(option === 'max_cost' ? 9 : 0)}, cache = false)`,
          );
          const what = `${option} = ${limit} at PARALLEL ${parallel}`;
          const calls = option === 'max_cost' ? part : limit / CALL_TOKENS;
          assert.is((await server.summary()).totals.calls, Math.ceil(calls), what);
          assert.is(rows.length, Math.ceil(calls), what);
          assert.is(summary.status, 'incomplete', what);
        }
      }
    }
  });
});

test('max_tokens bounds what a call may take, and a budget is then never overspent', async () => {
  await withPrices(async (engine, server) => {
    // A call reserves its prompt and 10 tokens, and takes its prompt and 3.
    const reserved = CALL_TOKENS + 7;
    for (const [limit, calls] of [
      [reserved - 1, 0],
      [reserved, 1],
      [CALL_TOKENS + reserved - 1, 1],
      [CALL_TOKENS + reserved, 2],
      [3 * CALL_TOKENS + reserved, 4],
    ] as const) {
      for (const parallel of [1, 6]) {
        await server.reset();
        await engine.query(
          `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rowsOf(9))})
           WITH (max_total_tokens = ${limit}, max_tokens = 10, cache = false)`,
        );
        const { totals } = await server.summary();
        assert.is(totals.calls, calls, `${limit} tokens at PARALLEL ${parallel}`);
        assert.ok(totals.tokensIn + totals.tokensOut <= limit);
      }
    }
  });
});

test('calls that wait for the budget do not keep those of other statements from the limiter', async () => {
  await using server = await modelServer({ directives: true });
  await using engine = await openEngine({
    providers: { sim: { baseUrl: server.url, limits: { inFlight: 4 } } },
    model: 'sim/test-model',
  });
  const slow = engine.query(
    `RVBBIT MAP PARALLEL 4 'patient.yaml' AS v USING (${queryOf(rowsOf(4, 1_500))}) WITH (max_calls = 2)`,
  );
  while ((await server.summary()).totals.calls < 2) await sleep(10);
  await sleep(100);
  const beside = await engine.query(
    `RVBBIT MAP 'patient.yaml' AS v USING (${queryOf([{ word: 'beside', number: 1, sim: {} }])})`,
  );
  assert.is(beside.rows[0]?.['v'], 'Say beside 1');
  assert.is((await server.summary()).totals.inFlight, 2, 'the calls of the first are still out');
  const { rows, summary } = await slow;
  assert.is(rows.length, 2);
  assert.is(summary.reason, 'budget');
  assert.is((await server.summary()).totals.calls, 3);
});

test('max_cost without a price is refused before the first call', async () => {
  await withModel({}, async (engine, server) => {
    const sql = `RVBBIT MAP 'patient.yaml' USING (${queryOf(rowsOf(3))}) WITH (max_cost = 1)`;
    const error = await errorOf(engine.query(sql));
    assert.is(error.code, 'RVB_UNCOSTED');
    assert.match(error.message, 'sim/test-model');
    assert.is((await server.summary()).totals.calls, 0);
  });
  await using engine = await openEngine({
    model: async () => ({ text: 'x', finishReason: 'stop' }),
  });
  const sql = `RVBBIT MAP 'patient.yaml' USING (${queryOf(rowsOf(1))}) WITH (max_cost = 1)`;
  assert.is((await errorOf(engine.query(sql))).code, 'RVB_UNCOSTED');
});

test('on_error: null of a cell makes no value of a call that the budget refused', async () => {
  await withModel({}, async (engine) => {
    const { rows, summary } = await engine.query(
      `RVBBIT MAP PARALLEL 4 'forgiving.yaml' AS v USING (${queryOf(rowsOf(10))})
       WITH (max_calls = 4, on_error = 'default:none')`,
    );
    assert.is(rows.length, 4);
    assertRight(rows);
    assert.is(summary.rows.notRun, 6);
  });
});

test('a stream ends early with what is done', async () => {
  await withModel({}, async (engine) => {
    const sql = `RVBBIT MAP PARALLEL 3 'patient.yaml' AS v USING (${queryOf(rowsOf(20))})
      WITH (max_calls = 8, cache = false)`;
    const rows: Row[] = [];
    const stream = engine.stream(sql);
    for await (const row of stream) rows.push(row);
    assert.is(rows.length, 8);
    assertRight(rows);
    assert.is((await stream.summary).reason, 'budget');
    assert.ok(stream.notices.some(({ code }) => code === 'incomplete'));
  });
});

test('a table gets all rows or none, so that a rerun neither doubles rows nor finds it in its way', async () => {
  await withModel({}, async (engine, server) => {
    const countIn = async (table: string) =>
      (await engine.query(`SELECT count(*)::INT AS n FROM ${table}`)).rows[0]?.['n'];
    const map = (budget: string) =>
      `RVBBIT MAP PARALLEL 3 'patient.yaml' AS v USING (${queryOf(rowsOf(20))}) ${budget}`;
    await engine.query('CREATE TABLE kept AS SELECT 1 AS only');
    await engine.query('CREATE TABLE filled(word VARCHAR, number INT, sim VARCHAR, v VARCHAR)');
    for (const [head, table, before, count] of [
      ['CREATE TABLE made AS', 'made', undefined, 20],
      ['CREATE OR REPLACE TABLE kept AS', 'kept', 1, 20],
      ['INSERT INTO filled', 'filled', 0, 20],
      ['INSERT INTO filled', 'filled', 20, 40],
    ] as const) {
      const early = await engine.query(`${head} ${map("WITH (max_calls = 8, cache = 'refresh')")}`);
      assert.is(early.rowCount, 0, head);
      assert.is(early.summary.reason, 'budget');
      assert.is(early.summary.rows.ok, 8);
      assert.match(early.notices[0]?.message ?? '', /nothing was written.*Run it again/);
      if (before === undefined) assert.is((await errorOf(countIn(table))).code, 'RVB_SQL');
      else assert.is(await countIn(table), before, head);
      await server.reset();
      assert.is((await engine.query(`${head} ${map('')}`)).summary.status, 'complete');
      assert.is(await countIn(table), count, head);
    }
  });
});

test('a drained statement ends with the rows that were in flight, and its answers are kept', async () => {
  await withModel({}, async (engine, server) => {
    const drain = new AbortController();
    const sql = `RVBBIT MAP PARALLEL 5 'patient.yaml' AS v USING (${queryOf(rowsOf(40, 100))})`;
    const running = engine.query(sql, undefined, { drain: drain.signal });
    while ((await server.summary()).totals.calls < 8) await sleep(20);
    drain.abort();
    const { rows, summary } = await running;
    const { totals } = await server.summary();
    assert.is(summary.reason, 'interrupted');
    assert.is(rows.length, totals.calls, 'what was in flight is in the result');
    assert.ok(rows.length >= 8 && rows.length < 40, `${rows.length} rows`);
    assertRight(rows);
    const again = await engine.query(sql);
    assert.is(again.rows.length, 40);
    assert.is((await server.summary()).totals.calls, 40);
  });
});

test('a call whose cost is beyond any number uses the budget up', async () => {
  let asked = 0;
  await using engine = await openEngine({
    model: async () => {
      asked += 1;
      return { text: 'x', finishReason: 'stop', usage: { inputTokens: 9e15, outputTokens: 1 } };
    },
    modelPrice: { inputPerMtok: 10, outputPerMtok: 10 },
  });
  const sql = `RVBBIT MAP PARALLEL 1 'patient.yaml' USING (${queryOf(rowsOf(5))}) WITH (max_cost = 1)`;
  const { summary } = await engine.query(sql);
  assert.is(asked, 1);
  assert.is(summary.reason, 'budget');
  assert.is(summary.costMicroUsd, null);
  assert.is(summary.uncostedCalls, 1);
});

test.run();
