/** Statements take turns, and the calls of each go out in order. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Gate } from '../../src/calls/gate/gate.ts';
import type { Permit } from '../../src/calls/gate/gate-request.ts';
import type { CallLimits, ProviderLimits } from '../../src/model/call-limits.ts';
import { createRandom } from '../../src/sim/random.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { settled, start, World, worstWindow } from './gate-support.ts';

const SIGNAL = new AbortController().signal;

interface Call {
  readonly statementId: number;
  readonly model?: string;
  readonly inputTokens: number;
  readonly outputTokens?: number;
  readonly latencyMs: number;
  readonly statementLimits?: CallLimits;
}

/** Asks for a call, answers it, and says when it went out. */
function ask(
  world: World,
  gate: Gate,
  call: Call,
  onOut?: () => void,
): { outMs: number | undefined } {
  const seen: { outMs: number | undefined } = { outMs: undefined };
  const { latencyMs, model = 'm', outputTokens = 0, ...rest } = call;
  const request = { provider: 'p', model, outputTokens, ...rest, signal: SIGNAL };
  const go = (permit: Permit): void => {
    seen.outMs = world.nowMs;
    onOut?.();
    world.later(latencyMs, () => permit.settle({ status: 200 }));
  };
  const permit = gate.acquire(request);
  if (permit instanceof Promise) permit.then(go).catch(() => {});
  else go(permit);
  return seen;
}

test('a small statement beside a large one ends in less than three times its time alone', async () => {
  const kinds = [
    { name: 'calls in flight', limits: { inFlight: 5 } },
    { name: '3 a second', limits: { rpm: 180, windowMs: 1_000 } },
    // Three calls of the small statement, and what fits of the large one's, which are of any size.
    { name: '900 tokens a second', limits: { inputTpm: 54_000, windowMs: 1_000 } },
  ];
  const count = cases(4, 60);
  let worst = 0;
  for (let at = 0; at < count; at++) {
    for (const { name, limits } of kinds) {
      const timeOf = async (large: number): Promise<number> => {
        const world = new World(seed + at);
        const gate = world.gate(limits);
        const rest = {
          gate,
          delayMs: () => world.random() * 5,
          latencyMs: () => 200 + world.random() * 400,
        };
        const anySize = () => ({
          inputTokens: 1 + Math.floor(world.random() * 450),
          outputTokens: 0,
        });
        if (large > 0) {
          const statements = [{ id: 1, rows: large, lanes: 500 }];
          start(world, { ...rest, tokens: anySize, statements });
        }
        await world.run(20_000);
        const startedMs = world.nowMs;
        // The same calls both times.
        const draw = createRandom(seed + at);
        const report = start(world, {
          ...rest,
          latencyMs: () => 200 + draw() * 400,
          tokens: () => ({ inputTokens: 300, outputTokens: 0 }),
          statements: [{ id: 2, rows: 10, lanes: 10 }],
        });
        await world.run(Infinity, () => report.endedMs.has(2));
        gate.close();
        return report.endedMs.get(2)! - startedMs;
      };
      const ratio = (await timeOf(10_000)) / (await timeOf(0));
      worst = Math.max(worst, ratio);
      assert.ok(ratio < 3, `${name}, seed ${seed + at}: ${ratio} times`);
    }
  }
  reportCases(
    kinds.length * count,
    `small statements beside a large one, at most ${worst.toFixed(2)} times`,
  );
});

test('statements that wait get alike, whatever they have waiting', async () => {
  const world = new World(seed);
  const gate = world.gate({ rpm: 6_000, windowMs: 1_000 });
  const report = start(world, {
    gate,
    statements: [1, 2, 3, 4].map((id) => ({ id, rows: 10_000, lanes: 50 * id ** 2 })),
    delayMs: () => 0,
    latencyMs: () => 50 + world.random() * 100,
  });
  await world.run(30_000);
  gate.close();
  const counts = [1, 2, 3, 4].map(
    (id) => report.arrivals.filter(({ statementId }) => statementId === id).length,
  );
  // The first window goes to those that ask first.
  const spread = Math.max(...counts) - Math.min(...counts);
  assert.ok(spread <= 110, counts.join(', '));
});

test('calls of a statement go out in the order in which they asked, whatever their sizes', async () => {
  const count = cases(40, 2_000);
  for (let at = 0; at < count; at++) {
    const world = new World(seed + at);
    const draw = createRandom(seed + at);
    const below = (most: number): number => Math.floor(draw() * most);
    const limits: ProviderLimits = {
      windowMs: 1_000,
      inputTpm: 60_000,
      ...(draw() < 0.3 ? { outputTpm: 30_000 } : {}),
      ...(draw() < 0.3 ? { rpm: 60 * (5 + below(20)) } : {}),
      ...(draw() < 0.3 ? { inFlight: 1 + below(10) } : {}),
      ...(draw() < 0.2 ? { ramp: 1 + below(20) } : {}),
    };
    const own = draw() < 0.3 ? { inputTpm: 55_000, windowMs: 1_000 } : undefined;
    const gate = world.gate(limits);
    const outs: [number[], number[]] = [[], []];
    for (let n = 0; n < 60; n++) {
      const statementId = below(2);
      const call = {
        statementId,
        inputTokens: below(draw() < 0.1 ? 900 : 150),
        outputTokens: below(60),
        latencyMs: below(500),
        ...(own === undefined ? {} : { statementLimits: own }),
      };
      ask(world, gate, call, () => outs[statementId]!.push(n));
      await world.run(world.nowMs + below(40));
    }
    await world.run();
    assert.is(outs[0].length + outs[1].length, 60, `seed ${seed + at}`);
    for (const order of outs) {
      assert.equal(
        order,
        order.toSorted((one, other) => one - other),
        `seed ${seed + at}`,
      );
    }
    gate.close();
  }
  reportCases(count, 'crowds of mixed sizes, in order');
});

test('a small call waits behind a large one of another statement, and none is later than its window', async () => {
  const world = new World(seed);
  const gate = world.gate({ inputTpm: 1_000 });
  ask(world, gate, { statementId: 1, inputTokens: 500, latencyMs: 10 });
  await world.run(5_000);
  const large = ask(world, gate, { statementId: 1, inputTokens: 600, latencyMs: 10 });
  const small = ask(world, gate, { statementId: 2, inputTokens: 150, latencyMs: 10 });
  await settled();
  assert.equal([large.outMs, small.outMs], [undefined, undefined]);
  await world.run();
  assert.ok(large.outMs! < 60_050, `${large.outMs} ms`);
  assert.ok(small.outMs! < 60_050, `${small.outMs} ms`);
});

test("who waits for a statement's own limits keeps its own calls waiting, and no other statement's", async () => {
  const world = new World(seed);
  const gate = world.gate({});
  const own = { statementId: 1, latencyMs: 10, statementLimits: { inputTpm: 1_000 } };
  ask(world, gate, { ...own, inputTokens: 700 });
  await world.run(1_000);
  const large = ask(world, gate, { ...own, inputTokens: 800 });
  const other = ask(world, gate, { statementId: 2, inputTokens: 5_000, latencyMs: 10 });
  const small = ask(world, gate, { ...own, inputTokens: 200, model: 'n' });
  await settled();
  assert.equal([large.outMs, other.outMs, small.outMs], [undefined, 1_000, undefined]);
  await world.run();
  assert.ok(large.outMs! < 60_050, `${large.outMs} ms`);
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

test.run();
