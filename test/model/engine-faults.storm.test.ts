/** Faults of a model server, through the engine: each fails its own row by its own code, and nothing else. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, QueryResult } from '../../src/index.ts';
import type { ModelFunction } from '../../src/model/chat.ts';
import type { Rule } from '../../src/sim/script.ts';
import { reportCases } from '../support/cases.ts';
import type { ModelServer } from '../support/model-server.ts';
import {
  type Asked,
  assertAddsUp,
  assertUsable,
  errorOf,
  openEngine,
  queryOf,
  withModel,
} from './engine-support.ts';
import { FLAVOURS, type Flavour } from './flavours.ts';
import { CANARY, REDIRECT_TARGETS } from './support.ts';

/** What the server does, and the code that the row fails with, or the value that it has. */
interface Fault {
  readonly name: string;
  readonly sim: object;
  readonly expected: string | readonly string[];
}

const HTTP = 'RVB_MODEL_HTTP';
const INVALID = 'RVB_ANSWER_INVALID';
const REFUSED = 'RVB_MODEL_REFUSED';
const TIMEOUT = 'RVB_TIMEOUT';
/** The row's value, as if nothing were wrong. */
const VALUE = 'value';

function fault(name: string, sim: object, expected: Fault['expected']): Fault {
  return { name, sim: { fault: sim }, expected };
}

const statuses = [
  400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 501, 502, 503, 504, 529,
];

/** Faults on the wire, in a status or in the body; the cell asks for a text. */
const wireFaults: readonly Fault[] = [
  ...statuses.map((status) => fault(`status ${status}`, { kind: 'status', status }, HTTP)),
  fault('context', { kind: 'status', status: 400, code: 'context_length_exceeded' }, HTTP),
  fault('policy', { kind: 'status', status: 400, code: 'content_policy_violation' }, REFUSED),
  ...[301, 302, 303, 307, 308].flatMap((status) =>
    REDIRECT_TARGETS.map((location) =>
      fault(`${status} ${location}`, { kind: 'redirect', status, location }, HTTP),
    ),
  ),
  ...['reset', 'fin'].flatMap((how) =>
    ['before-headers', 'in-headers', 'in-body'].map((at) =>
      fault(`${how} ${at}`, { kind: 'disconnect', how, at, afterBytes: 40 }, HTTP),
    ),
  ),
  fault('hang', { kind: 'hang' }, TIMEOUT),
  fault('drip', { kind: 'drip', everyMs: 200 }, TIMEOUT),
  ...[0, 1, 50, 200].map((afterBytes) =>
    fault(`stall ${afterBytes}`, { kind: 'stall', afterBytes }, TIMEOUT),
  ),
  fault('endless', { kind: 'endless' }, TIMEOUT),
  fault('flood', { kind: 'endless', everyMs: 0, bytes: 1_048_576 }, [HTTP, TIMEOUT]),
  ...[0, 1, 60, 150].flatMap((afterBytes) => [
    fault(`cut ${afterBytes}`, { kind: 'cut', afterBytes }, HTTP),
    fault(`cut, sent ${afterBytes}`, { kind: 'cut', afterBytes, length: 'sent' }, INVALID),
    fault(`cut, chunked ${afterBytes}`, { kind: 'cut', afterBytes, length: 'chunked' }, INVALID),
  ]),
  fault('length too short', { kind: 'cut', length: 5 }, [INVALID, HTTP]),
  fault('length too long', { kind: 'cut', length: 100_000 }, HTTP),
  ...['garbage', 'negative', 'huge', 'short', 'unterminated'].map((size) =>
    fault(`chunks ${size}`, { kind: 'chunks', size }, [HTTP, INVALID]),
  ),
  fault('gzip bomb', { kind: 'gzip-bomb', bytes: 100_000_000 }, [INVALID, HTTP]),
  fault('no HTTP', { kind: 'bytes', text: 'SSH-2.0-OpenSSH_9.2\r\n' }, HTTP),
  fault('no bytes', { kind: 'bytes', text: '' }, HTTP),
  fault('HTTP/2', { kind: 'bytes', base64: 'AAASBAAAAAAAAAMAAABkAARAAAAAAAIAAAAA' }, HTTP),
  ...[0, 1, 30, 90].map((at) =>
    fault(`UTF-8 ${at}`, { kind: 'spoil', what: 'invalid-utf8', at }, INVALID),
  ),
  fault('UTF-8 in the answer', { kind: 'spoil', what: 'invalid-utf8', in: 'content' }, INVALID),
  fault('surrogate', { kind: 'spoil', what: 'lone-surrogate', at: 30 }, INVALID),
  fault(
    'surrogate in the answer',
    { kind: 'spoil', what: 'lone-surrogate', in: 'content' },
    INVALID,
  ),
  fault('NUL', { kind: 'spoil', what: 'nul', at: 3 }, INVALID),
  fault('depth', { kind: 'spoil', what: 'deep' }, INVALID),
  fault('NaN', { kind: 'spoil', what: 'nan' }, INVALID),
  fault('BOM', { kind: 'spoil', what: 'bom' }, VALUE),
  fault('a million digits', { kind: 'spoil', what: 'huge-number' }, VALUE),
  fault('__proto__', { kind: 'spoil', what: 'proto-keys' }, VALUE),
  ...['no-choices', 'null-content', 'empty-content', 'tool-calls'].map((what) =>
    fault(what, { kind: 'content', what }, INVALID),
  ),
  fault('refusal', { kind: 'content', what: 'refusal' }, REFUSED),
  fault('filter', { kind: 'content', what: 'content-filter' }, REFUSED),
  fault('cut off', { kind: 'content', what: 'length' }, 'RVB_MODEL_TRUNCATED'),
  fault('error in a 200', { kind: 'content', what: 'error-body' }, HTTP),
  fault('no usage', { kind: 'content', what: 'no-usage' }, VALUE),
];

