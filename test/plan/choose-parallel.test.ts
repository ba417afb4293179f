/** How many runs at a time `strategy = 'auto'` takes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseParallel, type ParallelGrounds } from '../../src/plan/choose-parallel.ts';

const chosen = (grounds: Partial<ParallelGrounds>) =>
  chooseParallel({
    ...{ asks: true, threads: 2, limits: [], callMs: 2_000, isAssumed: false },
    ...grounds,
  });

test('cells that compute get a run a thread', () => {
  const { parallel, why } = chosen({ asks: false, threads: 4, limits: [{ inFlight: 1 }] });
  assert.is(parallel, 4);
  assert.match(why, '4 threads');
});

test('a provider that tells no limits gets ten calls at a time', () => {
  assert.is(chosen({}).parallel, 10);
});

test('the tightest of all limits decides', () => {
  const limits = [{ inFlight: 32 }, { inFlight: 8 }, {}];
  assert.is(chosen({ limits }).parallel, 8);
  assert.is(chosen({ limits: [{ rpm: 600 }, { inFlight: 32 }] }).parallel, 32);
  assert.is(chosen({ limits: [{ rpm: 600 }, { rpm: 300 }] }).parallel, 30);
});

test('a rate is kept busy by as many lanes as its calls are long, three times over', () => {
  const { parallel, why, runnerUp } = chosen({ limits: [{ rpm: 600 }] });
  assert.is(parallel, 60);
  assert.is(runnerUp, 20);
  assert.is(why, '600 calls a minute of 2000 ms each keep 20 busy');
  assert.is(chosen({ limits: [{ rpm: 60 }], callMs: 100 }).parallel, 10);
  assert.match(chosen({ limits: [{ rpm: 600 }], isAssumed: true }).why, 'assumed');
});

test.run();
