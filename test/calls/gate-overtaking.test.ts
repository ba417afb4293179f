/** Overtaking: room that is too small for a call that waits is used by others, and it is no later for that. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Gate } from '../../src/calls/gate/gate.ts';
import type { Permit } from '../../src/calls/gate/gate-request.ts';
import type { CallLimits, ProviderLimits } from '../../src/model/call-limits.ts';
import { createRandom } from '../../src/sim/random.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { settled, start, World, worstWindow } from './gate-support.ts';

const SIGNAL = new AbortController().signal;
/** A window's grain, and timers that are late. */
const SLACK_MS = 1_000 / 2_000 + 4;

interface Call {
  readonly statementId: number;
  readonly model?: string;
  readonly inputTokens: number;
  readonly outputTokens?: number;
  readonly latencyMs: number;
  readonly statementLimits?: CallLimits;
}

/** Asks for a call, answers it, and says when it went out. */
function ask(world: World, gate: Gate, call: Call): { outMs: number | undefined } {
  const seen: { outMs: number | undefined } = { outMs: undefined };
  const { latencyMs, model = 'm', outputTokens = 0, ...rest } = call;
  const request = { provider: 'p', model, outputTokens, ...rest, signal: SIGNAL };
  const go = (permit: Permit): void => {
    seen.outMs = world.nowMs;
    world.later(latencyMs, () => permit.settle({ status: 200 }));
  };
  const permit = gate.acquire(request);
  if (permit instanceof Promise) permit.then(go).catch(() => {});
  else go(permit);
  return seen;
}

/** A random crowd, then a large call, then others behind it, or none of those. */
async function largeCallOut(caseSeed: number, hasFollowers: boolean): Promise<[number, number]> {
  const world = new World(caseSeed);
  const draw = createRandom(caseSeed);
  const below = (most: number): number => Math.floor(draw() * most);
  const windowMs = 1_000;
  const perMinute = (amount: number): number => (amount * 60_000) / windowMs;
  const limits: ProviderLimits = {
    inputTpm: perMinute(1_000),
    windowMs,
    ...(draw() < 0.3 ? { outputTpm: perMinute(500 + below(500)) } : {}),
    ...(draw() < 0.3 ? { rpm: perMinute(5 + below(20)) } : {}),
    ...(draw() < 0.3 ? { inFlight: 4 + below(10) } : {}),
    ...(draw() < 0.2 ? { ramp: 1 + below(20) } : {}),
    ...(draw() < 0.3 ? { models: { m: { inputTpm: perMinute(600), windowMs } } } : {}),
  };
  const own = draw() < 0.3 ? { inputTpm: perMinute(550), windowMs } : undefined;
  const call = (most: number): Call => {
    return {
      // Who waits at limits of its own keeps no place before other statements.
      statementId: own === undefined ? below(4) : 0,
      inputTokens: below(most),
      outputTokens: below(60),
      latencyMs: draw() < 0.5 ? below(30) : below(2_000),
      ...(own === undefined ? {} : { statementLimits: own }),
    };
  };
  const gate = world.gate(limits);
  for (let at = 0; at < 30; at++) {
    ask(world, gate, call(300));
    await world.run(world.nowMs + below(100));
  }
  // Nobody else waits when it asks, so it is the first.
  await world.run(Infinity, () => gate.waiting === 0);
  const large = ask(world, gate, {
    statementId: 0,
    inputTokens: 300 + below(250),
    outputTokens: below(300),
    latencyMs: 50,
    ...(own === undefined ? {} : { statementLimits: own }),
  });
  let overtaken = 0;
  for (let at = 0; at < 40; at++) {
    const follower = call(250);
    const waitMs = below(60);
    if (hasFollowers) {
      const wasWaiting = large.outMs === undefined;
      const seen = ask(world, gate, follower);
      await settled();
      if (wasWaiting && large.outMs === undefined && seen.outMs !== undefined) overtaken += 1;
    }
    await world.run(world.nowMs + waitMs);
  }
  await world.run(Infinity, () => large.outMs !== undefined);
  gate.close();
  return [large.outMs!, overtaken];
}

test('a call that is the first to wait goes out as early with others behind it as without', async () => {
  const count = cases(300, 5_000);
  let overtaken = 0;
  for (let at = 0; at < count; at++) {
    const [alone] = await largeCallOut(seed + at, false);
    const [followed, others] = await largeCallOut(seed + at, true);
    overtaken += others;
    const said = `seed ${seed + at}: at ${followed} ms instead of ${alone}`;
    assert.ok(followed <= alone + SLACK_MS, said);
  }
  assert.ok(overtaken > count / 4, `only ${overtaken} calls overtook`);
  reportCases(count, `calls that wait, ${overtaken} calls went past them at once`);
});

