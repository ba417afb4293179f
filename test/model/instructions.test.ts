import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascadeText } from '../../src/cascade/load-cascade.ts';
import type { AttemptReport, ModelTarget } from '../../src/model/chat.ts';
import { compileCascade } from '../../src/run/compile-cascade.ts';
import type { RunOutcome } from '../../src/run/contract.ts';
import { runCascade } from '../../src/run/run-cascade.ts';
import type { JsonObject } from '../../src/util/json.ts';
import { Providers } from '../../workers/providers.ts';
import {
  completion,
  reply,
  type Script,
  type ScriptedServer,
  scriptedServer,
  settingsOf,
} from './support.ts';

let server: ScriptedServer;
let providers: Providers;

test.before.each(async () => {
  server = await scriptedServer();
  providers = new Providers();
});
test.after.each(async () => {
  await providers.close();
  await server.close();
});

interface Reported extends AttemptReport {
  readonly attempt: number;
}

interface Ran {
  readonly outcome: RunOutcome;
  readonly reports: readonly Reported[];
}

/** Runs a cascade whose calls get the scripts' answers, one each, the last again and again. */
async function run(
  text: string,
  scripts: readonly Script[],
  input: JsonObject = {},
  { timeoutMs = 5_000, signal = new AbortController().signal, noModel = false } = {},
): Promise<Ran> {
  let call = 0;
  server.script = (socket, request) =>
    scripts[Math.min(call++, scripts.length - 1)]!(socket, request);
  const reports: Reported[] = [];
  const provider = settingsOf(server.url);
  const outcome = await runCascade(compileCascade(await loadCascadeText(text)), input, {
    settings: { kind: 'map', timeoutMs, keepOutputs: false, maxAttempts: 1 },
    signal,
    runSql: async () => ({ ok: true, columns: [], rows: [], rowCount: 0 }),
    modelTarget: ({ model = 'default' }): ModelTarget | undefined =>
      noModel ? undefined : { kind: 'provider', provider, model },
    chat: (target, request, options) => {
      if (target.kind !== 'provider') throw new Error('not a provider');
      return providers.chat(target, request, options);
    },
    requestCall: async ({ n }) => ({ kind: 'go', attempt: String(n) }),
    endCall: (attempt, report) => reports.push({ attempt: Number(attempt), ...report }),
    nowMs: () => performance.now(),
  });
  return { outcome, reports };
}

function sent(at: number): JsonObject {
  return JSON.parse(server.requests[at]!.split('\r\n\r\n')[1]!) as JsonObject;
}

function told(outcome: RunOutcome): string {
  if (outcome.kind !== 'failed') return JSON.stringify(outcome);
  return `${outcome.error.code} ${outcome.error.message}`;
}

const TEXT = `cells:
  - name: ask
    system: You are {{ input.who }}.
    instructions: "Brand of {{ input.name }}?"
    model: m9
    temperature: 0
    max_tokens: 9
`;
const JSON_CELL = `cells:
  - name: ask
    instructions: Brand?
    output_schema: { type: object, required: [brand], properties: { brand: { enum: [Sony, Bose] } } }
output: outputs.ask.brand
`;

test('a cell gives the trimmed text of the answer, and sends what it renders', async () => {
  const { outcome, reports } = await run(TEXT, [reply(completion(' Sony \n'))], {
    who: 'terse',
    name: '"WH" {{x}}',
  });
  assert.equal(outcome, { kind: 'ok', value: 'Sony' });
  assert.equal(sent(0), {
    temperature: 0,
    max_tokens: 9,
    model: 'm9',
    messages: [
      { role: 'system', content: 'You are terse.' },
      { role: 'user', content: 'Brand of "WH" {{x}}?' },
    ],
  });
  const { durationMs, ...report } = reports[0]!;
  assert.ok(durationMs > 0);
  assert.equal(report, {
    attempt: 1,
    text: ' Sony \n',
    outcome: 'ok',
    status: 200,
    usage: { inputTokens: 7, outputTokens: 5, reasoningTokens: 2 },
  });
});

test('with output_schema the value is the JSON of the answer', async () => {
  for (const answer of ['{"brand":"Sony"}', 'It is {"brand": "Sony"}.', "{'brand': 'Sony',}"]) {
    const { outcome } = await run(JSON_CELL, [reply(completion(answer))]);
    assert.equal(outcome, { kind: 'ok', value: 'Sony' });
  }
  const [system] = sent(0)['messages'] as readonly JsonObject[];
  assert.match(String(system!['content']), /JSON Schema[\s\S]*"enum":\["Sony","Bose"\]/);
});

