/** The gate against a server that fails every call over its limits, over real connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../src/calls/gate/gate.ts';
import type { ProviderLimits } from '../../src/model/call-limits.ts';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { createRandom } from '../../src/sim/random.ts';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { cases, deep, seed } from '../support/cases.ts';

/** A call's text begins with its number. */
const NUMBER_CHARS = 12;
const MIN_TOKENS = NUMBER_CHARS / 4;

interface Setting {
  readonly server: object;
  readonly limits: ProviderLimits;
  readonly lanes: number;
  readonly forMs: number;
  readonly latencyMs: number;
  /** Tokens of a call's prompt; where absent, a few. */
  readonly tokens?: () => number;
}

interface Seen {
  readonly calls: number;
  /** Of the calls that were not refused. */
  readonly tokens: number;
  readonly refused: number;
  readonly maxInFlight: number;
  /** From the first arrival to the last. */
  readonly spanMs: number;
  /** When each refused call arrived, since the first call. */
  readonly refusedAtMs: readonly number[];
  /** When each call arrived, likewise, and how long it was on its way from the gate. */
  readonly waysMs: readonly { readonly atMs: number; readonly ms: number }[];
}

/** Lanes of eight statements ask for a while. */
async function drive({ server, limits, lanes, forMs, latencyMs, tokens }: Setting): Promise<Seen> {
  const simulator = await spawnSimulator({
    limits: server as never,
    latency: { kind: 'lognormal', meanMs: latencyMs, sigma: 0.5 },
    previewChars: NUMBER_CHARS,
  });
  const gate = new Gate({ limitsOf: () => limits });
  const model = new HttpProvider({
    id: 'sim',
    type: 'openai-compatible',
    baseUrl: simulator.url,
    responseFormat: 'none',
    connections: 0,
  });
  const end = AbortSignal.timeout(forMs);
  let calls = 0;
  /** By the number that a call's text begins with. */
  const outMs = new Map<number, number>();
  const lane = async (statementId: number): Promise<void> => {
    while (!end.aborted) {
      const inputTokens = tokens?.() ?? 5;
      const askedMs = performance.timeOrigin + performance.now();
      const permit = await Promise.resolve(
        gate.acquire({
          provider: 'sim',
          model: 'sim',
          statementId,
          inputTokens,
          outputTokens: 5,
          signal: end,
        }),
      ).catch(() => undefined);
      if (permit === undefined) return;
      calls += 1;
      outMs.set(calls, askedMs + permit.waitedMs);
      // The server counts four characters as a token.
      const content = `${calls} `.padEnd(4 * inputTokens, 'call ');
      const outcome = await model.chat(
        { model: 'sim', messages: [{ role: 'user', content }], parameters: {} },
        { signal: new AbortController().signal, timeoutMs: 30_000 },
      );
      const { status, rateLimits } = outcome;
      const usage = outcome.ok ? outcome.response.usage : outcome.usage;
      permit.settle({
        ...(status === undefined ? {} : { status }),
        ...(outcome.ok || outcome.retryAfterMs === undefined
          ? {}
          : { retryAfterMs: outcome.retryAfterMs }),
        ...(rateLimits === undefined ? {} : { rateLimits }),
        ...(usage === undefined ? {} : { usage }),
      });
      // A lane that was refused comes back after its retry's wait.
      if (!outcome.ok) await sleep(200);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, (_, at) => lane(at % 8)));
    const { entries, totals } = await simulator.ledger();
    const firstMs = entries[0]?.atMs ?? 0;
    const refused = entries.filter(({ outcome }) => outcome === 'limited');
    return {
      calls: entries.length,
      tokens: entries.reduce(
        (sum, { outcome, tokensIn }) => sum + (outcome === 'limited' ? 0 : tokensIn),
        0,
      ),
      refused: refused.length,
      maxInFlight: totals.maxInFlight,
      spanMs: (entries.at(-1)?.atMs ?? 0) - firstMs,
      refusedAtMs: refused.map(({ atMs }) => atMs - firstMs),
      waysMs: entries.map(({ atMs, preview }) => ({
        atMs: atMs - firstMs,
        ms: atMs - outMs.get(Number.parseInt(preview ?? '', 10))!,
      })),
    };
  } finally {
    gate.close();
    await model.close();
    await simulator.close();
  }
}

/** The part of a window that a call may be on its way, as the gate promises. */
const MARGIN = 0.02;
/** What the clocks of two processes, and reading a call, may differ by. */
const CLOCK_SLACK_MS = 2;

/**
 * Violations in whose window every call was on its way for no longer than the margin. A machine that stops the
 * process for longer sees calls later than they were sent; what comes of that says nothing of the gate.
 */
function violationsOf({ refusedAtMs, waysMs }: Seen, windowMs: number): readonly string[] {
  for (const { ms } of waysMs) assert.ok(ms > -CLOCK_SLACK_MS, `a call was ${ms} ms on its way`);
  const late = waysMs.filter(({ ms }) => ms > windowMs * MARGIN - CLOCK_SLACK_MS);
  console.log(
    `cases: ${refusedAtMs.length} violations; ${late.length} of ${waysMs.length} calls were longer on their way than the margin`,
  );
  return refusedAtMs
    .filter((refusedMs) => {
      const sinceMs = refusedMs - windowMs - CLOCK_SLACK_MS;
      return !late.some(({ atMs }) => atMs >= sinceMs && atMs <= refusedMs + CLOCK_SLACK_MS);
    })
    .map((refusedMs) => `violation after ${refusedMs} ms without a late call`);
}

