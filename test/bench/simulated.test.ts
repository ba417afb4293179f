/** The strategies on a virtual clock: the figures that are committed, and what bounds them. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { simulate } from '../../bench/simulated/simulate.ts';
import { simulatedTable } from '../../bench/simulated/table.ts';
import type { Strategy } from '../../src/result.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const BASELINE = new URL('../../../bench/simulated/baseline.txt', import.meta.url);

test('they are what is committed: after a change that is meant, npm run bench -- --simulated > bench/simulated/baseline.txt', async () => {
  assert.is(await simulatedTable(), readFileSync(BASELINE, 'utf8'));
});

/** When n lanes end of which each takes the next row as soon as it is free: nobody who does not know the delays does better. */
function greedyMs(delays: readonly number[], lanes: number): number {
  const freeAt = Array.from({ length: lanes }, () => 0);
  for (const delay of delays) {
    const first = freeAt.indexOf(Math.min(...freeAt));
    freeAt[first]! += delay;
  }
  return Math.max(...freeAt);
}

test('batch is as fast as lanes that each take the next row when they are free', async () => {
  const runs = cases(60, 2_000);
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 200, max: 5_000 }), { minLength: 1, maxLength: 200 }),
    fc.integer({ min: 1, max: 60 }),
    async (delays, parallel) => {
      const { ms, atOnce } = await simulate({ strategy: 'batch', parallel, delays, asks: true });
      assert.is(ms, greedyMs(delays, parallel));
      assert.is(atOnce, Math.min(parallel, delays.length));
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
  reportCases(runs, 'statements on a virtual clock');
});

test('a lane that sleeps before each chunk is seen', async () => {
  const delays = Array.from({ length: 100 }, () => 500);
  const run = { strategy: 'batch', parallel: 10, delays, asks: true } as const;
  const { ms } = await simulate({ ...run, laneSleepMs: 20 });
  assert.is((await simulate(run)).ms, greedyMs(delays, 10));
  assert.is(ms, greedyMs(delays, 10) + 10 * 20, 'ten chunks a lane');
});

test('other strategies are never above n rows at once, and take no less than the bound', async () => {
  const runs = cases(40, 2_000);
  const strategies: readonly Strategy[] = ['static', 'wave', 'union_all', 'sequential'];
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 120 }),
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(...strategies),
    async (delays, parallel, strategy) => {
      const { ms, atOnce } = await simulate({ strategy, parallel, delays, asks: true });
      const sum = delays.reduce((all, one) => all + one, 0);
      assert.ok(atOnce <= parallel);
      assert.ok(ms >= Math.max(sum / parallel, ...delays));
      if (strategy === 'sequential') assert.is(ms, sum);
      if (strategy === 'wave') {
        let waves = 0;
        for (let from = 0; from < delays.length; from += parallel) {
          waves += Math.max(...delays.slice(from, from + parallel));
        }
        assert.is(ms, waves);
      }
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
  reportCases(runs, 'statements on a virtual clock');
});

test.run();
