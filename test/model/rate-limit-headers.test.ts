import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpProvider } from '../../src/model/http-provider.ts';
import { rateLimitsOf, resetMs } from '../../src/model/rate-limit-headers.ts';
import { startSimulator } from '../../src/sim/simulator.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

test('a reset is a duration, seconds, a moment since 1970 or an ISO date', () => {
  const resets: readonly (readonly [string | undefined, number | undefined])[] = [
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['250ms', 250],
    ['1h2m3.5s', 3_723_500],
    ['1s250ms', 1_250],
    ['8m38.4s', 518_400],
    ['1d', 86_400_000],
    ['2m', 120_000],
    ['0s', 0],
    ['17', 17_000],
    ['0.5', 500],
    [' 3 ', 3_000],
    [String(NOW / 1_000 + 20), 20_000],
    [String(NOW + 1_500), 1_500],
    ['2026-03-01T12:00:30Z', 30_000],
    ['2026-03-01T13:00:30+01:00', 30_000],
    ['2026-03-01T11:59:30Z', 0],
    ['2026-13-41T99:00:00Z', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['5 s', undefined],
    ['ms', undefined],
    ['1s1m', undefined],
    ['9'.repeat(30), undefined],
    ['9'.repeat(400), undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [text, ms] of resets) assert.is(resetMs(text, NOW), ms, text);
});

test('the headers of the usual providers are read', () => {
  assert.equal(
    rateLimitsOf(
      {
        'x-ratelimit-limit-requests': '60',
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-limit-tokens': '150000',
        'x-ratelimit-remaining-tokens': '149984',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      NOW,
    ),
    {
      requests: { limit: 60, remaining: 59, resetMs: 1_000 },
      tokens: { limit: 150_000, remaining: 149_984, resetMs: 360_000 },
    },
  );
  assert.equal(
    rateLimitsOf(
      {
        'anthropic-ratelimit-requests-limit': '50',
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': '2026-03-01T12:00:30Z',
        'anthropic-ratelimit-tokens-remaining': '9',
        'anthropic-ratelimit-input-tokens-remaining': ['7', '8'],
      },
      NOW,
    ),
    { requests: { limit: 50, remaining: 0, resetMs: 30_000 }, tokens: { remaining: 7 } },
  );
  const router = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 9_000) };
  assert.equal(rateLimitsOf(router, NOW), { requests: { remaining: 0, resetMs: 9_000 } });
});

test('headers that say nothing, or nothing readable, are no limits', () => {
  assert.is(rateLimitsOf({}, NOW), undefined);
  assert.is(rateLimitsOf({ 'x-ratelimit-reset-requests': '1s' }, NOW), undefined);
  assert.is(rateLimitsOf({ 'x-ratelimit-remaining-requests': '-1' }, NOW), undefined);
  assert.is(rateLimitsOf({ 'x-ratelimit-limit-tokens': '1e9' }, NOW), undefined);
});

test('answers and failures of a call carry them', async () => {
  const simulator = await startSimulator({ limits: { requests: 1, windowMs: 5_000 } });
  const model = new HttpProvider({
    id: 'sim',
    type: 'openai-compatible',
    baseUrl: simulator.url,
    responseFormat: 'none',
    connections: 0,
  });
  try {
    const ask = () =>
      model.chat(
        { model: 'sim', messages: [{ role: 'user', content: 'x' }], parameters: {} },
        { signal: new AbortController().signal, timeoutMs: 5_000 },
      );
    const first = await ask();
    assert.ok(first.ok);
    assert.is(first.rateLimits?.requests?.limit, 1);
    assert.is(first.rateLimits?.requests?.remaining, 0);
    const second = await ask();
    assert.ok(!second.ok);
    assert.is(second.status, 429);
    const { resetMs: left } = second.rateLimits!.requests!;
    assert.ok(left! > 3_000 && left! <= 5_000, String(left));
  } finally {
    await model.close();
    await simulator.close();
  }
});

test.run();
