import type { LookupFunction } from 'node:net';
import { createServer as createTcp } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { redactFor } from '../../src/model/redact.ts';
import { ThreadSockets } from '../../src/model/sockets.ts';
import { cases, deep, reportCases } from '../support/cases.ts';
import {
  ask,
  brief,
  CANARY,
  completion,
  REDIRECT_TARGETS,
  REQUEST,
  reply,
  response,
  type Script,
  type ScriptedServer,
  scriptedServer,
  settingsOf,
} from './support.ts';

interface Context {
  server: ScriptedServer;
  provider: HttpProvider;
}
const test = suite<Context>('http-provider');

test.before.each(async (context) => {
  context.server = await scriptedServer();
  context.provider = new HttpProvider(settingsOf(context.server.url));
});
test.after.each(async ({ server, provider }) => {
  await provider.close();
  await server.close();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('an answer comes with its usage, and the request has key, model, messages and parameters', async ({
  server,
}) => {
  const provider = new HttpProvider(
    settingsOf(`${server.url}/`, { responseFormat: 'json_schema', headers: { 'X-Title': 'a' } }),
  );
  const schema = { type: 'object' };
  const outcome = await provider.chat(
    { ...REQUEST, parameters: { seed: 1, model: 'other' }, responseSchema: schema },
    { signal: new AbortController().signal, timeoutMs: 5_000 },
  );
  await provider.close();
  assert.equal(outcome, {
    ok: true,
    response: {
      text: 'ok',
      finishReason: 'stop',
      usage: { inputTokens: 7, outputTokens: 5, reasoningTokens: 2 },
    },
    status: 200,
  });
  const [head, body] = server.requests[0]!.split('\r\n\r\n');
  assert.match(head!, /^POST \/v1\/chat\/completions HTTP\/1\.1/);
  assert.ok(head!.includes(`authorization: Bearer ${CANARY}`));
  assert.match(head!, /accept-encoding: identity/);
  assert.match(head!, /x-title: a/);
  assert.equal(JSON.parse(body!), {
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'answer', strict: false, schema },
    },
    seed: 1,
    model: 'm1',
    messages: REQUEST.messages,
  });
});

test('each status is retryable or not, says what to do, and names model and host', async ({
  server,
  provider,
}) => {
  const expected: Readonly<Record<number, string>> = {
    400: 'RVB_MODEL_HTTP 400',
    401: 'RVB_MODEL_HTTP 401',
    402: 'RVB_MODEL_HTTP 402',
    403: 'RVB_MODEL_HTTP 403',
    404: 'RVB_MODEL_HTTP 404',
    408: 'RVB_MODEL_HTTP 408 again',
    409: 'RVB_MODEL_HTTP 409 again',
    413: 'RVB_MODEL_HTTP 413',
    422: 'RVB_MODEL_HTTP 422',
    425: 'RVB_MODEL_HTTP 425 again',
    429: 'RVB_MODEL_HTTP 429 again',
    500: 'RVB_MODEL_HTTP 500 again',
    502: 'RVB_MODEL_HTTP 502 again',
    503: 'RVB_MODEL_HTTP 503 again',
    504: 'RVB_MODEL_HTTP 504 again',
    529: 'RVB_MODEL_HTTP 529 again',
  };
  for (const [status, text] of Object.entries(expected)) {
    const bodies = [`{"error":{"message":"Bad key ${CANARY} "}}`, '{"error":"no"}', '<html>', ''];
    for (const body of bodies) {
      server.script = reply(body, Number(status));
      const outcome = await ask(provider);
      assert.is(brief(outcome), text);
      if (outcome.ok) continue;
      assert.match(outcome.error.message, /^test\/m1 at 127\.0\.0\.1:\d+ answered \d+.*; \w+/);
    }
  }
});

test('a content policy is a refusal, a long context and a spent quota are named', async ({
  server,
  provider,
}) => {
  server.script = reply('{"error":{"code":"content_policy_violation","message":"no"}}', 400);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_REFUSED 400');
  server.script = reply('{"error":{"code":"context_length_exceeded","message":"long"}}', 400);
  const long = await ask(provider);
  assert.match(long.ok ? '' : long.error.message, /larger context/);
  server.script = reply('{"error":{"code":"insufficient_quota","message":"spent"}}', 429);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 429');
  // A gateway's error in a 200 counts as what it says, for limits and keys too.
  const limited = '{"error":{"code":429,"message":"slow down"},"choices":[]}';
  server.script = reply(limited, 200, 'retry-after: 2\r\n');
  const inside = await ask(provider);
  assert.is(brief(inside), 'RVB_MODEL_HTTP 429 again');
  assert.is(inside.ok ? undefined : inside.retryAfterMs, 2_000);
  server.script = reply('{"error":{"code":"401","message":"key"}}', 200);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 401');
  server.script = reply('{"error":{"message":"upstream"}}', 200);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 200 again');
});

