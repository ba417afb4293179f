/** A property: no fault of any kind yields a value. A row has the right answer, or NULL and a recorded failure. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, QueryResult } from '../../src/index.ts';
import { createRandom } from '../../src/sim/random.ts';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { type RawRecord, readRecords } from '../kill/journal-files.ts';
import { cases, deep, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';
import { type Asked, assertAddsUp, openEngine } from './engine-support.ts';
import { FLAVOURS } from './flavours.ts';

const STATEMENTS = cases(400, 2_000);
/** Statements on one engine and journal before both are new. */
const BATCH = 25;
const random = createRandom(seed);

function pick<T>(values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!;
}

function upTo(max: number): number {
  return Math.floor(random() * (max + 1));
}

const SPOILT = [
  'invalid-utf8',
  'nul',
  'lone-surrogate',
  'deep',
  'nan',
  'bom',
  'huge-number',
  'proto-keys',
  'duplicate-keys',
];

/** Every kind of the simulator, with what it may be told. Those that wait for a timeout are rarer. */
const faults: readonly (() => object)[] = [
  () => ({ kind: 'status', status: pick([400, 403, 404, 408, 413, 422, 500, 502, 503, 529]) }),
  () => ({
    kind: 'status',
    status: 400,
    code: pick(['context_length_exceeded', 'content_policy_violation']),
  }),
  () => ({
    kind: 'redirect',
    status: pick([301, 302, 303, 307, 308]),
    location: pick(['http://127.0.0.1:9/v1', '/v1/models', 'file:///etc/passwd']),
  }),
  () => ({
    kind: 'disconnect',
    how: pick(['reset', 'fin']),
    at: pick(['before-headers', 'in-headers', 'in-body']),
    afterBytes: upTo(200),
  }),
  () => ({
    kind: 'cut',
    afterBytes: upTo(300),
    length: pick(['whole', 'sent', 'chunked', 5, 400]),
  }),
  () => ({ kind: 'chunks', size: pick(['garbage', 'negative', 'huge', 'short', 'unterminated']) }),
  () => ({ kind: 'gzip-bomb', bytes: 2_000_000 }),
  () => ({ kind: 'spoil', what: pick(SPOILT), in: 'body', at: upTo(250) }),
  () => ({ kind: 'spoil', what: pick(SPOILT), in: 'content', at: upTo(20) }),
  () => ({
    kind: 'content',
    what: pick([
      'no-choices',
      'null-content',
      'empty-content',
      'refusal',
      'tool-calls',
      'wrong-enum',
      'length',
      'content-filter',
      'missing-item',
      'extra-item',
      'shuffled-items',
      'error-body',
    ]),
  }),
  () => ({ kind: 'content', what: pick(['prose', 'fenced', 'no-usage']) }),
  () => ({
    kind: 'bytes',
    text: pick(['', 'SSH-2.0-OpenSSH_9.2\r\n', 'HTTP/1.1 200 OK\r\n\r\n{"word":"w1"}']),
  }),
];
const slowFaults: readonly (() => object)[] = [
  () => ({ kind: 'hang' }),
  () => ({ kind: 'drip', everyMs: 100 }),
  () => ({ kind: 'stall', afterBytes: upTo(300) }),
  () => ({ kind: 'endless', everyMs: pick([0, 10]), bytes: pick([64, 65_536]) }),
  () => ({ kind: 'status', status: 429, retryAfter: pick([0, -1, 'soon']) }),
  () => ({ kind: 'status', status: 401 }),
];

/** What the server does with a call that should answer `w<k>`. */
function actionFor(k: number): object {
  const answer = { word: `w${k}` };
  const kind = random();
  if (kind < 0.25) return { answer };
  if (kind < 0.35) {
    // Content that is no instance of the schema, or not all of it.
    return {
      answer: pick([
        '',
        ' ',
        'null',
        'true',
        '[]',
        '{}',
        '{"word":',
        '{"word":7}',
        '{"word":null}',
        '{"word":["w1"]}',
        '{"Word":"w1"}',
        'w1',
        '"w1"',
        'I think it is w1.',
        '{"word":"w1"} or {"word":"w2"}',
        '[{"word":"w1"}]',
      ]),
    };
  }
  const attempts = random() < 0.4 ? { attempts: 1 + upTo(2) } : {};
  const fault = (random() < 0.03 ? pick(slowFaults) : pick(faults))();
  return { answer, fault, ...attempts };
}

/** What the model says when it is asked once more for an answer that fits, half of the time. */
const ASKED_AGAIN = 'again';
const rules = [
  { when: { contains: 'cannot be used', probability: 0.5 }, answer: { word: ASKED_AGAIN } },
  { when: { contains: 'cannot be used' }, answer: 'It is beyond me.' },
];

/** The server gives the right answer at once. */
function isPlain(sim: object): boolean {
  return !('fault' in sim) && /^\{"answer":\{"word":"w\d+"\}\}$/.test(JSON.stringify(sim));
}

interface Case {
  readonly rows: readonly Asked[];
  readonly sql: string;
}

