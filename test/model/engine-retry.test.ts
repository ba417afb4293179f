/** Failures that pass by themselves, through the engine: what is asked again, how often, and what is not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Summary } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';
import { reportCases } from '../support/cases.ts';
import { type Asked, assertAddsUp, errorOf, openEngine, queryOf } from './engine-support.ts';

const server = await startSimulator({ directives: true });
const engine = await openEngine({
  threads: 1,
  providers: {
    sim: { baseUrl: server.url, responseFormat: 'json_schema' },
    claude: { type: 'anthropic', baseUrl: server.url },
    streamed: { type: 'anthropic', baseUrl: server.url, stream: true },
  },
});
/** Each test asks a model of its own: of that one the engine has no answers and has learnt no limits. */
let tests = 0;
test.before.each(() => {
  tests += 1;
  server.reset();
});
test.after(async () => {
  await engine.close();
  await server.close();
});

/** The provider of each protocol. */
const PROVIDERS = ['sim', 'claude', 'streamed'];

function map(rows: readonly Asked[], parallel = '', more = '', provider = 'sim'): string {
  return `RVBBIT MAP ${parallel} 'retry_quick.yaml' AS v USING (${queryOf(rows)})
    WITH (model = '${provider}/model-${tests}'${more})`;
}

function rowsOf(sims: readonly object[]): Asked[] {
  return sims.map((sim, number) => ({ word: 'row', number, sim }));
}

for (const provider of PROVIDERS) {
  test(`${provider}: a status that may pass is asked again until the attempts are used up`, async () => {
    const statuses = [408, 409, 425, 429, 500, 502, 503, 504, 529];
    const sims = statuses.flatMap((status) =>
      [0, 1, 2, 3].map((attempts) => ({ status, attempts })),
    );
    const rows = rowsOf(
      sims.map(({ status, attempts }) => {
        // Refusals in a row that say nothing of a wait are waited for twice as long each time.
        const now = status === 429 ? { retryAfter: 0 } : {};
        return attempts === 0 ? {} : { status, attempts, ...now };
      }),
    );
    const { rows: got, summary } = await engine.query(
      map(rows, 'PARALLEL 16', ", error_column = 'err'", provider),
      undefined,
      { valueForm: 'json' },
    );
    for (const [index, { status, attempts }] of sims.entries()) {
      const { v, err } = got[index] as { v: string | null; err: { attempts: number } | null };
      assert.is(v, attempts < 3 ? `Say row ${index}` : null, `${status} ${attempts} times`);
      assert.is(err?.attempts, attempts < 3 ? undefined : 3);
    }
    const { totals } = server.ledger();
    assert.is(
      totals.calls,
      sims.reduce((sum, { attempts }) => sum + Math.min(3, attempts + 1), 0),
    );
    assert.is(summary.calls.sent, totals.calls);
    assertAddsUp(summary);
    reportCases(sims.length, 'statuses for k attempts');
  });
}

test('WITH (retries = n) means n + 1 attempts and wins over the cell', async () => {
  for (const retries of [0, 1, 4]) {
    server.reset();
    const rows = rowsOf([{ status: 503 }]);
    const { summary } = await engine.query(map(rows, '', `, retries = ${retries}`));
    assert.is(server.ledger().totals.calls, retries + 1);
    assert.is(summary.failures[0]?.attempts, retries + 1);
    assert.is(summary.failures[0]?.code, 'RVB_MODEL_HTTP');
  }
});

for (const provider of PROVIDERS) {
  test(`${provider}: every form of Retry-After is survived`, async () => {
    const waits: unknown[] = [0, 1, -1, 'soon', '', { dateInSeconds: 1 }, { dateInSeconds: -30 }];
    const rows = rowsOf([
      ...waits.map((retryAfter) => ({ status: 429, retryAfter, attempts: 1 })),
      { status: 429, attempts: 1 },
    ]);
    const { rows: got } = await engine.query(map(rows, 'PARALLEL 8', '', provider));
    assert.equal(
      got.map(({ v }) => v),
      rows.map(({ number }) => `Say row ${number}`),
    );
    reportCases(rows.length, 'forms of Retry-After');
  });
}

