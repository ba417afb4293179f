import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawLatency, type Latency, parseLatency } from '../../src/sim/latency.ts';
import { createRandom } from '../../src/sim/random.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { chat, withSimulator } from './support.ts';

/** The drawn latencies by content and attempt, after calls in this order. */
async function delays(options: SimulatorOptions, contents: readonly string[]) {
  return withSimulator(options, async (sim) => {
    for (const content of contents) await chat(sim, content);
    return sim
      .ledger()
      .entries.map(({ contentHash, attempt, delayMs, durationMs }) => {
        // A timer may fire a millisecond early.
        assert.ok(durationMs! > delayMs! - 2, `${durationMs} < ${delayMs}`);
        return `${contentHash} ${attempt} ${delayMs}`;
      })
      .sort();
  });
}

test('a latency follows from seed, content and attempt, whatever the order of calls', async () => {
  const latency: Latency = { kind: 'uniform', minMs: 0, maxMs: 50 };
  const first = await delays({ latency, seed: 5 }, ['a', 'b', 'a', 'c']);
  assert.equal(await delays({ latency, seed: 5 }, ['c', 'a', 'b', 'a']), first);
  assert.is(new Set(first.map((line) => line.split(' ')[2])).size, 4);
  assert.not.equal(await delays({ latency, seed: 6 }, ['a', 'b', 'a', 'c']), first);
});

test('the distributions have the mean, the least and the tail that they say', () => {
  const draw = (latency: Latency) => {
    const random = createRandom(42);
    return Array.from({ length: 100_000 }, () => drawLatency(latency, random)).sort(
      (a, b) => a - b,
    );
  };
  const mean = (values: readonly number[]) =>
    values.reduce((sum, ms) => sum + ms, 0) / values.length;
  assert.ok(draw({ kind: 'constant', ms: 5 }).every((ms) => ms === 5));
  const uniform = draw({ kind: 'uniform', minMs: 100, maxMs: 300 });
  assert.ok(uniform[0]! >= 100 && uniform.at(-1)! < 300 && Math.abs(mean(uniform) - 200) < 2);
  const lognormal = draw({ kind: 'lognormal', meanMs: 500, sigma: 0.8 });
  assert.ok(Math.abs(mean(lognormal) - 500) < 10, String(mean(lognormal)));
  assert.ok(Math.abs(lognormal[50_000]! - 500 * Math.exp(-0.32)) < 10);
  const pareto = draw({ kind: 'pareto', minMs: 100, alpha: 1.5, maxMs: 60_000 });
  assert.ok(pareto[0]! >= 100 && pareto.at(-1)! <= 60_000);
  assert.ok(Math.abs(pareto[99_000]! / (100 * 100 ** (1 / 1.5)) - 1) < 0.1, String(pareto[99_000]));
});

test('latencies are read from their short form', () => {
  assert.equal(parseLatency('constant:500'), { kind: 'constant', ms: 500 });
  assert.equal(parseLatency('lognormal:500:0.8'), { kind: 'lognormal', meanMs: 500, sigma: 0.8 });
  assert.equal(parseLatency('uniform:1:2'), { kind: 'uniform', minMs: 1, maxMs: 2 });
  for (const reversed of ['uniform:9:1', 'pareto:100:1.5:90'])
    assert.is(parseLatency(reversed), undefined);
  assert.is(parseLatency('pareto:100:1.5')?.kind, 'pareto');
  assert.is(parseLatency('pareto:100:1.5:900')?.kind, 'pareto');
  for (const wrong of [
    '',
    'constant',
    'constant:x',
    'constant:1:2',
    'poisson:3',
    'constant:-1',
    'toString:1',
  ]) {
    assert.is(parseLatency(wrong), undefined, wrong);
  }
});

test('requests beyond the limit of any window get 429 with the time to wait, and the headers count down', async () => {
  const limits = { requests: 3, windowMs: 300 };
  await withSimulator({ limits }, async (sim) => {
    const replies = [];
    for (let at = 0; at < 4; at++) replies.push(await chat(sim, `${at}`));
    assert.equal(
      replies.map(({ status }) => status),
      [200, 200, 200, 429],
    );
    assert.is(replies[0]!.headers['x-ratelimit-limit-requests'], '3');
    assert.is(replies[2]!.headers['x-ratelimit-remaining-requests'], '0');
    const { headers, json } = replies[3]!;
    assert.is(json.error.code, 'rate_limit_exceeded');
    assert.is(headers['retry-after'], '1');
    const waitMs = Number(headers['retry-after-ms']);
    assert.ok(waitMs > 0 && waitMs <= 300, String(waitMs));
    await new Promise((resolve) => setTimeout(resolve, waitMs + 5));
    assert.is((await chat(sim, 'again')).status, 200);
    const { totals } = sim.ledger();
    assert.is(totals.byOutcome.limited, 1);
    assert.is(totals.violations, 0);
    assert.is(totals.byStatus['429'], 1);
  });
});

test('a hard limit is answered 500 and counts a violation', async () => {
  await withSimulator({ limits: { requests: 2, hard: true } }, async (sim) => {
    for (const content of ['a', 'b']) await chat(sim, content);
    const { status, headers } = await chat(sim, 'c');
    assert.is(status, 500);
    assert.is(headers['retry-after'], undefined);
    assert.is(sim.ledger().totals.violations, 1);
  });
});

test('tokens and calls in flight have limits of their own', async () => {
  const forty = 'x'.repeat(40);
  await withSimulator({ limits: { inputTokens: 25 } }, async (sim) => {
    assert.is((await chat(sim, forty)).headers['x-ratelimit-remaining-tokens'], '15');
    assert.is((await chat(sim, forty)).status, 200);
    assert.is((await chat(sim, forty)).status, 429);
    assert.is((await chat(sim, 'xxxx')).status, 200);
  });
  await withSimulator({ limits: { outputTokens: 10 } }, async (sim) => {
    assert.is((await chat(sim, forty)).status, 200);
    assert.is((await chat(sim, 'x')).status, 429);
  });
  const latency = { kind: 'constant', ms: 100 } as const;
  await withSimulator({ limits: { inFlight: 3 }, latency }, async (sim) => {
    const replies = await Promise.all([1, 2, 3, 4].map((at) => chat(sim, `${at}`)));
    assert.equal(replies.map(({ status }) => status).sort(), [200, 200, 200, 429]);
  });
});

test.run();
