/** The lane of a call: which of the statement's n calls in flight it is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pick } from '../fault/support.ts';
import { reportCases } from '../support/cases.ts';
import { type Asked, queryOf, withModel } from './engine-support.ts';

const ROWS = 60;

test('a call has the smallest lane that is free, retries and failures among them, and no lane is above PARALLEL', async () => {
  let calls = 0;
  await withModel({}, async (engine) => {
    /** Lanes in use, by attempt. */
    const open = new Map<string, number>();
    let highest = 0;
    const wrong: string[] = [];
    engine.events.on('attempt.start', ({ attempt, lane }) => {
      const taken = new Set(open.values());
      let smallest = 1;
      while (taken.has(smallest)) smallest += 1;
      if (lane !== smallest) wrong.push(`lane ${lane} of ${attempt}, and ${smallest} was free`);
      open.set(attempt, lane);
      highest = Math.max(highest, lane);
      calls += 1;
    });
    engine.events.on('attempt.end', ({ attempt }) => open.delete(attempt));
    for (const parallel of [1, 3, 16]) {
      highest = 0;
      const failing = new Set(pick(8, ROWS));
      const rows: Asked[] = Array.from({ length: ROWS }, (_, number) => ({
        word: `lane ${parallel}`,
        number,
        sim: failing.has(number) ? { status: 503, attempts: 1 } : { delayMs: (number * 37) % 60 },
      }));
      const { summary } = await engine.query(
        `RVBBIT MAP PARALLEL ${parallel} 'retry_quick.yaml' AS v USING (${queryOf(rows)})`,
      );
      assert.is(summary.rows.ok, ROWS);
      assert.is(summary.calls.sent, ROWS + failing.size);
      assert.is(highest, parallel);
      assert.is(open.size, 0);
      assert.equal(wrong, []);
    }
  });
  reportCases(calls, 'calls');
});

test.run();