test('an error in a list of one is read, and when it says to come back', async ({
  server,
  provider,
}) => {
  const error = (details: unknown) =>
    JSON.stringify([{ error: { code: 429, message: 'Resource exhausted', details } }]);
  const waits: readonly (readonly [unknown, string, number | undefined])[] = [
    [[{ '@type': 'x' }, { retryDelay: '45.837906927s' }], '', 45_838],
    [[{ retryDelay: '7s' }], 'retry-after: 2\r\n', 2_000],
    [[{ retryDelay: '900s' }], '', 60_000],
    [[{ retryDelay: 'soon' }], '', undefined],
    [[{ retryDelay: '-1s' }], '', undefined],
    ['none', '', undefined],
  ];
  for (const [details, headers, waitMs] of waits) {
    server.script = reply(error(details), 429, headers);
    const outcome = await ask(provider);
    assert.is(brief(outcome), 'RVB_MODEL_HTTP 429 again');
    assert.match(outcome.ok ? '' : outcome.error.message, /Resource exhausted/);
    assert.is(outcome.ok ? 0 : outcome.retryAfterMs, waitMs);
  }
  server.script = reply(`[${error([]).repeat(2).replace('][', '],[')}]`, 500);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 500 again');
  server.script = reply(`${'['.repeat(60)}1${']'.repeat(60)}`, 500);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 500 again');
});

test('a redirect is a failure and nothing is sent to where it points', async ({
  server,
  provider,
}) => {
  const other = await scriptedServer();
  const places = [other.url, ...REDIRECT_TARGETS];
  for (const status of [301, 302, 303, 307, 308]) {
    for (const place of places) {
      server.script = reply('', status, `location: ${place}\r\n`);
      assert.is(brief(await ask(provider)), `RVB_MODEL_HTTP ${status}`);
    }
  }
  assert.is(other.requests.length, 0);
  assert.is(server.requests.length, 5 * places.length);
  await other.close();
});

test('what is no answer is a failure with the usage that was paid', async ({
  server,
  provider,
}) => {
  const bodies: readonly (readonly [string, string])[] = [
    ['{}', 'RVB_ANSWER_INVALID 200 again'],
    ['null', 'RVB_ANSWER_INVALID 200 again'],
    ['[]', 'RVB_ANSWER_INVALID 200 again'],
    ['{"choices":[]}', 'RVB_ANSWER_INVALID 200 again'],
    ['{"choices":[{"finish_reason":"stop"}]}', 'RVB_ANSWER_INVALID 200 again'],
    [completion(null), 'RVB_ANSWER_INVALID 200'],
    [completion(5), 'RVB_ANSWER_INVALID 200'],
    [completion([{ type: 'image_url' }]), 'RVB_ANSWER_INVALID 200'],
    [completion('half', { finish_reason: 'length' }), 'RVB_MODEL_TRUNCATED 200'],
    [completion('', { finish_reason: 'content_filter' }), 'RVB_MODEL_REFUSED 200'],
    [completion(null, {}, { refusal: `I cannot ${CANARY}` }), 'RVB_MODEL_REFUSED 200'],
    [completion(null, { finish_reason: 'tool_calls' }), 'RVB_ANSWER_INVALID 200'],
    [completion('a', {}, { tool_calls: [{}] }), 'RVB_ANSWER_INVALID 200'],
    [completion('a', {}, { function_call: { name: 'f' } }), 'RVB_ANSWER_INVALID 200'],
    [completion('a', { error: { code: 502 } }), 'RVB_MODEL_HTTP 200 again'],
    [`{"error":{"message":"broke off"},${completion('a').slice(1)}`, 'RVB_MODEL_HTTP 200 again'],
    [`{"error":"broke off",${completion('a').slice(1)}`, 'RVB_MODEL_HTTP 200 again'],
    ['{"choices":[{"finish_reason":"content_filter"}]}', 'RVB_MODEL_REFUSED 200'],
    [completion('a').replace('"a"', '"\\ud800"'), 'RVB_ANSWER_INVALID 200'],
    [`{"choices":${'['.repeat(100_000)}`, 'RVB_ANSWER_INVALID 200 again'],
    ['[{"a":'.repeat(50_000), 'RVB_ANSWER_INVALID 200 again'],
    ['data: {}\n\n', 'RVB_ANSWER_INVALID 200 again'],
  ];
  for (const [body, expected] of bodies) {
    server.script = reply(body);
    const outcome = await ask(provider);
    assert.is(brief(outcome), expected, body.slice(0, 100));
    if (!outcome.ok && body.includes('usage')) assert.is(outcome.usage?.outputTokens, 5);
    if (!outcome.ok) assert.ok(outcome.raw === undefined || outcome.raw.length <= 4_096);
  }
  server.script = reply(
    completion([{ type: 'thinking' }, { type: 'text', text: 'a' }, { type: 'text', text: 'b' }]),
  );
  assert.is(brief(await ask(provider)), 'ok ab');
  server.script = reply(completion(`key ${CANARY}`));
  assert.is(brief(await ask(provider)), 'ok key [redacted]');
  for (const none of ['null', '{}', '""']) {
    server.script = reply(`{"error":${none},${completion('a').slice(1)}`);
    assert.is(brief(await ask(provider)), 'ok a', none);
  }
  const uncounted = { usage: { prompt_tokens: 0, completion_tokens: 0 } };
  server.script = reply(JSON.stringify({ ...JSON.parse(completion('a')), ...uncounted }));
  const free = await ask(provider);
  assert.ok(free.ok && free.response.usage === undefined, 'no answer takes no tokens');
  server.script = reply(completion('a'), 206);
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 206 again');
  server.script = reply(`\uFEFF${completion('bom')}`);
  assert.is(brief(await ask(provider)), 'ok bom');
  server.script = reply(completion('a\u0000b'));
  assert.is(brief(await ask(provider)), 'ok a\u0000b');
});

