/** Statements take turns. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom } from '../../src/sim/random.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { start, World } from './gate-support.ts';

test('a small statement beside a large one ends in less than three times its time alone', async () => {
  const kinds = [
    { name: 'calls in flight', limits: { inFlight: 5 } },
    { name: '3 a second', limits: { rpm: 180, windowMs: 1_000 } },
    // Three calls of the small statement, and what fits of the large one's, which are of any size.
    { name: '900 tokens a second', limits: { inputTpm: 54_000, windowMs: 1_000 } },
  ];
  const count = cases(10, 60);
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

test.run();
