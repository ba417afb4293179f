import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases, reportCases } from '../support/cases.ts';
import { assertUsable, pick, RECOVERY_MS, random, runFault, withEngine } from './support.ts';

for (const [what, cascade] of [
  ['never returns', 'loop-when-hit'],
  ['never gives way after an await', 'loop-after-await-when-hit'],
  ['awaits in a circle', 'loop-in-microtasks-when-hit'],
  ['awaits what never comes', 'never-settles-when-hit'],
] as const) {
  test(`a row that ${what} fails with RVB_TIMEOUT by its cell's own limit, and alone`, async () => {
    const runs = cases(1, 7);
    await withEngine({}, async (engine) => {
      const stalled: number[] = [];
      engine.events.on('run.stalled', ({ run }) => stalled.push(run));
      for (let run = 0; run < runs; run++) {
        const hits = pick(cases(1, 3), 200);
        stalled.length = 0;
        const expected = new Map(hits.map((hit) => [hit, 'RVB_TIMEOUT']));
        const parallel = 1 + random(8);
        const { durationMs } = await runFault(engine, {
          cascade,
          rows: 200,
          hits,
          parallel,
          expected,
        });
        if (cascade === 'loop-when-hit') {
          const named = [...stalled].sort((a, b) => a - b);
          assert.equal(
            named,
            [...hits].sort((a, b) => a - b),
            'the stalled runs are named',
          );
        }
        // Seen from outside the event loop's standstill is sure after a second, and found at most three times a row.
        assert.ok(durationMs < hits.length * 3 * RECOVERY_MS + 4_000, `${durationMs} ms`);
      }
      await assertUsable(engine);
    });
    reportCases(runs * cases(1, 3), `strikes of ${cascade}`);
  });
}

test.run();