test('an answer that is cut at any byte is never taken, whatever framed it', async ({
  server,
  provider,
}) => {
  const whole = response(completion('{"brand":"Sony"}'));
  const head = whole.indexOf('\r\n\r\n') + 4;
  const noLength = Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'),
    whole.subarray(head),
  ]);
  const step = cases(7, 1);
  let count = 0;
  for (const bytes of [whole, noLength]) {
    for (let at = 0; at < bytes.length; at += step) {
      server.script = (socket) => socket.end(bytes.subarray(0, at));
      const outcome = await ask(provider);
      assert.not(outcome.ok, `cut at ${at}`);
      if (!outcome.ok) assert.ok(outcome.retryable, outcome.error.message);
      count++;
    }
  }
  reportCases(count, 'answers cut short');
  server.script = (socket) => socket.end(noLength);
  assert.match(brief(await ask(provider)), /^ok/);
});

test('invalid UTF-8 at any position is never taken', async ({ server, provider }) => {
  const body = Buffer.from(completion('Ünïcode'));
  const step = cases(9, 1);
  for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    for (let at = 0; at <= body.length; at += step) {
      server.script = reply(
        Buffer.concat([body.subarray(0, at), Buffer.from(bad), body.subarray(at)]),
      );
      assert.is(brief(await ask(provider)), 'RVB_ANSWER_INVALID 200 again', `at ${at}`);
    }
  }
});