/** The part that arrived of the calls that the begun windows allow. */
function used(amount: number, { spanMs }: Seen, limit: number, windowMs: number): number {
  return amount / (limit * Math.ceil(Math.max(1, spanMs) / windowMs));
}

/** The exact figure is that of simulated time; here a busy machine answers late. */
const LEAST = 0.6;
const SECONDS = deep ? 60 : 4;

test('three a second are promised to a server that fails the fourth: it fails none', async () => {
  const seen = await drive({
    server: { requests: 3, windowMs: 1_000, hard: true },
    limits: { rpm: 180, windowMs: 1_000 },
    lanes: 16,
    forMs: SECONDS * 1_000,
    latencyMs: 400,
  });
  const part = used(seen.calls, seen, 3, 1_000);
  console.log(`cases: ${seen.calls} calls at 3 a second, ${part.toFixed(3)} of the rate`);
  assert.equal(violationsOf(seen, 1_000), []);
  assert.ok(part >= LEAST, `${part} of the rate`);
});

test('many a window and a bound in flight: no violation, and nearly all of it is used', async () => {
  const seen = await drive({
    server: { requests: 200, windowMs: 4_000, inFlight: 20, hard: true },
    limits: { rpm: 3_000, windowMs: 4_000, inFlight: 20 },
    lanes: 64,
    forMs: SECONDS * 1_000,
    latencyMs: 50,
  });
  const part = used(seen.calls, seen, 200, 4_000);
  console.log(`cases: ${seen.calls} calls at 50 a second, ${part.toFixed(3)} of the rate`);
  assert.equal(violationsOf(seen, 4_000), []);
  assert.ok(seen.maxInFlight <= 20);
  assert.ok(part >= LEAST, `${part} of the rate`);
});

test('tokens both ways: no violation', async () => {
  const seen = await drive({
    server: { inputTokens: 90, outputTokens: 60, windowMs: 1_000, hard: true },
    limits: { inputTpm: 5_400, outputTpm: 3_600, windowMs: 1_000 },
    lanes: 16,
    forMs: (SECONDS / 2) * 1_000,
    latencyMs: 100,
  });
  assert.equal(violationsOf(seen, 1_000), []);
  assert.ok(seen.calls > 2.5 * SECONDS, `${seen.calls} calls`);
});

test('calls of mixed sizes: no violation, and what a window of tokens holds is used', async () => {
  for (let at = 0; at < cases(1, 3); at++) {
    const draw = createRandom(seed + at);
    const seen = await drive({
      server: { inputTokens: 4_000, windowMs: 2_000, hard: true },
      limits: { inputTpm: 120_000, windowMs: 2_000 },
      lanes: 64,
      forMs: SECONDS * 1_000,
      latencyMs: 150,
      // One in 33 is as large as ten others.
      tokens: () =>
        draw() < 0.03 ? 500 + Math.floor(draw() * 500) : MIN_TOKENS + Math.floor(draw() * 150),
    });
    const part = used(seen.tokens, seen, 4_000, 2_000);
    console.log(
      `cases: ${seen.calls} calls, ${part.toFixed(3)} of the tokens a minute, seed ${seed + at}`,
    );
    assert.equal(violationsOf(seen, 2_000), []);
    assert.ok(part >= LEAST, `${part} of the rate`);
  }
});

test('fifty lanes without limits settle to what a server allows in flight', async () => {
  const forMs = cases(8, 15) * 1_000;
  const seen = await drive({
    server: { inFlight: 5 },
    limits: {},
    lanes: 50,
    forMs,
    latencyMs: 100,
  });
  const late = seen.refusedAtMs.filter((atMs) => atMs > 2_000).length;
  console.log(`cases: ${seen.calls} calls, ${seen.refused} refused, ${late} after 2 s`);
  assert.ok(late <= 3 + forMs / 5_000, `${late} refused after the start`);
  assert.ok(seen.calls - seen.refused > 0.4 * 50 * (forMs / 1_000), `${seen.calls} calls`);
});

test('fifty lanes without limits settle to what a server allows in a second', async () => {
  const forMs = cases(8, 15) * 1_000;
  const seen = await drive({
    server: { requests: 10, windowMs: 1_000 },
    limits: {},
    lanes: 50,
    forMs,
    latencyMs: 50,
  });
  const late = seen.refusedAtMs.filter((atMs) => atMs > 2_000).length;
  console.log(`cases: ${seen.calls} calls, ${seen.refused} refused, ${late} after 2 s`);
  assert.ok(late <= 10 + forMs / 2_000, `${late} refused after the start`);
  assert.ok(seen.calls - seen.refused > 0.4 * 10 * (forMs / 1_000), `${seen.calls} calls`);
});

test.run();