test('a hold ends with its Retry-After and leaves nothing behind, and a statement that waits for it says so', async () => {
  const held: { provider: string; heldMs?: number }[] = [];
  engine.events.on('record', (record) => {
    if (record.t === 'calls.held') held.push(record);
  });
  let number = 0;
  const ask = async (sim: object, more = ''): Promise<Summary> => {
    number += 1;
    const options = `, timeout = '2s', retries = 0, cache = false${more}`;
    return (await engine.query(map([{ word: 'row', number, sim }], '', options))).summary;
  };
  assert.is((await ask({ status: 429, retryAfter: 1 })).rows.failed, 1);
  const waited = await ask({});
  assert.is(waited.rows.ok, 1);
  assert.ok(waited.waitedMs >= 500 && waited.waitedMs <= waited.durationMs, JSON.stringify(waited));
  assert.is(held.length, 1);
  assert.is(held[0]!.provider, 'sim');
  assert.ok(held[0]!.heldMs! > 0 && held[0]!.heldMs! <= 700, String(held[0]!.heldMs));
  for (const retryAfter of [undefined, -5, 1_000_000_000]) {
    const said = retryAfter === undefined ? {} : { retryAfter };
    assert.is((await ask({ status: 429, ...said })).rows.failed, 1);
    // The pause is at most 1 s; what is learnt of the rate adds little to it.
    const after = await ask({});
    assert.ok(after.durationMs < 2_500, `${after.durationMs} ms after ${retryAfter}`);
    assert.is((await ask({})).waitedMs, 0, String(retryAfter));
  }
  assert.is((await ask({ status: 429, retryAfter: 30 })).rows.failed, 1);
  const startMs = performance.now();
  const error = await errorOf(ask({}, ", deadline = '700ms'"));
  assert.is(error.code, 'RVB_DEADLINE');
  assert.ok(performance.now() - startMs < 5_000);
  assert.ok(error.summary!.waitedMs >= 500, JSON.stringify(error.summary));
});

for (const provider of PROVIDERS) {
  test(`${provider}: what will not pass is asked once`, async () => {
    const faults = [
      ...[400, 401, 402, 403, 404, 405, 410, 413, 415, 418, 422, 451].map((status) => ({ status })),
      { fault: { kind: 'status', status: 400, code: 'context_length_exceeded' } },
      { fault: { kind: 'status', status: 400, code: 'content_policy_violation' } },
      { fault: { kind: 'status', status: 429, code: 'insufficient_quota' } },
      { fault: { kind: 'content', what: 'refusal' } },
      { fault: { kind: 'content', what: 'length' } },
    ];
    for (const sim of faults) {
      server.reset();
      const { rows } = await engine.query(map(rowsOf([sim]), '', '', provider));
      assert.equal(rows[0]?.['v'], null, JSON.stringify(sim));
      assert.is(server.ledger().totals.calls, 1, JSON.stringify(sim));
    }
    reportCases(faults.length, 'failures that do not pass');
  });
}

test('a key that is refused ends the calls of the statement, and the next statement tries anew', async () => {
  const rows = rowsOf(Array.from({ length: 200 }, () => ({ status: 401, delayMs: 5 })));
  const sql = map(rows, 'PARALLEL 4');
  const { summary } = await engine.query(sql);
  const { totals } = server.ledger();
  assert.ok(totals.calls <= 3 + 4, `${totals.calls} calls`);
  assert.is(summary.rows.failed, 200);
  assert.match(summary.failures.at(-1)!.message, /401.*not asked again by this statement/s);
  const good = rowsOf([{}]);
  const next = await engine.query(map(good));
  assert.is(next.rows[0]?.['v'], 'Say row 0');
});

test('one call that is refused among others fails alone', async () => {
  const rows = rowsOf(
    Array.from({ length: 60 }, (_, at) => (at % 10 === 0 ? { status: 401 } : {})),
  );
  const { summary } = await engine.query(map(rows, 'PARALLEL 1'));
  assert.is(summary.rows.failed, 6);
  assert.is(summary.rows.ok, 54);
});

test('a wait that outlasts the row is not begun', async () => {
  const startMs = performance.now();
  const rows = rowsOf([{ status: 503, retryAfter: 30 }]);
  const { summary } = await engine.query(map(rows, '', ", timeout = '2s'"));
  assert.is(summary.failures[0]?.code, 'RVB_MODEL_HTTP');
  assert.is(server.ledger().totals.calls, 1);
  assert.ok(performance.now() - startMs < 10_000);
});

test('cancelling ends a wait between attempts', async () => {
  const rows = rowsOf([{ status: 503, retryAfter: 30 }]);
  const signal = AbortSignal.timeout(500);
  const startMs = performance.now();
  try {
    await engine.query(map(rows), undefined, { signal });
    assert.unreachable('it should have been cancelled');
  } catch (thrown) {
    assert.is((thrown as { code?: string }).code, 'RVB_CANCELLED');
  }
  assert.ok(performance.now() - startMs < 5_000);
});

test.run();