/** What is otherwise where the answer is a stream: its last event makes it whole, and garbage makes it none. */
const STREAMED: ReadonlyMap<string, Fault['expected']> = new Map([
  ['length too long', [HTTP, VALUE]],
  ['chunks unterminated', [HTTP, VALUE]],
  ['chunks huge', [HTTP, INVALID, VALUE]],
  ['a million digits', [INVALID]],
  ['__proto__', [INVALID]],
]);

const raw = (text: string) => ({ answer: text });

/** Wrong content where JSON of a schema was asked for; the second answer is as wrong as the first. */
const contentFaults: readonly Fault[] = [
  ...[
    'Sony',
    'true',
    '"Sony"',
    'null',
    '[]',
    '[{"brand":"Sony"}]',
    '{"brand":"Acme"}',
    '{"brand":null}',
    '{"brand":["Sony"]}',
    '{"Brand":"Sony"}',
    '{"brand":"Sony"',
    '```json\n{"brand":"So',
    '{"brand":"Sony"} or {"brand":"Bose"}',
    '{"__proto__":{"brand":"Sony"}}',
    '{"brand":NaN}',
    `${'['.repeat(100_000)}`,
    `${'{"brand":'.repeat(70)}"Sony"${'}'.repeat(70)}`,
    '',
    ' \n',
  ].map((text) => ({
    name: text.slice(0, 40),
    sim: raw(text),
    // Anthropic's calls always have a cap on the answer.
    expected: text.length > 50_000 ? [INVALID, 'RVB_MODEL_TRUNCATED'] : INVALID,
  })),
  ...['huge-number', 'proto-keys', 'deep', 'lone-surrogate'].map((what) => ({
    name: what,
    sim: { answer: { brand: 'Sony' }, fault: { kind: 'spoil', what, in: 'content', at: 3 } },
    expected: INVALID,
  })),
  ...['prose', 'fenced'].map((what) => ({
    name: what,
    sim: { answer: { brand: 'Sony' }, fault: { kind: 'content', what } },
    expected: 'Sony',
  })),
  { name: 'as it should be', sim: { answer: { brand: 'Bose' } }, expected: 'Bose' },
];

function watchLosses(engine: Engine): { count: number } {
  const losses = { count: 0 };
  engine.events.on('worker.lost', () => {
    losses.count += 1;
  });
  return losses;
}

