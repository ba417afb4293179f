/** Streamed answers over HTTP: what is asked for, gaps, ends, bounds and connections. */
import type { Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HttpSettings } from '../../src/model/chat.ts';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { modelServer } from '../support/model-server.ts';
import {
  ask,
  brief,
  CANARY,
  completion,
  REQUEST,
  reply,
  type ScriptedServer,
  scriptedServer,
  settingsOf,
} from './support.ts';

interface Context {
  server: ScriptedServer;
  provider: HttpProvider;
}
const test = suite<Context>('streams');

const GAP_MS = 200;
const open = (url: string, more: Partial<HttpSettings> = {}): HttpProvider =>
  new HttpProvider(settingsOf(url, { stream: true, idleTimeoutMs: GAP_MS, ...more }));

test.before.each(async (context) => {
  context.server = await scriptedServer();
  context.provider = open(context.server.url);
});
test.after.each(async ({ server, provider }) => {
  await provider.close();
  await server.close();
});

const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const CHUNK = (content: string) =>
  `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
const END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

function piece(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a stream is asked for with its usage, except where the server refuses that', async ({
  server,
  provider,
}) => {
  const bodyOf = async (asked: HttpProvider) => {
    server.requests.length = 0;
    await ask(asked);
    const [head, body] = server.requests[0]!.split('\r\n\r\n');
    return { head: head!, body: JSON.parse(body!) };
  };
  const { head, body } = await bodyOf(provider);
  assert.match(head, /accept: text\/event-stream, application\/json/);
  assert.equal([body.stream, body.stream_options], [true, { include_usage: true }]);
  const mistral = open(server.url, { streamOptions: false });
  const plain = (await bodyOf(mistral)).body;
  assert.equal([plain.stream, plain.stream_options], [true, undefined]);
  await mistral.close();
  const claude = open(server.url, { type: 'anthropic' });
  const asked = (await bodyOf(claude)).body;
  assert.equal([asked.stream, asked.stream_options], [true, undefined]);
  await claude.close();
});

test('an answer in one piece is read where a stream was asked for, and the other way round', async ({
  server,
  provider,
}) => {
  server.script = reply(completion('whole'));
  assert.is(brief(await ask(provider)), 'ok whole');
  server.script = (socket) => socket.write(`${HEAD}${piece(CHUNK('x') + END)}0\r\n\r\n`);
  const plain = new HttpProvider(settingsOf(server.url));
  assert.is(brief(await ask(plain)), 'ok x');
  await plain.close();
});

test('a gap longer than idle_timeout is a fault, steady pieces are none', async ({
  server,
  provider,
}) => {
  const steady = async (socket: Socket): Promise<void> => {
    socket.write(HEAD);
    for (const word of ['a', 'b', 'c', 'd', 'e', 'f']) {
      socket.write(piece(CHUNK(word)));
      await pause(GAP_MS / 2);
    }
    socket.write(`${piece(END)}0\r\n\r\n`);
  };
  server.script = (socket) => void steady(socket);
  assert.is(brief(await ask(provider)), 'ok abcdef');
  for (const said of ['', CHUNK('half'), ': ping\n\n', CHUNK('all').trimEnd()]) {
    server.script = (socket) => socket.write(HEAD + (said === '' ? '' : piece(said)));
    const startMs = performance.now();
    const outcome = await ask(provider);
    const tookMs = performance.now() - startMs;
    assert.is(brief(outcome), 'RVB_TIMEOUT 200 again', said);
    assert.match(outcome.ok ? '' : outcome.error.message, /nothing came for 200 ms.*idle_timeout/);
    assert.ok(tookMs >= GAP_MS - 5 && tookMs < GAP_MS + 300, `${tookMs} ms`);
  }
  // Before a response begins the call's own time counts.
  server.script = () => {};
  assert.is(brief(await ask(provider, 2 * GAP_MS)), 'RVB_TIMEOUT again');
  // The same holds for an answer in one piece.
  server.script = (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices":');
  assert.is(brief(await ask(provider)), 'RVB_TIMEOUT 200 again');
});

test('the last event is the end, whether the response ends or not', async ({
  server,
  provider,
}) => {
  for (const after of ['', piece('data: garbage'), piece(CHUNK('WRONG'))]) {
    server.script = (socket) => socket.write(HEAD + piece(CHUNK('all') + END) + after);
    assert.is(brief(await ask(provider)), 'ok all');
  }
  server.script = (socket) => socket.end(HEAD + piece(CHUNK('all') + END));
  assert.is(brief(await ask(provider)), 'ok all');
  // All of the body is there, and its last line has no end.
  const body = (CHUNK('all') + END).trimEnd();
  server.script = (socket) => socket.write(`${HEAD}${piece(body)}0\r\n\r\n`);
  assert.is(brief(await ask(provider)), 'ok all');
});

test('a server that goes on after the last event holds nobody up', async ({ server, provider }) => {
  server.script = async (socket) => {
    socket.write(HEAD + piece(CHUNK('all') + END));
    while (!socket.destroyed) {
      socket.write(piece(': still here\n\n'));
      await pause(20);
    }
  };
  const startMs = performance.now();
  assert.is(brief(await ask(provider)), 'ok all');
  assert.ok(performance.now() - startMs < 1_000);
});

test('no part of a key is kept of a stream that repeats it', async ({ server, provider }) => {
  const damaged = 'data: {"choices"\n\n';
  for (const before of [0, 4_000, 4_090, 36_800, 36_850]) {
    const text = `: ${'x'.repeat(before)}${CANARY}\n${`: ${CANARY}\n`.repeat(2_000)}`;
    // In one piece and in two, cut within the key.
    for (const at of [text.length, before + 20]) {
      server.script = (socket) =>
        socket.write(
          `${HEAD}${piece(text.slice(0, at))}${piece(text.slice(at) + damaged)}0\r\n\r\n`,
        );
      const outcome = await ask(provider);
      assert.is(brief(outcome), 'RVB_ANSWER_INVALID 200 again');
      const raw = (outcome.ok ? '' : outcome.raw) ?? '';
      assert.is(raw.length, before > 30_000 ? 4_096 : 0);
      assert.not.ok(raw.includes(CANARY.slice(0, 4)), raw.slice(-100));
    }
  }
});

test('errors, tools, refusals and cut answers in a stream are what they are elsewhere', async ({
  server,
  provider,
}) => {
  const choice = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const done = 'data: [DONE]\n\n';
  const streams: readonly (readonly [string, string])[] = [
    [choice({ content: 'half' }, 'length') + done, 'RVB_MODEL_TRUNCATED 200'],
    [choice({ content: '' }, 'content_filter') + done, 'RVB_MODEL_REFUSED 200'],
    [
      choice({ refusal: 'I ' }) + choice({ refusal: 'cannot' }, 'stop') + done,
      'RVB_MODEL_REFUSED 200',
    ],
    [choice({ tool_calls: [{ index: 0 }] }, 'tool_calls') + done, 'RVB_ANSWER_INVALID 200'],
    [choice({ content: 'x' }) + done, 'RVB_ANSWER_INVALID 200'],
    [choice({ content: 'x' }, 'error') + done, 'RVB_ANSWER_INVALID 200 again'],
    [choice({ role: 'assistant' }, 'stop') + done, 'RVB_ANSWER_INVALID 200'],
    [done, 'RVB_ANSWER_INVALID 200 again'],
    ['', 'RVB_ANSWER_INVALID 200 again'],
    ['<html>busy</html>\n\n', 'RVB_ANSWER_INVALID 200 again'],
    ['data: {"error":{"code":429,"message":"slow"}}\n\n', 'RVB_MODEL_HTTP 429 again'],
    [`${CHUNK('x')}data: {"error":{"code":503}}\n\n`, 'RVB_MODEL_HTTP 200 again'],
    [CHUNK('x') + choice({}, 'length') + choice({}, 'stop') + done, 'RVB_MODEL_TRUNCATED 200'],
    [
      choice({ content: 'x' }, 'stop') + choice({ content: 'y' }) + done,
      'RVB_ANSWER_INVALID 200 again',
    ],
    [
      `${choice({ content: 'x' }, 'stop')}event: error\ndata: {"message":"overloaded"}\n\n${done}`,
      'RVB_MODEL_HTTP 200 again',
    ],
    [
      choice({ content: 'x' }).replace('{', '{"id":"a",') +
        choice({ content: 'y' }, 'stop').replace('{', '{"id":"b",') +
        done,
      'RVB_ANSWER_INVALID 200 again',
    ],
    [choice({ content: 'x' }, 'stop') + choice({ content: '' }, 'stop') + done, 'ok x'],
    [
      choice({ content: [{ type: 'thinking' }, { type: 'text', text: 'a' }] }) +
        choice({ content: 'b' }, 'stop') +
        done,
      'ok ab',
    ],
  ];
  for (const [text, expected] of streams) {
    server.script = (socket) => socket.write(`${HEAD}${text === '' ? '' : piece(text)}0\r\n\r\n`);
    assert.is(brief(await ask(provider)), expected, text.slice(0, 200));
  }
});

test('a stream, an event and an answer have bounds', async ({ server, provider }) => {
  const mebibyte = 'x'.repeat(1_048_576);
  const flood = async (socket: Socket, text: string): Promise<void> => {
    socket.write(HEAD);
    for (let count = 0; count < 80 && !socket.destroyed; count++) {
      if (!socket.write(piece(text))) await new Promise((resolve) => socket.once('drain', resolve));
      await pause(0);
    }
  };
  for (const text of [CHUNK(mebibyte), mebibyte, `data: "${mebibyte}`, `: ${mebibyte}\n`]) {
    server.script = (socket) => void flood(socket, text).catch(() => {});
    assert.is(brief(await ask(provider, 20_000)), 'RVB_MODEL_HTTP 200', text.slice(0, 20));
  }
  // An answer in one piece is held to its own bound, although streams may be longer.
  server.script = reply(completion('x'.repeat(5 * 1024 * 1024)));
  assert.is(brief(await ask(provider)), 'RVB_MODEL_HTTP 200');
});

