/** Anthropic's protocol on the wire: what is sent, and what is made of messages, errors, limits and streams. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChatOutcome, ChatRequest } from '../../src/model/chat.ts';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { ANTHROPIC_MAX_TOKENS } from '../../src/model/protocols/anthropic-body.ts';
import type { JsonObject } from '../../src/util/json.ts';
import { cases, reportCases } from '../support/cases.ts';
import { openEngine } from './engine-support.ts';
import {
  ask,
  brief,
  CANARY,
  REQUEST,
  reply,
  response,
  type ScriptedServer,
  scriptedServer,
  settingsOf,
} from './support.ts';

interface Context {
  server: ScriptedServer;
  provider: HttpProvider;
}
const test = suite<Context>('anthropic');

test.before.each(async (context) => {
  context.server = await scriptedServer();
  context.provider = new HttpProvider(
    settingsOf(context.server.url, { type: 'anthropic', responseFormat: 'json_schema' }),
  );
});
test.after.each(async ({ server, provider }) => {
  await provider.close();
  await server.close();
});

const USAGE = { input_tokens: 7, output_tokens: 5 };

/** The body of a good message, with more keys. */
function message(content: unknown, more: object = {}): string {
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return JSON.stringify({
    ...{ id: 'm1', type: 'message', role: 'assistant', model: 'm1', content: blocks },
    ...{ stop_reason: 'end_turn', stop_sequence: null, usage: USAGE, ...more },
  });
}

const answerTool = (input: unknown) => [{ type: 'tool_use', id: 't1', name: 'answer', input }];

async function sentBy(
  { server, provider }: Context,
  request: Partial<ChatRequest>,
): Promise<{ readonly head: string; readonly body: JsonObject }> {
  server.requests.length = 0;
  const limits = { signal: new AbortController().signal, timeoutMs: 5_000 };
  await provider.chat({ ...REQUEST, ...request }, limits);
  const [head, body] = server.requests[0]!.split('\r\n\r\n');
  return { head: head!, body: JSON.parse(body!) as JsonObject };
}

test('a call has its key and version in headers, and the system text apart', async (context) => {
  context.server.script = reply(message('ok'));
  const { head, body } = await sentBy(context, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: '' },
      { role: 'user', content: 'again' },
    ],
    parameters: { model: 'other', temperature: 0, stop: 'x', max_completion_tokens: 9, seed: 1 },
  });
  assert.match(head, /^POST \/v1\/messages HTTP\/1\.1/);
  assert.ok(head.includes(`x-api-key: ${CANARY}`));
  assert.match(head, /anthropic-version: 2023-06-01/);
  assert.not.match(head, /authorization/i);
  assert.equal(body, {
    max_tokens: 9,
    temperature: 0,
    stop_sequences: ['x'],
    model: 'm1',
    system: [{ type: 'text', text: 'Be brief.' }],
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'user', content: 'again' },
    ],
  });
  const plain = await sentBy(context, {});
  assert.is(plain.body['max_tokens'], ANTHROPIC_MAX_TOKENS);
  assert.is(plain.body['tools'], undefined);
});

test('a schema that no structured output takes is a tool that must be called, unless the model is to think', async (context) => {
  const schema = { type: 'object', properties: { a: { oneOf: [{ type: 'string' }] } } };
  context.server.script = reply(message(answerTool({ a: 'x' }), { stop_reason: 'tool_use' }));
  const { body } = await sentBy(context, { responseSchema: schema });
  assert.equal(body['tool_choice'], { type: 'tool', name: 'answer' });
  assert.equal((body['tools'] as readonly JsonObject[])[0]?.['input_schema'], schema);
  assert.is(brief(await ask(context.provider)), 'ok {"a":"x"}');
  const thinking = { type: 'enabled', budget_tokens: 1_024 };
  for (const request of [
    { responseSchema: schema, parameters: { thinking } },
    { responseSchema: { type: 'string' } },
  ]) {
    assert.is((await sentBy(context, request)).body['tool_choice'], undefined);
  }
});

test('what is constant is marked for the cache, and nothing else', async (context) => {
  context.server.script = reply(message('ok'));
  const start = `${'Rules. '.repeat(700)}`;
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: `${start}row 1` },
  ] as const;
  const cached = { cache_control: { type: 'ephemeral' } };
  const asked = (system: boolean, prompt: number) =>
    sentBy(context, { messages, constant: { system, prompt } });
  const { body } = await asked(true, start.length);
  assert.equal(body['system'], [{ type: 'text', text: 'Be brief.', ...cached }]);
  assert.equal(body['messages'], [
    {
      role: 'user',
      content: [
        { type: 'text', text: start, ...cached },
        { type: 'text', text: 'row 1' },
      ],
    },
  ]);
  const other = await asked(false, 100);
  assert.equal(other.body['system'], [{ type: 'text', text: 'Be brief.' }]);
  assert.equal(other.body['messages'], [{ role: 'user', content: `${start}row 1` }]);
});