test('a call as large as the window gets out past seven statements of small ones', async () => {
  const world = new World(seed);
  const gate = world.gate({ inputTpm: 60_000, windowMs: 1_000 });
  const report = start(world, {
    gate,
    statements: [1, 2, 3, 4, 5, 6, 7].map((id) => ({ id, rows: 1_000_000, lanes: 30 })),
    delayMs: () => 0,
    latencyMs: () => 50 + world.random() * 100,
    tokens: () => ({ inputTokens: 1 + Math.floor(world.random() * 40), outputTokens: 0 }),
  });
  await world.run(10_000);
  for (let times = 0; times < 5; times++) {
    const sinceMs = world.nowMs;
    const large = ask(world, gate, { statementId: 8, inputTokens: 1_000, latencyMs: 100 });
    await world.run(Infinity, () => large.outMs !== undefined);
    // Its turn comes after seven calls; the last of them leaves the window after that and a margin.
    assert.ok(large.outMs! - sinceMs < 1_500, `after ${large.outMs! - sinceMs} ms`);
    await world.run(world.nowMs + 3_000);
  }
  gate.close();
  assert.ok(worstWindow(report.arrivals, 1_000, ({ inputTokens }) => inputTokens) <= 1_000);
});

test('a small call goes past a large one of its own statement and model at once where it fits beside it', async () => {
  const world = new World(seed);
  const gate = world.gate({ inputTpm: 1_000 });
  ask(world, gate, { statementId: 1, inputTokens: 500, latencyMs: 10 });
  await world.run(5_000);
  const large = ask(world, gate, { statementId: 1, inputTokens: 600, latencyMs: 10 });
  const tooLarge = ask(world, gate, { statementId: 1, inputTokens: 401, latencyMs: 10 });
  const small = ask(world, gate, { statementId: 1, inputTokens: 250, latencyMs: 10 });
  const next = ask(world, gate, { statementId: 2, inputTokens: 151, latencyMs: 10 });
  const last = ask(world, gate, { statementId: 2, inputTokens: 150, latencyMs: 10 });
  await settled();
  assert.is(large.outMs, undefined);
  assert.is(tooLarge.outMs, undefined);
  assert.is(small.outMs, 5_000);
  assert.is(next.outMs, undefined);
  assert.is(last.outMs, 5_000);
  await world.run();
  assert.ok(large.outMs! < 60_050, `${large.outMs} ms`);
});

test("room in a statement's own window is used likewise, and others do not wait for it", async () => {
  const world = new World(seed);
  const gate = world.gate({});
  const statementLimits = { inputTpm: 1_000 };
  const own = { statementId: 1, latencyMs: 10, statementLimits };
  ask(world, gate, { ...own, inputTokens: 700 });
  await world.run(1_000);
  const large = ask(world, gate, { ...own, inputTokens: 800 });
  const other = ask(world, gate, { statementId: 2, inputTokens: 5_000, latencyMs: 10 });
  const small = ask(world, gate, { ...own, inputTokens: 200 });
  const over = ask(world, gate, { ...own, inputTokens: 100, model: 'n' });
  await settled();
  assert.equal([large.outMs, other.outMs, small.outMs], [undefined, 1_000, 1_000]);
  assert.is(over.outMs, undefined, 'it would be in the way of the large one, at whatever model');
  await world.run();
  assert.ok(large.outMs! < 60_050, `${large.outMs} ms`);
});

test('a call in flight is not room: the last place is kept for who waits', async () => {
  const world = new World(seed);
  const gate = world.gate({ inputTpm: 1_000, inFlight: 2 });
  ask(world, gate, { statementId: 1, inputTokens: 700, latencyMs: 10 });
  await world.run(1_000);
  ask(world, gate, { statementId: 1, inputTokens: 100, latencyMs: 1e6 });
  const large = ask(world, gate, { statementId: 1, inputTokens: 600, latencyMs: 10 });
  const small = ask(world, gate, { statementId: 2, inputTokens: 50, latencyMs: 1e6 });
  await world.run(Infinity, () => large.outMs !== undefined);
  assert.is(small.outMs, undefined);
  assert.ok(large.outMs! < 60_050, `${large.outMs} ms`);
  gate.close();
});

test.run();
