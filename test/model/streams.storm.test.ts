/** A property of streams: no value of one that is cut off or spoilt, the right value of every whole one. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { createRandom, mixSeed } from '../../src/sim/random.ts';
import { cases, deep, reportCases, seed } from '../support/cases.ts';
import { Draw, type RandomStream, randomStream, type Spoilt } from './random-streams.ts';
import { scriptedServer, settingsOf } from './support.ts';

const STREAMS = cases(10_000, 100_000);
/** The ordinary run ends then, whatever the machine. */
const BUDGET_MS = 40_000;
const AT_A_TIME = 48;
const GAP_MS = 250;

/** Where and how the response ends. */
type End =
  | { readonly kind: 'whole'; readonly isChunkedToTheEnd: boolean }
  | {
      readonly kind: 'cut';
      readonly at: number;
      readonly how: 'fin' | 'reset' | 'clean' | 'stall';
    };

interface Case {
  readonly stream: RandomStream;
  readonly end: End;
  readonly spoilt: Spoilt;
  readonly draw: Draw;
}

function makeCase(number: number, isMessage: boolean): Case {
  const draw = new Draw(createRandom(mixSeed('5eed5eed', seed, number)));
  const isWhole = draw.chance(0.4);
  const spoilt: Spoilt =
    isWhole || draw.chance(0.5)
      ? 'none'
      : draw.pick([
          'error-event',
          'damaged-json',
          'missing-event',
          'bad-utf8',
          'late-text',
          'two-answers',
        ]);
  const stream = randomStream(draw, isMessage, spoilt);
  if (isWhole || spoilt !== 'none') {
    // A CR at the end may be half of a CRLF: only the end of the body tells.
    const isChunkedToTheEnd = draw.chance(0.9) || stream.bytes.at(-1) === 0x0d;
    return { stream, spoilt, draw, end: { kind: 'whole', isChunkedToTheEnd } };
  }
  const how = draw.chance(0.04) ? 'stall' : draw.pick(['fin', 'reset', 'clean'] as const);
  return { stream, spoilt, draw, end: { kind: 'cut', at: draw.upTo(stream.wholeAt - 1), how } };
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n';

/** Writes it in random pieces, some of them late. */
async function send(socket: Socket, { stream, end, draw }: Case): Promise<void> {
  const body = end.kind === 'cut' ? stream.bytes.subarray(0, end.at) : stream.bytes;
  socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + 1 + draw.upTo(draw.pick([8, 100, 4_000])));
    at += piece.length;
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    socket.write('\r\n');
    if (draw.chance(0.02)) await sleep(draw.upTo(5));
    if (socket.destroyed) return;
  }
  if (end.kind === 'whole') {
    if (end.isChunkedToTheEnd) socket.write('0\r\n\r\n');
    else socket.end();
    return;
  }
  if (end.how === 'clean') socket.write('0\r\n\r\n');
  else if (end.how === 'fin') socket.end();
  else if (end.how === 'reset') socket.resetAndDestroy();
}

test('no value of a stream that is cut off or spoilt, the right one of every whole one', async () => {
  const startedMs = performance.now();
  const counts = { whole: 0, cut: 0, spoilt: 0 };
  const server = await scriptedServer();
  const sent = new Map<string, Case>();
  server.script = (socket, request) => {
    const number = /case (\d+)"/.exec(request)![1]!;
    void send(socket, sent.get(number)!);
    server.requests.length = 0;
  };
  const providers = (['openai-compatible', 'anthropic'] as const).map(
    (type) =>
      new HttpProvider(settingsOf(server.url, { type, stream: true, idleTimeoutMs: GAP_MS })),
  );
  const check = async (number: number): Promise<void> => {
    const one = makeCase(number, number % 2 === 1);
    sent.set(String(number), one);
    const outcome = await providers[number % 2]!.chat(
      {
        model: 'm',
        messages: [{ role: 'user', content: `case ${number}` }],
        parameters: {},
      },
      { signal: new AbortController().signal, timeoutMs: 20_000 },
    );
    sent.delete(String(number));
    const { stream, end, spoilt } = one;
    const about = `case ${number}, ${JSON.stringify(end)}, ${spoilt}, seed ${seed}`;
    if (end.kind === 'cut' || spoilt !== 'none') {
      counts[end.kind === 'cut' ? 'cut' : 'spoilt'] += 1;
      assert.not(outcome.ok, `${about}: ${JSON.stringify(outcome)}`);
      return;
    }
    counts.whole += 1;
    assert.ok(outcome.ok, `${about}: ${JSON.stringify(outcome)}`);
    if (!outcome.ok) return;
    assert.is(outcome.response.text, stream.text, about);
    assert.equal(outcome.response.usage, stream.usage, about);
  };
  let next = 0;
  const isOver = () => next >= STREAMS || (!deep && performance.now() - startedMs > BUDGET_MS);
  try {
    await Promise.all(
      Array.from({ length: AT_A_TIME }, async () => {
        while (!isOver()) await check(next++);
      }),
    );
  } finally {
    for (const provider of providers) await provider.close();
    await server.close();
  }
  const { whole, cut, spoilt } = counts;
  reportCases(next, `streams: ${whole} whole, ${cut} cut off, ${spoilt} spoilt`);
  assert.ok(whole > 0 && cut > 0 && spoilt > 0);
});

test.run();