test('of a compressed body its text is kept, without a secret and bounded', async ({
  server,
  provider,
}) => {
  const body = completion(`the key is ${CANARY} ${'x'.repeat(10_000)}`);
  for (const [encoding, packed] of [
    ['gzip', gzipSync(body)],
    ['x-gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
  ] as const) {
    server.script = reply(packed, 200, `content-encoding: ${encoding}\r\n`);
    const outcome = await ask(provider);
    assert.is(brief(outcome), 'RVB_ANSWER_INVALID 200 again', encoding);
    const { raw } = outcome as { readonly raw?: string };
    assert.is(raw?.length, 4_096, encoding);
    assert.ok(raw?.startsWith('{"id":"c1"'), encoding);
    assert.match(raw!, 'the key is');
  }
  for (const packed of [gzipSync(Buffer.alloc(20 * 1024 * 1024)), Buffer.from('no gzip')]) {
    server.script = reply(packed, 200, 'content-encoding: gzip\r\n');
    assert.is(((await ask(provider)) as { readonly raw?: string }).raw, undefined);
  }
});

test('a body that is too large, compressed or wrongly framed is a failure', async ({
  server,
  provider,
}) => {
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024));
  const faults: readonly (readonly [Script, RegExp])[] = [
    [reply(completion('x'.repeat(5 * 1024 * 1024))), /^RVB_MODEL_HTTP 200$/],
    [reply(bomb, 200, 'content-encoding: gzip\r\n'), /^RVB_ANSWER_INVALID/],
    [reply(gzipSync(completion('ok')), 200, 'content-encoding: gzip\r\n'), /^RVB_ANSWER_INVALID/],
    [reply(completion('ok'), 200, 'content-encoding: br\r\n'), /^RVB_ANSWER_INVALID/],
    [(socket) => socket.end(`${chunked}zz\r\n{}`), /^RVB_MODEL_HTTP/],
    [(socket) => socket.end(`${chunked}5\r\n{"a"`), /^RVB_MODEL_HTTP 200 again$/],
    [
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 8\r\n\r\n{}'),
      /^RVB_MODEL_HTTP/,
    ],
    [(socket) => socket.end('SSH-2.0-x\r\n'), /^RVB_MODEL_HTTP again$/],
    [
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n{}`),
      /^RVB_MODEL_HTTP/,
    ],
    [(socket) => socket.resetAndDestroy(), /^RVB_MODEL_HTTP again$/],
    [(socket) => socket.end(), /^RVB_MODEL_HTTP again$/],
    [reply('', 204), /^RVB_(ANSWER_INVALID|MODEL_HTTP)/],
    [reply(`[${'9'.repeat(1_000_000)}]`), /^RVB_ANSWER_INVALID/],
    [reply('{"choices":[{"message":{"content":NaN}}]}'), /^RVB_ANSWER_INVALID/],
  ];
  for (const [script, expected] of faults) {
    server.script = script;
    assert.match(brief(await ask(provider)), expected);
  }
  server.script = reply(completion('ok'));
  assert.is(brief(await ask(provider)), 'ok ok');
});

test('nobody there, a name that is none and a URL that is none are outcomes', async () => {
  const closed = createTcp().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  const expected: Readonly<Record<string, string>> = {
    [`http://127.0.0.1:${port}/v1`]: 'RVB_MODEL_HTTP again',
    'http://nobody.invalid/v1': 'RVB_MODEL_HTTP again',
    'not a url': 'RVB_MODEL_HTTP again',
  };
  for (const [url, text] of Object.entries(expected)) {
    const provider = new HttpProvider(settingsOf(url));
    provider.warm();
    assert.is(brief(await ask(provider)).replace(/ again$/, ''), text.replace(/ again$/, ''), url);
    await provider.close();
  }
  const badKey = new HttpProvider(settingsOf('http://127.0.0.1:1/v1', { apiKey: `${CANARY}\nx` }));
  assert.is(brief(await ask(badKey)), 'RVB_MODEL_HTTP');
  await badKey.close();
});