test('of a cell what no row changes is constant: its schema and system text, and the start of its prompt', async ({
  server,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-constant-'));
  const rules = 'Rules. '.repeat(700).trim();
  const cell = (system: string) => `cascade_id: judge
cells:
  - name: judge
    system: "${system}"
    instructions: "${rules} {{ input.word }} ${rules}"
    output_schema: { type: object, required: [a], properties: { a: { type: string } } }
`;
  writeFileSync(join(folder, 'same.yaml'), cell('Be brief.'));
  writeFileSync(join(folder, 'other.yaml'), cell('Be brief on {{ input.word }}.'));
  const provider = { type: 'anthropic', baseUrl: server.url };
  await using engine = await openEngine({
    cascades: folder,
    providers: { claude: provider },
    model: 'claude/m',
  });
  server.script = reply(message(answerTool({ a: 'x' }), { stop_reason: 'tool_use' }));
  const cached = { type: 'ephemeral' };
  for (const [file, mark] of [
    ['same', cached],
    ['other', undefined],
  ] as const) {
    const map = `RVBBIT MAP '${file}.yaml' AS v USING (SELECT unnest(['one', 'two']) AS word)`;
    server.requests.length = 0;
    await engine.query(map);
    assert.is(server.requests.length, 2);
    for (const sent of server.requests) {
      const body = JSON.parse(sent.split('\r\n\r\n')[1]!);
      assert.match(body.system[0].text, /^Be brief[\s\S]*JSON Schema/);
      assert.equal(body.system[0].cache_control, mark);
      const [start, rest] = body.messages[0].content;
      assert.equal(start, { type: 'text', text: rules, cache_control: cached });
      assert.match(rest.text, /^ (one|two) Rules/);
    }
  }
  rmSync(folder, { recursive: true });
});

test('each kind of message is an answer or its failure, with the usage that was paid', async ({
  server,
  provider,
}) => {
  const bodies: readonly (readonly [string, string])[] = [
    [message('ok'), 'ok ok'],
    [message([{ type: 'thinking', thinking: 'hm' }, ...JSON.parse(message('a')).content]), 'ok a'],
    [message([{ type: 'redacted_thinking', data: 'x' }]), 'ok '],
    [message('a', { stop_reason: 'stop_sequence' }), 'ok a'],
    [message(answerTool({ b: [1, null] }), { stop_reason: 'tool_use' }), 'ok {"b":[1,null]}'],
    [message([...JSON.parse(message('So:')).content, ...answerTool({})]), 'ok {}'],
    ['{}', 'RVB_ANSWER_INVALID 200 again'],
    ['null', 'RVB_ANSWER_INVALID 200 again'],
    ['[]', 'RVB_ANSWER_INVALID 200 again'],
    [message(null), 'RVB_ANSWER_INVALID 200 again'],
    [message([{ type: 'image' }]), 'RVB_ANSWER_INVALID 200'],
    [message('half', { stop_reason: 'max_tokens' }), 'RVB_MODEL_TRUNCATED 200'],
    [message(answerTool({}), { stop_reason: 'max_tokens' }), 'RVB_MODEL_TRUNCATED 200'],
    [message('a', { stop_reason: 'model_context_window_exceeded' }), 'RVB_MODEL_TRUNCATED 200'],
    [message('No.', { stop_reason: 'refusal' }), 'RVB_MODEL_REFUSED 200'],
    [message('a', { stop_reason: 'pause_turn' }), 'RVB_ANSWER_INVALID 200'],
    [message('a', { stop_reason: null }), 'RVB_ANSWER_INVALID 200'],
    [message('a', { stop_reason: 'new_reason' }), 'RVB_ANSWER_INVALID 200'],
    [message([{ type: 'tool_use', id: 't', name: 'lookup', input: {} }]), 'RVB_ANSWER_INVALID 200'],
    [message([...answerTool({}), ...answerTool({})]), 'RVB_ANSWER_INVALID 200'],
    [message(answerTool('text')), 'RVB_ANSWER_INVALID 200'],
    [message(answerTool({ a: 1 })).replace('"a":1', '"a":1e999'), 'RVB_ANSWER_INVALID 200'],
    [
      message(answerTool({ a: 1 })).replace('"a":1', '"__proto__":{"a":1}'),
      'RVB_ANSWER_INVALID 200',
    ],
    [message('a').replace('"a"', '"\\ud800"'), 'RVB_ANSWER_INVALID 200'],
    [
      message([{ type: 'text', text: '[', x: 0 }]).replace('0', '['.repeat(9_999)),
      'RVB_ANSWER_INVALID 200 again',
    ],
  ];
  for (const [body, expected] of bodies) {
    server.script = reply(body);
    const outcome = await ask(provider);
    assert.is(brief(outcome), expected, body.slice(0, 200));
    const usage = outcome.ok ? outcome.response.usage : outcome.usage;
    if (!expected.endsWith('again')) assert.equal(usage, { inputTokens: 7, outputTokens: 5 });
  }
  reportCases(bodies.length, 'messages');
});

test('errors are told by status, type and words, also in a 200', async ({ server, provider }) => {
  const error = (type: string, text = 'no', status = 200, headers = '') =>
    reply(JSON.stringify({ type: 'error', error: { type, message: text } }), status, headers);
  const said = async (script: ReturnType<typeof error>): Promise<ChatOutcome> => {
    server.script = script;
    return ask(provider);
  };
  const inside: Readonly<Record<string, string>> = {
    invalid_request_error: 'RVB_MODEL_HTTP 400',
    authentication_error: 'RVB_MODEL_HTTP 401',
    billing_error: 'RVB_MODEL_HTTP 402',
    permission_error: 'RVB_MODEL_HTTP 403',
    not_found_error: 'RVB_MODEL_HTTP 404',
    request_too_large: 'RVB_MODEL_HTTP 413',
    rate_limit_error: 'RVB_MODEL_HTTP 429 again',
    api_error: 'RVB_MODEL_HTTP 500 again',
    timeout_error: 'RVB_MODEL_HTTP 504 again',
    overloaded_error: 'RVB_MODEL_HTTP 529 again',
    something_new: 'RVB_MODEL_HTTP 200 again',
  };
  for (const [type, expected] of Object.entries(inside)) {
    assert.is(brief(await said(error(type))), expected, type);
  }
  const overloaded = await said(error('overloaded_error', 'Overloaded', 529, 'retry-after: 3\r\n'));
  assert.is(brief(overloaded), 'RVB_MODEL_HTTP 529 again');
  assert.is(overloaded.ok ? 0 : overloaded.retryAfterMs, 3_000);
  const long = await said(error('invalid_request_error', 'prompt is too long: 9 > 8', 400));
  assert.match(long.ok ? '' : long.error.message, /larger context/);
  const broke = await said(
    error('invalid_request_error', 'Your credit balance is too low to access the API', 400),
  );
  assert.match(broke.ok ? '' : broke.error.message, /check the account/);
  const policy = error('invalid_request_error', 'Output blocked by content filtering policy', 400);
  assert.is(brief(await said(policy)), 'RVB_MODEL_REFUSED 400');
});

test('limit headers are read', async ({ server, provider }) => {
  const reset = new Date(Date.now() + 30_000).toISOString();
  const headers = [
    'anthropic-ratelimit-requests-limit: 50',
    'anthropic-ratelimit-requests-remaining: 49',
    `anthropic-ratelimit-requests-reset: ${reset}`,
    'anthropic-ratelimit-input-tokens-limit: 40000',
    'anthropic-ratelimit-input-tokens-remaining: 0',
    `anthropic-ratelimit-input-tokens-reset: ${reset}`,
  ];
  server.script = reply(message('ok'), 200, `${headers.join('\r\n')}\r\n`);
  const { rateLimits } = await ask(provider);
  assert.is(rateLimits?.requests?.remaining, 49);
  assert.is(rateLimits?.tokens?.limit, 40_000);
  assert.is(rateLimits?.tokens?.remaining, 0);
  assert.ok(Math.abs(rateLimits!.tokens!.resetMs! - 30_000) < 2_000);
});

test('an answer that is cut at any byte is never taken', async ({ server, provider }) => {
  const whole = response(message(answerTool({ brand: 'Sony' }), { stop_reason: 'tool_use' }));
  const head = whole.indexOf('\r\n\r\n') + 4;
  const start = Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n');
  const noLength = Buffer.concat([start, whole.subarray(head)]);
  let count = 0;
  for (const bytes of [whole, noLength]) {
    for (let at = 0; at < bytes.length; at += cases(7, 1)) {
      server.script = (socket) => socket.end(bytes.subarray(0, at));
      const outcome = await ask(provider);
      assert.ok(!outcome.ok && outcome.retryable, `cut at ${at}`);
      count++;
    }
  }
  server.script = (socket) => socket.end(noLength);
  assert.is(brief(await ask(provider)), 'ok {"brand":"Sony"}');
  reportCases(count, 'answers cut short');
});

test('invalid UTF-8 at any position is never taken', async ({ server, provider }) => {
  const body = Buffer.from(message('Ünïcode'));
  for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    for (let at = 0; at <= body.length; at += cases(9, 1)) {
      const bytes = [body.subarray(0, at), Buffer.from(bad), body.subarray(at)];
      server.script = reply(Buffer.concat(bytes));
      assert.is(brief(await ask(provider)), 'RVB_ANSWER_INVALID 200 again', `at ${at}`);
    }
  }
});

test('the deadline holds, wherever the answer stops', async ({ server, provider }) => {
  const whole = response(message('ok'));
  const timeoutMs = 200;
  for (let at = 0; at < whole.length; at += cases(60, 1)) {
    server.script = (socket) => socket.write(whole.subarray(0, at));
    const startMs = performance.now();
    assert.match(brief(await ask(provider, timeoutMs)), /^RVB_TIMEOUT/);
    assert.ok(performance.now() - startMs < timeoutMs + 150, `stopped at ${at}`);
  }
});

test.run();
