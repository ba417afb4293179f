/** Rates: what the server may have promised holds in any rolling window, and nearly all of it is used. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProviderLimits } from '../../src/model/call-limits.ts';
import { createRandom, normal, type Random } from '../../src/sim/random.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { type CallTokens, type Load, start, World, worstWindow } from './gate-support.ts';

const TEN_MINUTES = 600_000;

/** Eight statements of mixed sizes that together ask for more than the limits allow. */
function eight(world: World, least: number): Load['statements'] {
  const sizes = [10, 100, 1_000, 10_000];
  return Array.from({ length: 8 }, (_, id) => ({
    id,
    rows: id < 2 ? least : sizes[Math.floor(world.random() * sizes.length)]!,
    lanes: id < 2 ? 40 : 1 + Math.floor(world.random() * 64),
  }));
}

interface Kind {
  readonly name: string;
  readonly limits: ProviderLimits;
  readonly windowMs: number;
  readonly meanLatencyMs: number;
  /** The longest way to the server, once connections are open. */
  readonly delayMs: number;
  readonly tokens?: (draw: Random) => CallTokens;
  /** The part of the rate that is used at least. */
  readonly least: number;
}

/** Outputs are capped, mostly at more than twice of what they come to. */
function outputs(draw: Random): Pick<CallTokens, 'outputTokens' | 'reserved'> {
  return { outputTokens: 1 + Math.floor(draw() * 100), reserved: 120 };
}

function uniform(draw: Random): CallTokens {
  return { inputTokens: 1 + Math.floor(draw() * 500), ...outputs(draw) };
}

/** Half of the tokens are in a tenth of the calls. */
function heavyTail(draw: Random): CallTokens {
  const inputTokens = Math.min(2_500, Math.ceil(60 * Math.exp(1.5 * normal(draw))));
  return { inputTokens, ...outputs(draw) };
}

/** One call in 33 is as large as 30 others, and takes up to 4 % of a window. */
function fewHuge(draw: Random): CallTokens {
  const inputTokens =
    draw() < 0.03 ? 1_000 + Math.floor(draw() * 1_500) : 1 + Math.floor(draw() * 100);
  return { inputTokens, ...outputs(draw) };
}

const A_MINUTE = { windowMs: 60_000, meanLatencyMs: 700, delayMs: 1_200, least: 0.97 };

const KINDS: readonly Kind[] = [
  {
    name: '3 a second',
    limits: { rpm: 180, windowMs: 1_000 },
    windowMs: 1_000,
    meanLatencyMs: 500,
    delayMs: 20,
    least: 0.97,
  },
  {
    name: '20 in 5 s, calls longer than the window',
    limits: { rpm: 240, windowMs: 5_000 },
    windowMs: 5_000,
    meanLatencyMs: 8_000,
    delayMs: 100,
    least: 0.97,
  },
  {
    name: '600 a minute',
    limits: { rpm: 600 },
    windowMs: 60_000,
    meanLatencyMs: 800,
    delayMs: 1_200,
    least: 0.97,
  },
  {
    name: 'input tokens of even sizes',
    limits: { inputTpm: 60_000, outputTpm: 30_000 },
    tokens: uniform,
    ...A_MINUTE,
  },
  {
    name: 'input tokens with a heavy tail',
    limits: { inputTpm: 60_000, outputTpm: 60_000 },
    tokens: heavyTail,
    ...A_MINUTE,
  },
  {
    name: 'input tokens with few huge calls',
    limits: { inputTpm: 60_000, outputTpm: 60_000 },
    tokens: fewHuge,
    ...A_MINUTE,
  },
  {
    name: 'output tokens, capped at twice their number',
    limits: { inputTpm: 240_000, outputTpm: 30_000 },
    tokens: uniform,
    ...A_MINUTE,
  },
  {
    // A burst each 10 s has to open its connections: half of the calls count a second longer.
    name: 'tokens in 10 s',
    limits: { inputTpm: 60_000, outputTpm: 30_000, windowMs: 10_000 },
    windowMs: 10_000,
    meanLatencyMs: 700,
    delayMs: 200,
    tokens: uniform,
    least: 0.94,
  },
];

