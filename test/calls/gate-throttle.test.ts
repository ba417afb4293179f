/** Refusals: calls wait as asked, go on with less, and come back to what the server allows. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CallResult, GateRequest, Permit } from '../../src/calls/gate/gate-request.ts';
import { Throttle } from '../../src/calls/gate/throttle.ts';
import { createRandom } from '../../src/sim/random.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { type Server, settled, start, World } from './gate-support.ts';

function request(more: Partial<GateRequest> = {}): GateRequest {
  return {
    provider: 'p',
    model: 'm',
    statementId: 1,
    inputTokens: 0,
    outputTokens: 0,
    signal: new AbortController().signal,
    ...more,
  };
}

/** When each of these calls may go out, with everything settled at once. */
async function times(world: World, acquire: () => Permit | Promise<Permit>, calls: number) {
  const wentMs: number[] = [];
  for (let at = 0; at < calls; at++) {
    let permit: Permit | undefined;
    void Promise.resolve(acquire()).then((one) => {
      permit = one;
    });
    await world.run(Infinity, () => permit !== undefined);
    wentMs.push(world.nowMs);
    permit!.settle({ status: 200 });
  }
  return wentMs;
}

test('after a refusal nothing goes out before Retry-After is over, and then not much later', async () => {
  for (const [retryAfterMs, leastMs, mostMs] of [
    [3_000, 3_000, 3_310],
    [0, 0, 5],
    [3_600_000, 60_000, 66_010],
    [undefined, 500, 1_010],
  ] as const) {
    for (const status of [429, ...(retryAfterMs === undefined ? [] : [503, 529])]) {
      const world = new World(seed);
      const gate = world.gate({});
      const permit = gate.acquire(request()) as Permit;
      permit.settle({ status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
      const [atMs] = await times(world, () => gate.acquire(request()), 1);
      assert.ok(atMs! >= leastMs && atMs! <= mostMs, `${status} ${retryAfterMs}: ${atMs}`);
    }
  }
});

test('a failure that is no refusal, and another model, go on', () => {
  const world = new World(seed);
  const gate = world.gate({});
  for (const status of [500, 503, 400]) (gate.acquire(request()) as Permit).settle({ status });
  (gate.acquire(request()) as Permit).settle({ status: 429, retryAfterMs: 10_000 });
  assert.not.instance(gate.acquire(request({ model: 'n' })), Promise);
  assert.instance(gate.acquire(request()), Promise);
});

test('refusals in a row wait twice as long each time, up to a minute', async () => {
  const world = new World(seed);
  const gate = world.gate({});
  const waits: number[] = [];
  for (let at = 0; at < 10; at++) {
    let permit: Permit | undefined;
    const askedMs = world.nowMs;
    void Promise.resolve(gate.acquire(request())).then((one) => {
      permit = one;
    });
    await world.run(Infinity, () => permit !== undefined);
    waits.push(world.nowMs - askedMs);
    permit!.settle({ status: 429 });
  }
  for (const [at, waitMs] of waits.slice(1).entries()) {
    const least = Math.min(60_000, 500 * 2 ** at);
    assert.ok(waitMs >= least && waitMs <= 2 * least + 5, `${at}: ${waitMs} of ${least}`);
  }
});

interface Allowed {
  readonly name: string;
  /** What the server allows, per second of simulated time, with calls of this latency. */
  readonly perSecond: number;
  readonly latencyMs: number;
  /** The part of it that is used all the same, at least. */
  readonly least: number;
  server(): Server;
}

function inFlightServer(most: number): Server {
  return (_arrival, inFlight) => (inFlight > most ? { status: 429, retryAfterMs: 0 } : undefined);
}

function rateServer(most: number, withRetryAfter: boolean): Server {
  let seen: number[] = [];
  return ({ atMs }) => {
    seen = seen.filter((at) => atMs - at < 1_000);
    if (seen.length < most) {
      seen.push(atMs);
      return undefined;
    }
    const waitMs = seen[0]! + 1_000 - atMs;
    return { status: 429, ...(withRetryAfter ? { retryAfterMs: Math.ceil(waitMs) } : {}) };
  };
}

const SERVERS: readonly Allowed[] = [
  {
    name: '5 in flight',
    perSecond: 12.5,
    latencyMs: 400,
    least: 0.85,
    server: () => inFlightServer(5),
  },
  {
    name: '20 in flight',
    perSecond: 100,
    latencyMs: 200,
    least: 0.85,
    server: () => inFlightServer(20),
  },
  {
    name: '10 a second',
    perSecond: 10,
    latencyMs: 300,
    least: 0.6,
    server: () => rateServer(10, true),
  },
  {
    name: '10 a second, fast',
    perSecond: 10,
    latencyMs: 20,
    least: 0.6,
    server: () => rateServer(10, true),
  },
  // The rate is measured with the waits in it, which are guesses here.
  {
    name: '10 a second, without Retry-After',
    perSecond: 10,
    latencyMs: 300,
    least: 0.45,
    server: () => rateServer(10, false),
  },
];

for (const { name, perSecond, latencyMs, least, server } of SERVERS) {
  test(`fifty lanes that know no limit settle to what a server allows: ${name}`, async () => {
    const count = cases(2, 60);
    let worstRate = Infinity;
    let mostRefused = 0;
    let mostLate = 0;
    for (let at = 0; at < count; at++) {
      const world = new World(seed + at);
      const draw = createRandom(seed + at + 1);
      const gate = world.gate({});
      const report = start(world, {
        gate,
        statements: [{ id: 1, rows: 1_000_000, lanes: 50 }],
        delayMs: () => draw() * 5,
        latencyMs: () => latencyMs * (0.5 + draw()),
        server: server(),
        backoffMs: () => 100 + draw() * 400,
      });
      await world.run(120_000);
      gate.close();
      const late = report.refusedAtMs.filter((ms) => ms > 10_000).length;
      const rate = report.arrivals.length / 120 / perSecond;
      const said = `${name}, seed ${seed + at}: ${rate.toFixed(3)} of the rate, ${report.refused} refused, ${late} after 10 s`;
      assert.ok(rate >= least, said);
      assert.ok(report.refused <= 150, said);
      // Of some thousand calls.
      assert.ok(late <= 30, said);
      worstRate = Math.min(worstRate, rate);
      mostRefused = Math.max(mostRefused, report.refused);
      mostLate = Math.max(mostLate, late);
    }
    const figures = `at least ${worstRate.toFixed(3)} of the rate, at most ${mostRefused} refused, ${mostLate} of them after 10 s`;
    reportCases(count, `two minutes at ${name}: ${figures}`);
  });
}

const LIMITS = [
  { name: '60 a minute', limits: { rpm: 60 }, perMinute: 60 },
  { name: '600 a minute', limits: { rpm: 600 }, perMinute: 600 },
  { name: '10 a second', limits: { rpm: 600, windowMs: 1_000 }, perMinute: 600 },
  { name: '3,000 a minute', limits: { rpm: 3_000 }, perMinute: 3_000 },
  { name: '10 in flight', limits: { inFlight: 10 }, perMinute: (10 * 60_000) / 300 },
] as const;

for (const { name, limits, perMinute } of LIMITS) {
  test(`one 429 in a hundred calls, with Retry-After, costs little of the limit: ${name}`, async () => {
    const count = cases(1, 20);
    let worst = Infinity;
    for (let at = 0; at < count; at++) {
      const world = new World(seed + at);
      const draw = createRandom(seed + at + 1);
      const gate = world.gate(limits);
      const report = start(world, {
        gate,
        statements: [{ id: 1, rows: 1_000_000, lanes: 50 }],
        delayMs: () => 1 + draw() * 4,
        latencyMs: () => 200 + draw() * 200,
        server: () => (draw() < 0.01 ? { status: 429, retryAfterMs: 5_000 } : undefined),
      });
      await world.run(600_000);
      gate.close();
      worst = Math.min(worst, report.arrivals.length / (10 * perMinute));
      assert.ok(worst >= 0.9, `${name}, seed ${seed + at}: ${worst.toFixed(3)} of the limit`);
    }
    reportCases(count, `ten minutes at ${name}: at least ${worst.toFixed(3)} of the limit`);
  });
}

test('one call at a time, far apart: what a refusal held is forgotten with its Retry-After', async () => {
  const world = new World(seed);
  const gate = world.gate({});
  const waited = async (result: CallResult, afterMs: number): Promise<number> => {
    await world.run(world.nowMs + afterMs);
    let permit: Permit | undefined;
    void Promise.resolve(gate.acquire(request())).then((one) => {
      permit = one;
    });
    await world.run(Infinity, () => permit !== undefined);
    world.nowMs += 20;
    permit!.settle(result);
    return permit!.waitedMs;
  };
  const refused = { status: 429, retryAfterMs: 8_000 };
  assert.is(await waited(refused, 0), 0);
  const heldMs = await waited({ status: 200 }, 100);
  assert.ok(heldMs > 7_800 && heldMs < 8_810, `${heldMs} ms`);
  for (let n = 0; n < 5; n++) assert.is(await waited({ status: 200 }, 100), 0);
  await waited({ status: 429 }, 100);
  const pausedMs = await waited({ status: 200 }, 100);
  assert.ok(pausedMs < 1_200, `${pausedMs} ms after a refusal without Retry-After`);
  const nextMs = await waited({ status: 200 }, 100);
  assert.ok(nextMs < 300, `${nextMs} ms at the pace that was learnt`);
  await waited({ status: 200 }, 60_000);
  await waited(refused, 60_000);
  for (let n = 0; n < 5; n++) assert.is(await waited({ status: 200 }, 60_000), 0);
});

test('calls that succeed after an outage bring all lanes back within seconds', async () => {
  for (const retryAfterMs of [undefined, 1_000, 5_000]) {
    const world = new World(seed);
    const gate = world.gate({});
    const report = start(world, {
      gate,
      statements: [{ id: 1, rows: 1_000_000, lanes: 50 }],
      delayMs: () => 1,
      latencyMs: () => 200 + world.random() * 200,
      server: ({ atMs }) =>
        atMs < 10_000 || atMs >= 14_000
          ? undefined
          : { status: 429, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    });
    await world.run(60_000);
    gate.close();
    const perSecond = (fromMs: number, untilMs: number): number =>
      report.arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length /
      ((untilMs - fromMs) / 1_000);
    const before = perSecond(5_000, 10_000);
    const firstMs = report.arrivals.find(({ atMs }) => atMs >= 14_000)!.atMs;
    const after = perSecond(firstMs + 4_000, firstMs + 8_000);
    assert.ok(after >= 0.8 * before, `${retryAfterMs}: ${after} a second, ${before} before`);
  }
});

test('a call that never went out does not put off the next one', () => {
  const throttle = new Throttle(() => 0);
  for (let atMs = 0; atMs <= 10_000; atMs += 500) {
    throttle.enter(atMs);
    if (atMs < 9_500) throttle.answered(atMs);
    else throttle.refused(atMs, atMs, 1, 0);
  }
  throttle.enter(10_100);
  const freeAtMs = throttle.freeAt(10_100, 0);
  assert.ok(freeAtMs > 10_300, 'the rate has been learnt');
  for (let n = 0; n < 20; n++) throttle.undo(throttle.enter(10_200));
  assert.is(Math.round(throttle.freeAt(10_200, 0)), Math.round(freeAtMs));
});

test('a throttled gate forgets: some minutes later all lanes go out at once again', async () => {
  const world = new World(seed);
  const gate = world.gate({});
  for (const permit of Array.from({ length: 20 }, () => gate.acquire(request()) as Permit)) {
    permit.settle({ status: 429, retryAfterMs: 100 });
  }
  world.nowMs += 1_000;
  const go = () => Array.from({ length: 50 }, () => gate.acquire(request()));
  const first = go();
  assert.is(first.filter((permit) => !(permit instanceof Promise)).length, 1);
  for (const permit of first) {
    void Promise.resolve(permit).then((one) => one.settle({ status: 200 }));
  }
  await world.run();
  world.nowMs += 300_000;
  assert.is(go().filter((permit) => !(permit instanceof Promise)).length, 50);
});

test('headers that leave nothing hold calls until the reset, and older ones do not undo newer ones', async () => {
  const world = new World(seed);
  const gate = world.gate({});
  const [first, second, third] = Array.from({ length: 3 }, () => gate.acquire(request()) as Permit);
  third!.settle({ status: 200, rateLimits: { requests: { remaining: 1, resetMs: 5_000 } } });
  first!.settle({ status: 200, rateLimits: { requests: { remaining: 3, resetMs: 1 } } });
  second!.settle({ status: 200, rateLimits: { requests: { remaining: 2, resetMs: 1 } } });
  (gate.acquire(request()) as Permit).cancel();
  assert.not.instance(gate.acquire(request()), Promise, 'one is left');
  const [atMs] = await times(world, () => gate.acquire(request()), 1);
  assert.ok(atMs! >= 5_000 && atMs! < 5_010, String(atMs));
});

test('tokens that are left are left to smaller calls', async () => {
  const world = new World(seed);
  const gate = world.gate({});
  const permit = gate.acquire(request({ inputTokens: 10 })) as Permit;
  permit.settle({ status: 200, rateLimits: { tokens: { remaining: 100, resetMs: 2_000 } } });
  assert.not.instance(gate.acquire(request({ inputTokens: 60 })), Promise);
  const [atMs] = await times(world, () => gate.acquire(request({ inputTokens: 60 })), 1);
  assert.ok(atMs! >= 2_000 && atMs! < 2_010, String(atMs));
});

test('a limit of the headers below the configured one tightens it, one above it does nothing', async () => {
  for (const [limit, perMinute] of [
    [20, 20],
    [500, 100],
  ] as const) {
    const world = new World(seed);
    const gate = world.gate({ rpm: 100 });
    const headers = { requests: { limit, remaining: limit - 1, resetMs: 0 } };
    const report = start(world, {
      gate,
      statements: [{ id: 1, rows: 1_000, lanes: 1 }],
      delayMs: () => 1,
      latencyMs: () => 10,
      server: () => ({ rateLimits: headers }),
    });
    await world.run(59_000);
    gate.close();
    assert.is(report.arrivals.length, perMinute);
  }
});

test('headers that the count explains do not slow it down', async () => {
  const world = new World(seed);
  const gate = world.gate({ rpm: 180, windowMs: 1_000 });
  let seen: number[] = [];
  const report = start(world, {
    gate,
    statements: [{ id: 1, rows: 1_000, lanes: 10 }],
    delayMs: () => 1,
    latencyMs: () => 600,
    server: ({ atMs }) => {
      seen = [...seen.filter((at) => atMs - at < 1_000), atMs];
      return { rateLimits: { requests: { limit: 3, remaining: 3 - seen.length, resetMs: 1_000 } } };
    },
  });
  await world.run(100_000);
  gate.close();
  await settled();
  assert.ok(report.arrivals.length >= 291, String(report.arrivals.length));
});

test.run();