test('streamed calls that follow each other share a connection', async () => {
  for (const type of ['openai-compatible', 'anthropic'] as const) {
    await using sim = await modelServer({ rules: [{ answer: 'token '.repeat(1_000) }] });
    const provider = open(sim.url, { type });
    for (let call = 0; call < 5; call++) {
      const outcome = await provider.chat(
        { ...REQUEST, parameters: { max_tokens: 4_000 } },
        { signal: new AbortController().signal, timeoutMs: 5_000 },
      );
      assert.ok(outcome.ok && outcome.response.text.length === 6_000, JSON.stringify(outcome));
      assert.equal(outcome.ok && outcome.response.usage?.outputTokens, 1_500);
    }
    await provider.close();
    const { server } = (await (
      await fetch(`${sim.url.slice(0, -3)}/sim/ledger?summary=1`)
    ).json()) as {
      readonly server: { readonly connections: number };
    };
    // One of them is that of this question.
    assert.is(server.connections, 2);
  }
});

test('events that come one by one are one answer', async () => {
  for (const type of ['openai-compatible', 'anthropic'] as const) {
    await using sim = await modelServer({
      rules: [{ answer: 'one by one '.repeat(5), eventMs: 10 }],
    });
    const provider = open(sim.url, { type });
    assert.is(brief(await ask(provider)), `ok ${'one by one '.repeat(5)}`);
    await provider.close();
  }
});

test.run();
