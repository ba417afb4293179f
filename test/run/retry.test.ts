/** The waits of the retry loop. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RETRY_AFTER_MAX_MS } from '../../src/limits.ts';
import { retryAfterMs } from '../../src/model/retry-after.ts';
import { RETRY_BASE_MS, RETRY_MAX_WAIT_MS, retryWaitMs } from '../../src/run/retry.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const least = () => 0;
const most = () => 1;

test('waits double from the base to the bound, and are lengthened by a quarter at most', () => {
  const waits = [1, 2, 3, 4].map((failures) => retryWaitMs({}, failures, undefined, least));
  assert.equal(
    waits,
    [1, 2, 4, 8].map((factor) => factor * RETRY_BASE_MS),
  );
  assert.is(retryWaitMs({}, 30, undefined, least), RETRY_MAX_WAIT_MS);
  assert.is(retryWaitMs({}, 1, undefined, most), 1.25 * RETRY_BASE_MS);
});

test("a cell's retry block says how waits grow", () => {
  const waitsOf = (backoff: 'none' | 'linear' | 'exponential') =>
    [1, 2, 3].map((failures) => retryWaitMs({ backoff, baseMs: 10 }, failures, undefined, least));
  assert.equal(waitsOf('none'), [10, 10, 10]);
  assert.equal(waitsOf('linear'), [10, 20, 30]);
  assert.equal(waitsOf('exponential'), [10, 20, 40]);
});

test('a provider that says when is not asked sooner, whatever it says', () => {
  const headers = ['0', '1', '2.5', '-1', '1000000000', 'soon', '', undefined];
  const dates = [-60, 0, 1, 30, 7200].map((s) =>
    new Date(1_700_000_000_000 + s * 1000).toUTCString(),
  );
  let combinations = 0;
  for (const header of [...headers, ...dates]) {
    for (const failures of [1, 2, 3]) {
      const asked = retryAfterMs(header, 1_700_000_000_000);
      const waitMs = retryWaitMs({}, failures, asked, Math.random);
      assert.ok(waitMs >= (asked ?? 0), `${header}: ${waitMs}`);
      assert.ok(waitMs >= RETRY_BASE_MS && waitMs <= 1.25 * RETRY_AFTER_MAX_MS, `${header}`);
      combinations += 1;
    }
  }
  reportCases(combinations, 'waits after a Retry-After');
});

test('no setting, failure count or header makes a wait negative, endless or not a number', () => {
  const numRuns = cases(500, 200_000);
  fc.assert(
    fc.property(
      fc.record(
        {
          backoff: fc.constantFrom('none' as const, 'linear' as const, 'exponential' as const),
          baseMs: fc.integer({ min: 0, max: 1e9 }),
        },
        { requiredKeys: [] },
      ),
      fc.integer({ min: 1, max: 100 }),
      fc.option(fc.integer({ min: -1e9, max: 1e12 }), { nil: undefined }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (settings, failures, asked, random) => {
        const waitMs = retryWaitMs(settings, failures, asked, () => random);
        assert.ok(waitMs >= 0 && waitMs <= 1.25 * RETRY_AFTER_MAX_MS, `${waitMs}`);
      },
    ),
    { seed, numRuns },
  );
  reportCases(numRuns, 'waits');
});

test.run();