async function tenMinutes(kind: Kind, caseSeed: number): Promise<number> {
  const world = new World(caseSeed);
  const draw = createRandom(caseSeed + 1);
  const gate = world.gate(kind.limits);
  const { tokens } = kind;
  const report = start(world, {
    gate,
    statements: eight(world, 20_000),
    delayMs: () => draw() * kind.delayMs,
    latencyMs: () => kind.meanLatencyMs * Math.exp(0.8 * normal(draw) - 0.32),
    ...(tokens === undefined ? {} : { tokens: () => tokens(draw) }),
  });
  await world.run(TEN_MINUTES);
  gate.close();
  const { arrivals } = report;
  const said = `${kind.name}, seed ${caseSeed}`;
  const { rpm, inputTpm, outputTpm } = kind.limits;
  const used = [
    { perMinute: rpm, amountOf: () => 1 },
    { perMinute: inputTpm, amountOf: (a: (typeof arrivals)[0]) => a.inputTokens },
    { perMinute: outputTpm, amountOf: (a: (typeof arrivals)[0]) => a.outputTokens },
  ].map(({ perMinute, amountOf }) => {
    if (perMinute === undefined) return 0;
    const limit = (perMinute * kind.windowMs) / 60_000;
    const worst = worstWindow(arrivals, kind.windowMs, amountOf);
    assert.ok(worst <= limit, `${said}: ${worst} in a window of ${limit}`);
    return arrivals.reduce((sum, arrival) => sum + amountOf(arrival), 0) / (perMinute * 10);
  });
  const best = Math.max(...used);
  assert.ok(best >= kind.least, `${said}: ${best} of the rate`);
  return best;
}

for (const kind of KINDS) {
  test(`${kind.name}: no window is overfull in ten minutes with eight statements, and the rate is used`, async () => {
    const count = cases(2, 100);
    let least = Infinity;
    for (let at = 0; at < count; at++) {
      least = Math.min(least, await tenMinutes(kind, seed + at));
    }
    reportCases(
      count,
      `simulated 10 minutes at ${kind.name}, at least ${least.toFixed(4)} of the rate`,
    );
  });
}

test('first calls on their way for nearly a second, to open connections, do not crowd the next', async () => {
  const world = new World(seed);
  const gate = world.gate({ rpm: 180, windowMs: 1_000 });
  let calls = 0;
  const report = start(world, {
    gate,
    statements: [{ id: 1, rows: 200, lanes: 8 }],
    // Eight lanes open at most eight connections.
    delayMs: () => (calls++ < 3 ? 990 : 0),
    latencyMs: () => 2_000,
  });
  await world.run();
  assert.is(report.arrivals.length, 200);
  assert.ok(worstWindow(report.arrivals, 1_000) <= 3);
});

test("a model's limits and its provider's both hold, and a statement's can only tighten", async () => {
  const world = new World(seed);
  const gate = world.gate({
    rpm: 600,
    windowMs: 1_000,
    models: { m: { rpm: 300, windowMs: 1_000 } },
  });
  const load = (limits: object) => ({
    gate,
    delayMs: () => 0,
    latencyMs: () => 10,
    statements: [{ id: Math.floor(world.random() * 1e9), rows: 100, lanes: 20, limits }],
  });
  const own = start(world, load({ rpm: 120, windowMs: 1_000, inFlight: 1 }));
  await world.run();
  assert.is(worstWindow(own.arrivals, 1_000), 2);
  assert.is(own.maxInFlight, 1);
  const wide = start(world, load({ rpm: 60_000, inFlight: 4_000 }));
  await world.run();
  assert.is(worstWindow(wide.arrivals, 1_000), 5);
});

test.run();