/** Each fault's row is as it should be, the rows beside it hold their own values, the account says the same. */
function checkRows(
  result: QueryResult,
  faults: readonly Fault[],
  beside: (index: number) => string,
  value: (index: number) => string,
): void {
  const { rows, summary } = result;
  assert.is(rows.length, faults.length * 2);
  let failed = 0;
  const wrong: string[] = [];
  for (const [index, { name, expected }] of faults.entries()) {
    const [row, next] = [rows[index * 2]!, rows[index * 2 + 1]!];
    const error = row['err'] as { code: string; message: string } | null;
    if (error !== null) failed += 1;
    const accepted = [expected].flat().map((one) => (one === VALUE ? value(index) : one));
    const seen = error === null ? row['v'] : error.code;
    if (!accepted.includes(String(seen)) || (error !== null && row['v'] !== null)) {
      wrong.push(
        `${name}: ${String(row['v']).slice(0, 80)} ${error?.code} ${error?.message}, not ${accepted}`,
      );
    }
    if (next['v'] !== beside(index) || next['err'] !== null)
      wrong.push(`beside ${name}: ${JSON.stringify(next)}`);
  }
  assert.equal(wrong, []);
  assert.is(summary.rows.failed, failed);
  assert.is(summary.rows.ok, rows.length - failed);
  assertAddsUp(summary);
}

for (const { name, provider } of FLAVOURS) {
  test(`${name}: a fault on the wire fails its own row, and no worker dies of it`, () =>
    failOnTheWire(provider));
  test(`${name}: wrong content fails its own row after it was asked for once more`, () =>
    failByContent(provider));
}

async function failOnTheWire(provider: Flavour['provider']): Promise<void> {
  const faults = wireFaults.map((one) => {
    const streamed = provider.stream === true ? STREAMED.get(one.name) : undefined;
    return streamed === undefined ? one : { ...one, expected: streamed };
  });
  await withModel({ engine: { providers: provider } }, async (engine) => {
    const losses = watchLosses(engine);
    const rows = wireFaults.flatMap(({ sim }, number): Asked[] => [
      { word: 'fault', number, sim },
      { word: 'good', number, sim: { delayMs: 5 } },
    ]);
    const result = await engine.query(
      `RVBBIT MAP PARALLEL 8 'text.yaml' AS v USING (${queryOf(rows)}) WITH (error_column = 'err', retries = 0)`,
      undefined,
      { valueForm: 'json' },
    );
    checkRows(
      result,
      faults,
      (index) => `Say good ${index}`,
      (index) => `Say fault ${index}`,
    );
    assert.is(losses.count, 0);
    await assertUsable(engine);
  });
  reportCases(wireFaults.length, 'faults on the wire');
}

async function failByContent(provider: Flavour['provider']): Promise<void> {
  const rules = contentFaults.map(({ sim }, index) => ({
    when: { contains: `fault ${index}?` },
    ...sim,
  }));
  const options = { server: { rules: rules as Rule[] }, engine: { providers: provider } };
  await withModel(options, async (engine, sim) => {
    const losses = watchLosses(engine);
    const rows = contentFaults.flatMap((_, number): Asked[] => [
      { word: 'fault', number, sim: { delayMs: 0 } },
      { word: 'good', number, sim: { answer: { brand: 'Bose' } } },
    ]);
    const result = await engine.query(
      `RVBBIT MAP PARALLEL 8 'json.yaml' AS v USING (${queryOf(rows)}) WITH (error_column = 'err', retries = 0)`,
      undefined,
      { valueForm: 'json' },
    );
    checkRows(
      result,
      contentFaults,
      () => 'Bose',
      () => '',
    );
    const { totals } = await sim.summary();
    const { failed } = result.summary.rows;
    assert.ok(totals.calls <= rows.length + failed, `${totals.calls} calls`);
    assert.is(result.summary.calls.sent, totals.calls);
    assert.is(losses.count, 0);
    await assertUsable(engine);
  });
  reportCases(contentFaults.length, 'kinds of wrong content');
}

for (const { name, provider } of FLAVOURS) {
  test(`${name}: tokens of answers that were cut off or refused are in the account`, () =>
    withModel({ engine: { providers: provider } }, countUnusable));
}