function makeCase(): Case {
  const rows = Array.from({ length: 1 + upTo(11) }, (): Asked => {
    const number = upTo(30);
    return { word: '', number, sim: actionFor(number) };
  });
  // Rows that are equal, and rows that differ only in a column that no prompt shows.
  for (let twins = upTo(4); twins > 0; twins -= 1) rows.push(pick(rows));
  const tuples = rows.map(({ number, sim }, index) => {
    const text = JSON.stringify(sim).replaceAll("'", "''");
    return `(${index}, ${number}, '${text}', ${random() < 0.5 ? index : 0})`;
  });
  const options = [
    "error_column = 'err'",
    `model = 'sim_${upTo(FLAVOURS.length - 1)}/test-model'`,
    `retries = ${upTo(2)}`,
    `dedupe = ${random() < 0.7}`,
    `cache = ${pick(['true', 'true', 'false', "'refresh'", "'1d'"])}`,
  ];
  const sql = `RVBBIT MAP PARALLEL ${1 + upTo(7)} 'word.yaml' AS v USING (
    SELECT k, sim, other FROM (VALUES ${tuples.join(', ')}) t(i, k, sim, other) ORDER BY i
  ) WITH (${options.join(', ')})`;
  return { rows, sql };
}

/** Every row has its right answer, or NULL with the failure that made it so. */
function checkRows({ rows, sql }: Case, result: QueryResult, failures: Map<string, number>): void {
  assert.is(result.rows.length, rows.length);
  let nulls = 0;
  for (const [index, { number, sim }] of rows.entries()) {
    const { v, err } = result.rows[index]! as { v: unknown; err: Record<string, unknown> | null };
    if (v === `w${number}` || (v === ASKED_AGAIN && !isPlain(sim))) {
      assert.is(err, null);
      continue;
    }
    nulls += 1;
    assert.is(v, null, `row ${index} has the value ${JSON.stringify(v)}, not w${number}; ${sql}`);
    const code = String(err?.['code']);
    assert.match(code, /^RVB_/, `row ${index} is NULL and no failure says why; ${sql}`);
    assert.ok(String(err!['message']).length > 10);
    failures.set(code, (failures.get(code) ?? 0) + 1);
  }
  assert.is(result.summary.rows.failed, nulls);
  assert.is(result.summary.rows.null, 0);
  assertAddsUp(result.summary);
}

/** What is kept of failures is why and what came, never a value; and a hit has an answer that was bought before it. */
function checkRecords(records: readonly RawRecord[]): number {
  const bought = new Set<string>();
  let unreadable = 0;
  for (const record of records) {
    const { t, outcome, value, callKey, error, raw } = record;
    if (t === 'attempt.end' && outcome === 'ok') {
      if (callKey === undefined) continue;
      assert.match(String(value), /w\d+|again/);
      bought.add(callKey);
    } else if (t === 'attempt.end') {
      assert.is(value, undefined, 'a failure keeps no value');
      assert.is(callKey, undefined, 'a failure is found under no key');
      assert.match(error?.code ?? '', /^RVB_/);
      assert.ok((error?.message ?? '').length > 10);
      if (error?.code !== 'RVB_ANSWER_INVALID') continue;
      unreadable += 1;
      if (/response that is empty/.test(error.message)) continue;
      if (/not valid UTF-8/.test(error.message)) assert.is(raw, undefined, 'no text to keep');
      else assert.type(raw, 'string', `no raw text of: ${error.message}`);
    } else if (t === 'cache.hits') {
      assert.ok(bought.size > 0, 'a hit without an answer that was bought');
    }
  }
  return unreadable;
}

test('no fault of any kind yields a value', async () => {
  const server = await spawnSimulator({ directives: true, rules, seed });
  const startedMs = performance.now();
  const failures = new Map<string, number>();
  let statements = 0;
  let rows = 0;
  let unreadable = 0;
  const isOver = () =>
    statements >= STATEMENTS || (!deep && performance.now() - startedMs > QUICK_BUDGET_MS * 0.8);
  try {
    while (!isOver()) {
      const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-faults-'));
      const open = (): Promise<Engine> =>
        openEngine({
          stateDir,
          providers: Object.fromEntries(
            FLAVOURS.map(({ provider }, index) => [
              `sim_${index}`,
              { baseUrl: server.url, responseFormat: 'json_schema', ...provider },
            ]),
          ),
        });
      let engine = await open();
      try {
        for (let count = 0; count < BATCH && !isOver(); count += 1) {
          const one = makeCase();
          const first = await engine.query(one.sql, undefined, { valueForm: 'json' });
          checkRows(one, first, failures);
          if (random() < 0.15) {
            await engine.close();
            engine = await open();
          }
          const second = await engine.query(one.sql, undefined, { valueForm: 'json' });
          checkRows(one, second, failures);
          statements += 1;
          rows += 2 * one.rows.length;
        }
      } finally {
        await engine.close();
      }
      unreadable += checkRecords(readRecords(stateDir));
      rmSync(stateDir, { recursive: true, force: true });
    }
  } finally {
    await server.close();
  }
  assert.ok(unreadable > 0);
  const codes = [...failures].map(([code, count]) => `${code} ${count}`).join(', ');
  reportCases(
    statements,
    `statements, run twice, ${rows} rows; NULL for ${codes}; ${unreadable} answers unreadable`,
  );
});

test.run();