test('an answer that does not fit is asked for once more, with what is wrong', async () => {
  const { outcome, reports } = await run(JSON_CELL, [
    reply(completion('{"brand":"Acme"}')),
    reply(completion('{"brand":"Bose"}')),
  ]);
  assert.equal(outcome, { kind: 'ok', value: 'Bose' });
  const messages = sent(1)['messages'] as readonly JsonObject[];
  assert.equal(
    messages.map(({ role }) => role),
    ['system', 'user', 'assistant', 'user'],
  );
  assert.match(String(messages[3]!['content']), /its value\.brand must be equal to one of/);
  assert.equal(
    reports.map(({ attempt, outcome, error }) => [attempt, outcome, error?.code]),
    [
      [1, 'failed', 'RVB_ANSWER_INVALID'],
      [2, 'ok', undefined],
    ],
  );
  const twice = await run(JSON_CELL, [reply(completion('Sony'))]);
  assert.match(
    told(twice.outcome),
    /^RVB_ANSWER_INVALID cascade\.yaml: cell ask: .*asked 2 times: it holds no JSON$/,
  );
  assert.is(twice.reports.length, 2);
});

test('no fault of any kind yields a value', async () => {
  const whole = completion('{"brand":"Sony"}');
  const faults: readonly (readonly [Script, RegExp])[] = [
    [reply('', 500), /^RVB_MODEL_HTTP cascade\.yaml: cell ask: test\/default at /],
    [reply('', 401), /^RVB_MODEL_HTTP/],
    [reply('', 302, 'location: http://169.254.169.254/\r\n'), /^RVB_MODEL_HTTP/],
    [reply(completion('{"brand":"Sony"}', { finish_reason: 'length' })), /^RVB_MODEL_TRUNCATED/],
    [
      reply(completion('{"brand":"Sony"}', { finish_reason: 'content_filter' })),
      /^RVB_MODEL_REFUSED/,
    ],
    [reply(completion('', {}, { refusal: 'no' })), /^RVB_MODEL_REFUSED/],
    [
      reply(completion([{ type: 'refusal', refusal: 'no' }], {}, { refusal: '' })),
      /^RVB_MODEL_REFUSED/,
    ],
    [reply(completion([{ type: 'refusal', refusal: '' }])), /^RVB_MODEL_REFUSED/],
    [reply(completion('')), /^RVB_ANSWER_INVALID/],
    [reply(completion(null)), /^RVB_ANSWER_INVALID/],
    [reply(completion('true')), /^RVB_ANSWER_INVALID/],
    [reply(completion('{"brand":"Sony"')), /^RVB_ANSWER_INVALID/],
    [reply(completion('{"brand":null}')), /^RVB_ANSWER_INVALID/],
    [(socket) => socket.end(), /^RVB_MODEL_HTTP/],
    [(socket) => socket.end(whole), /^RVB_MODEL_HTTP/],
    [() => {}, /^RVB_TIMEOUT cascade\.yaml: cell ask/],
  ];
  for (const [script, expected] of faults) {
    const options = { timeoutMs: expected.source.includes('TIMEOUT') ? 600 : 10_000 };
    const { outcome, reports } = await run(JSON_CELL, [script], {}, options);
    assert.match(told(outcome), expected);
    assert.ok(reports.length >= 1 && reports.every(({ outcome }) => outcome === 'failed'));
    const kept = await run(
      JSON_CELL.replace('- name', '- on_error: null\n    name'),
      [script],
      {},
      options,
    );
    if (kept.outcome.kind !== 'failed') assert.equal(kept.outcome, { kind: 'ok', value: null });
  }
});

test('a cell without text, without a model, and one that is out of time say so', async () => {
  const empty = await run('cells: [{ name: a, instructions: hi }]', [reply(completion('  '))]);
  assert.match(told(empty.outcome), /^RVB_ANSWER_INVALID .*cell a: .*it is empty/);
  assert.is(empty.reports.length, 1);
  const none = await run('cells: [{ name: a, instructions: hi }]', [], {}, { noModel: true });
  assert.match(
    told(none.outcome),
    /^RVB_NO_MODEL cascade\.yaml: cell a needs a model[\s\S]*OLLAMA_HOST/,
  );
  const started = performance.now();
  const slow = await run('cells: [{ name: a, instructions: hi, timeout: 200ms }]', [() => {}]);
  assert.match(told(slow.outcome), /^RVB_TIMEOUT .*cell a/);
  assert.ok(performance.now() - started < 1_000);
});

test('a cancel ends the call at once', async () => {
  const controller = new AbortController();
  const started = performance.now();
  setTimeout(() => controller.abort(), 50);
  const { outcome } = await run(
    'cells: [{ name: a, instructions: hi }]',
    [() => {}],
    {},
    { signal: controller.signal },
  );
  assert.match(told(outcome), /^RVB_CANCELLED/);
  assert.ok(performance.now() - started < 1_000);
});

test('a nested cascade asks too, and the model of the cascade counts for its cells', async () => {
  const { outcome } = await run('model: big\ncells: [{ name: a, instructions: hi }]', [
    reply(completion('x')),
  ]);
  assert.equal(outcome, { kind: 'ok', value: 'x' });
  assert.is(sent(0)['model'], 'big');
});

test.run();