async function countUnusable(engine: Engine, sim: ModelServer): Promise<void> {
  for (const what of ['length', 'refusal', 'content-filter', 'tool-calls']) {
    await sim.reset();
    const rows = Array.from({ length: 20 }, (_, number) => ({
      word: 'long '.repeat(50),
      number,
      sim: { fault: { kind: 'content', what } },
    }));
    const { summary } = await engine.query(
      `RVBBIT MAP PARALLEL 8 'patient.yaml' AS v USING (${queryOf(rows)})`,
    );
    const { totals } = await sim.summary();
    assert.is(summary.rows.failed, 20);
    assert.ok(totals.tokensIn > 1_000);
    assert.equal(summary.tokens, { in: totals.tokensIn, out: totals.tokensOut }, what);
  }
}

test('a call that is not billed makes no unknown price known', async () => {
  const sims = [{}, { fault: { kind: 'status', status: 500 }, attempts: 1 }, {}];
  const rows = sims.map((sim, number) => ({ word: 'price', number, sim }));
  const sql = `RVBBIT MAP 'patient.yaml' AS v USING (${queryOf(rows)})`;
  await withModel({}, async (engine) => {
    const { summary } = await engine.query(sql);
    assert.is(summary.calls.sent, 4);
    assert.equal([summary.costMicroUsd, summary.uncostedCalls], [null, 4]);
  });
});

test('a server that is not there fails every row', async () => {
  for (const baseUrl of [
    'http://127.0.0.1:9/v1',
    'http://no-such-host.invalid/v1',
    'https://127.0.0.1:9',
  ]) {
    await using engine = await openEngine({ providers: { gone: { baseUrl } }, model: 'gone/m' });
    const rows = [1, 2, 3].map((number) => ({ word: 'a', number, sim: {} }));
    const { summary } = await engine.query(
      `RVBBIT MAP PARALLEL 3 'patient.yaml' AS v USING (${queryOf(rows)}) WITH (timeout = '2s')`,
    );
    assert.is(summary.rows.failed, 3);
    for (const { code } of summary.failures) assert.ok(code === HTTP || code === TIMEOUT, code);
  }
});

const ONE = queryOf([{ word: 'a', number: 1, sim: {} }]);
const ASK = `RVBBIT MAP 'patient.yaml' AS v USING (${ONE})`;

test('without a model a statement is refused before anything runs', async () => {
  await using engine = await openEngine({});
  const error = await errorOf(engine.query(ASK));
  assert.is(error.code, 'RVB_NO_MODEL');
  assert.is(error.stage, 'bind');
  assert.match(error.message, /OLLAMA_HOST/);
  const elsewhere = await errorOf(engine.query(`${ASK} WITH (model = 'openai/gpt-4o-mini')`));
  assert.is(elsewhere.code, 'RVB_NO_MODEL');
});

test('a function of the program answers, fails, and is ended by timeout and abort', async () => {
  const signals: AbortSignal[] = [];
  const model: ModelFunction = async (request, { signal }) => {
    signals.push(signal);
    const text = String(request.messages.at(-1)?.content);
    if (text.includes('throws')) throw new Error('out of luck');
    if (text.includes('never')) await new Promise(() => {});
    if (text.includes('obeys')) await sleep(60_000, undefined, { signal });
    if (text.includes('nothing')) return undefined as never;
    if (text.includes('wrong')) return { text: 7, finishReason: 'stop' } as never;
    if (text.includes('cut')) return { text: 'half of it', finishReason: 'length' };
    if (text.includes('refused')) return { text: '', finishReason: 'stop', refusal: 'I will not' };
    const usage = { inputTokens: 3, outputTokens: 2 };
    return { text: `${request.model}: ${text.split('\n')[0]}`, finishReason: 'stop', usage };
  };
  await using engine = await openEngine({ model });
  const losses = watchLosses(engine);
  const words = ['fine', 'throws', 'nothing', 'wrong', 'cut', 'refused', 'never', 'obeys'];
  const rows = words.map((word, number) => ({ word, number, sim: {} }));
  const { rows: answers, summary } = await engine.query(
    `RVBBIT MAP PARALLEL 8 'text.yaml' AS v USING (${queryOf(rows)}) WITH (error_column = 'err', retries = 0)`,
    undefined,
    { valueForm: 'json' },
  );
  assert.equal(
    answers.map(({ v, err }) => v ?? (err as { code: string } | null)?.code),
    ['model: Say fine 0', HTTP, INVALID, INVALID, 'RVB_MODEL_TRUNCATED', REFUSED, TIMEOUT, TIMEOUT],
  );
  assert.match(JSON.stringify(answers[1]), /out of luck/);
  assert.equal(summary.tokens, { in: 3, out: 2 });
  assert.is(losses.count, 0);
  // The two clocks of one timeout stand on two threads.
  await sleep(200);
  const ended = signals.filter(({ aborted }) => aborted);
  assert.is(ended.length, 2, 'the functions that do not settle by themselves hear of the timeout');

  const controller = new AbortController();
  signals.length = 0;
  const never = queryOf([{ word: 'never', number: 1, sim: {} }]);
  const { signal } = controller;
  const work = errorOf(
    engine.query(`RVBBIT MAP 'patient.yaml' AS v USING (${never})`, undefined, { signal }),
  );
  while (signals.length === 0) await sleep(5);
  const abortedMs = performance.now();
  controller.abort();
  assert.is((await work).code, 'RVB_CANCELLED');
  assert.ok(performance.now() - abortedMs < 1_500);
  assert.ok(signals[0]!.aborted, 'the function hears of the abort');
});

