/** The account of a statement, folded from its records. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Account } from '../../src/journal/account.ts';
import type { AttemptEnd, AttemptStart } from '../../src/journal/records.ts';

function start(attempt: string, more: Partial<AttemptStart> = {}): AttemptStart {
  const fixed = { t: 'attempt.start', cell: 'c', callKey: 'k', provider: 'p', model: 'm' } as const;
  return { ...fixed, attempt, n: 1, lane: 1, ...more };
}

function end(attempt: string, outcome: AttemptEnd['outcome']): AttemptEnd {
  const fixed = { t: 'attempt.end', tokensIn: 1, tokensOut: 1, costMicroUsd: 0 } as const;
  return { ...fixed, attempt, outcome, costStatus: 'settled', durationMs: 1 };
}

test('a call that was not sent is taken out of every figure that it was counted in', () => {
  const account = new Account();
  account.observe(start('a', { again: 2 }));
  account.observe(end('a', 'failed'));
  account.observe(start('b', { n: 2, again: 3 }));
  account.observe(end('b', 'not_sent'));
  const names = { session: 's', caller: 'c' };
  const { calls, callsMs } = account.summary(names, 1, { complete: false, reason: 'cancelled' });
  assert.equal(calls, { sent: 1, retried: 0, cacheHits: 0, possiblyPaidTwice: 2 });
  assert.is(callsMs, 1);
  assert.is(account.callsMade, 1);
});

test.run();