test('the deadline holds to a tenth, wherever the answer stops', async ({ server, provider }) => {
  const whole = response(completion('ok'));
  const timeoutMs = 400;
  const drip: Script = (socket) => {
    let at = 0;
    const timer = setInterval(() => {
      if (socket.destroyed || at >= whole.length) clearInterval(timer);
      else socket.write(whole.subarray(at, ++at));
    }, 20);
  };
  const stallAt =
    (at: number): Script =>
    (socket) =>
      socket.write(whole.subarray(0, at));
  const scripts: Script[] = [
    drip,
    () => {},
    (socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'),
  ];
  for (let at = 1; at < whole.length; at += deep ? 1 : 60) scripts.push(stallAt(at));
  for (let at = 0; at < scripts.length; at += 4) {
    await Promise.all(
      scripts.slice(at, at + 4).map(async (script) => {
        const own = await scriptedServer();
        own.script = script;
        const mine = new HttpProvider(settingsOf(own.url));
        const started = performance.now();
        const sinceStart = () => performance.now() - started;
        // A timer of a tenth more: on a busy machine both are late.
        const tenthMore = pause(timeoutMs * 1.1).then(sinceStart);
        const outcome = await ask(mine, timeoutMs);
        const tookMs = sinceStart();
        assert.match(brief(outcome), /^RVB_TIMEOUT( 200)? again$/);
        assert.ok(tookMs >= timeoutMs * 0.9 && tookMs <= (await tenthMore) + 40, `${tookMs} ms`);
        await pause(30);
        assert.is(own.sockets.size, 0, 'the connection is destroyed');
        await mine.close();
        await own.close();
      }),
    );
  }
  server.script = (socket) => socket.write(response('{"error":', 401).subarray(0, -3));
  assert.is(brief(await ask(provider, 100)), 'RVB_MODEL_HTTP 401', 'a status says more');
});

test('a cancel settles at once and destroys the connection', async ({ server, provider }) => {
  for (const script of [
    () => {},
    (socket) => socket.write(response('{}  ').subarray(0, -2)),
  ] as Script[]) {
    server.script = script;
    const controller = new AbortController();
    const started = performance.now();
    const asking = ask(provider, 10_000, controller.signal);
    setTimeout(() => controller.abort(), 60);
    assert.is(brief(await asking), 'RVB_CANCELLED');
    assert.ok(performance.now() - started < 1_000);
    await pause(30);
    assert.is(server.sockets.size, 0);
  }
  assert.is(brief(await ask(provider, 100, AbortSignal.abort())), 'RVB_CANCELLED');
  server.script = () => {};
  const open = ask(provider);
  await pause(50);
  await provider.close();
  assert.is(brief(await open), 'RVB_CLOSED');
  assert.is(brief(await ask(provider)), 'RVB_CLOSED');
});

test('a call opens a connection only if none is free, and connections are kept', async ({
  server,
  provider,
}) => {
  provider.warm();
  await pause(30);
  assert.is(server.sockets.size, 0, 'a provider that gets ready opens none');
  const threeCalls = () => Promise.all([1, 2, 3].map(() => ask(provider)));
  assert.equal((await threeCalls()).map(brief), ['ok ok', 'ok ok', 'ok ok']);
  const before = [...server.sockets];
  assert.is(before.length, 3);
  await threeCalls();
  await ask(provider);
  assert.equal([...server.sockets], before);
  // The pool takes its first client again, although only the last one has a connection left.
  for (const socket of before.slice(0, 2)) socket.destroy();
  await pause(30);
  assert.is(brief(await ask(provider)), 'ok ok');
  await pause(30);
  assert.is(server.sockets.size, 1, 'the unused connection makes way for the new one');
});

test('a call that gets no descriptor says so, and may be made again', async () => {
  const lookup: LookupFunction = (_name, _options, callback) =>
    callback(Object.assign(new Error('too many open files'), { code: 'EMFILE' }), '');
  const provider = new HttpProvider(settingsOf('http://models.test/v1'), lookup);
  const outcome = await ask(provider);
  assert.is(brief(outcome), 'RVB_MODEL_HTTP again');
  assert.match(
    outcome.ok ? '' : outcome.error.message,
    /this process has no file descriptor left for a connection \(EMFILE\); lower PARALLEL, or raise/,
  );
  await provider.close();
});

test('the providers of a thread share its connections: an unused one makes way', async ({
  server,
}) => {
  const thread = new ThreadSockets();
  const share = new Int32Array(new SharedArrayBuffer(4)).fill(3);
  thread.bound(share.buffer as SharedArrayBuffer);
  const providers = [1, 2].map(() => new HttpProvider(settingsOf(server.url), undefined, thread));
  for (const provider of [...providers, ...providers]) {
    const outcomes = await Promise.all([1, 2, 3].map(() => ask(provider)));
    assert.equal(outcomes.map(brief), ['ok ok', 'ok ok', 'ok ok']);
    await pause(30);
    assert.is(server.sockets.size, 3);
  }
  await Promise.all(providers.map((provider) => provider.close()));
});

test('a key is removed from a text in whatever way JSON and URLs spell it', () => {
  const key = 'sk-Live/0123456789+abcdef';
  const { text, answer } = redactFor({ apiKey: key });
  const unit = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const all = [...key].map(unit).join('');
  const spelt = [
    ...[key, key.toUpperCase(), encodeURIComponent(key), key.replace('/', '\\/')],
    ...[all, all.toUpperCase().replaceAll('\\U', '\\u'), all.replaceAll('\\', '\\\\')],
    [...key].map((character, at) => (at % 3 === 0 ? unit(character) : character)).join(''),
  ];
  for (const one of spelt) {
    assert.is(text(`{"said":"${one}"}`), '{"said":"[redacted]"}', one);
    assert.is(answer(`a ${one} b`), 'a [redacted] b', one);
  }
  assert.is(text('\\u0041 and other words'), '\\u0041 and other words');
});

test.run();