test('WITH sets model, temperature, max_tokens and seed over those of the cells', async () => {
  let request: Parameters<ModelFunction>[0] | undefined;
  const model: ModelFunction = async (asked) => {
    request = asked;
    return { text: 'x', finishReason: 'stop' };
  };
  await using engine = await openEngine({ model });
  await engine.query(`${ASK} WITH (model = 'big', temperature = 0.5, seed = 7, max_tokens = 9)`);
  assert.is(request?.model, 'big');
  assert.equal(request?.parameters, { temperature: 0.5, seed: 7, max_tokens: 9 });
  await withModel({}, async (other, sim) => {
    await other.query(`${ASK} WITH (model = 'sim/elsewhere')`);
    assert.is((await sim.ledger()).entries[0]?.model, 'elsewhere');
    const cut = await other.query(`${ASK} WITH (max_tokens = 1)`);
    assert.is(cut.summary.failures[0]?.code, 'RVB_MODEL_TRUNCATED');
    const hot = await other.query(`${ASK} WITH (temperature = 2.5)`);
    assert.match(hot.summary.failures[0]!.message, /'temperature' must be a number from 0 to 2/);
  });
});

test('the key of a provider is in no error, record, result or plan', async () => {
  const told: string[] = [];
  const rules: Rule[] = [
    { when: { contains: 'says' }, status: 400, code: `bad ${CANARY}` },
    {
      when: { contains: 'quotes' },
      fault: { kind: 'status', status: 500, message: `key ${CANARY}` },
    },
    { when: { contains: 'echoes' }, raw: `no JSON: Bearer ${CANARY}` },
  ];
  for (const requireKey of [CANARY, 'another']) {
    await using server = await (await import('../../src/sim/spawn.ts')).spawnSimulator({
      requireKey,
      rules,
    });
    const providers = { sim: { baseUrl: server.url, apiKey: CANARY } };
    await using engine = await openEngine({ providers, model: 'sim/m' });
    engine.events.on('record', (record) => told.push(JSON.stringify(record)));
    const words = ['plain', 'says', 'quotes', 'echoes', CANARY.slice(0, 8)];
    const rows = queryOf(words.map((word, number) => ({ word, number, sim: {} })));
    const map = `RVBBIT MAP PARALLEL 4 'patient.yaml' AS v USING (${rows})`;
    const options = " WITH (error_column = 'err')";
    const result = await engine.query(map + options, undefined, { valueForm: 'json' });
    told.push(JSON.stringify(result));
    assert.is(result.summary.rows.failed, requireKey === CANARY ? 3 : 5);
    const error = await errorOf(engine.query(`${map} WITH (on_error = 'fail')`));
    told.push(
      JSON.stringify(error),
      error.message,
      String(error.stack),
      JSON.stringify(error.summary),
    );
    told.push(JSON.stringify(await engine.explain(map)));
    const plan = await engine.query(`EXPLAIN ${map}`, undefined, { valueForm: 'json' });
    told.push(JSON.stringify(plan));
  }
  for (const text of told) assert.not.ok(text.includes(CANARY), text.slice(0, 500));
  reportCases(told.length, 'texts without the key');
});

test.run();
