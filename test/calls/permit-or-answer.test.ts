/** Calls that wait at the limiter, while equal ones come and go. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Permit } from '../../src/calls/gate/gate-request.ts';
import { permitOrAnswer } from '../../src/calls/permit-or-answer.ts';
import { SingleFlight } from '../../src/calls/single-flight.ts';

test('a call that waits hears of the first equal one that is answered, whatever failed before it', async () => {
  const flights = new SingleFlight();
  let grant: (permit: Permit) => void = () => {};
  const waiting = new Promise<Permit>((resolve) => {
    grant = resolve;
  });
  const first = permitOrAnswer(waiting, { flights, callKey: 'k', keeps: true });
  for (const text of [undefined, undefined, 'the answer']) {
    flights.lead('k');
    assert.ok(flights.isKept('k'), 'the answer is to be kept for it');
    flights.land('k', text);
  }
  assert.is(await first, 'the answer');
  let cancels = 0;
  grant({ waitedMs: 0, settle: () => assert.unreachable(), cancel: () => void cancels++ });
  await waiting;
  await Promise.resolve();
  assert.is(cancels, 1, 'a permit that comes later is given back');
  assert.not(flights.isKept('k'));
});

test.run();
