/** Permits: what may go out at once, what waits, and that nothing is left behind. */
import { getEventListeners } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../src/calls/gate/gate.ts';
import type { GateRequest, Permit } from '../../src/calls/gate/gate-request.ts';
import { RvbbitError } from '../../src/errors.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { settled, World } from './gate-support.ts';

const SIGNAL = new AbortController().signal;

function request(more: Partial<GateRequest> = {}): GateRequest {
  return {
    provider: 'p',
    model: 'm',
    statementId: 1,
    inputTokens: 0,
    outputTokens: 0,
    signal: SIGNAL,
    ...more,
  };
}

/** A permit that is there at once. */
function taken(permit: Permit | Promise<Permit>): Permit {
  assert.not.instance(permit, Promise, 'the call has to wait');
  return permit as Permit;
}

async function codeOf(promise: Permit | Promise<Permit>): Promise<string> {
  try {
    await promise;
    return 'a permit';
  } catch (error) {
    assert.instance(error, RvbbitError);
    return (error as RvbbitError).code;
  }
}

test('without limits a permit is there at once', () => {
  const gate = new Gate({ limitsOf: () => undefined });
  const permits = Array.from({ length: 100 }, () => taken(gate.acquire(request())));
  assert.is(gate.inFlight('p'), 100);
  for (const permit of permits) permit.settle({ status: 200 });
  assert.is(gate.inFlight('p'), 0);
});

test('a worker has at most as many calls in flight as connections, whatever the others have', async () => {
  let most = 2;
  const gate = new Gate({ limitsOf: () => undefined, callsOfThread: () => most });
  const of = (threadId: number, provider = 'p') => gate.acquire(request({ threadId, provider }));
  const [first] = [taken(of(1)), taken(of(1, 'q')), taken(of(2))];
  const third = of(1) as Promise<Permit>;
  taken(of(2, 'q'));
  assert.is(gate.waiting, 1);
  first.settle({ status: 200 });
  await third;
  most = 3;
  taken(of(1, 'q')).cancel();
  assert.is(gate.waiting, 0);
});

test('calls in flight are exact, and a permit counts once however often it is given back', async () => {
  const gate = new Gate({ limitsOf: () => ({ inFlight: 2 }) });
  const [first, second] = [taken(gate.acquire(request())), taken(gate.acquire(request()))];
  const third = gate.acquire(request()) as Promise<Permit>;
  const fourth = gate.acquire(request()) as Promise<Permit>;
  first.settle({ status: 200 });
  first.settle({ status: 200 });
  first.cancel();
  await third;
  assert.is(gate.inFlight('p'), 2);
  assert.is(gate.waiting, 1);
  second.cancel();
  assert.ok((await fourth).waitedMs >= 0);
  assert.is(gate.waiting, 0);
});

test('a cancelled permit frees its place in the window, a settled one does not', () => {
  const gate = new Gate({ limitsOf: () => ({ rpm: 2, inputTpm: 100 }) });
  const first = taken(gate.acquire(request({ inputTokens: 60 })));
  first.cancel();
  const second = taken(gate.acquire(request({ inputTokens: 60 })));
  second.settle({ status: 200, usage: { inputTokens: 10, outputTokens: 0 } });
  taken(gate.acquire(request({ inputTokens: 90 }))).settle({ status: 200 });
  const last = gate.acquire(request());
  assert.instance(last, Promise);
  (last as Promise<Permit>).catch(() => {});
  gate.close();
});

test('tokens that a call did take hold the next ones back, and those that it did not let them go', async () => {
  const world = new World(seed);
  const gate = world.gate({ outputTpm: 100 });
  const one = taken(gate.acquire(request({ outputTokens: 10 })));
  one.settle({ status: 200, usage: { inputTokens: 0, outputTokens: 95 } });
  let wentAtMs: number | undefined;
  void Promise.resolve(gate.acquire(request({ outputTokens: 10 }))).then(() => {
    wentAtMs = world.nowMs;
  });
  await world.run();
  assert.ok(wentAtMs! >= 60_000 && wentAtMs! < 60_100, String(wentAtMs));
});

test('a call whose own tokens are over the limit is refused at once', async () => {
  const gate = new Gate({
    limitsOf: () => ({ inputTpm: 6_000, windowMs: 1_000, models: { big: { outputTpm: 5 } } }),
  });
  assert.is(await codeOf(gate.acquire(request({ inputTokens: 100 }))), 'a permit');
  const refused: readonly Partial<GateRequest>[] = [
    { inputTokens: 101 },
    { model: 'big', outputTokens: 6 },
    { outputTokens: 20, statementLimits: { outputTpm: 19 } },
    { statementId: 2, statementLimits: { rpm: 30, windowMs: 1_000 } },
  ];
  for (const more of refused) assert.is(await codeOf(gate.acquire(request(more))), 'RVB_LIMIT');
  try {
    await gate.acquire(request({ inputTokens: 101 }));
  } catch (error) {
    assert.match((error as Error).message, /p\/m .*101 input tokens.* 100 in its window/);
  }
});

test('what waits ends with its signal, its statement or the gate, and leaves no listener or timer', async () => {
  const world = new World(seed);
  const gate = world.gate({ rpm: 1 });
  taken(gate.acquire(request()));
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = Array.from({ length: 50 }, () => codeOf(gate.acquire(request({ signal }))));
  const closed = codeOf(gate.acquire(request({ statementId: 2 })));
  const last = codeOf(gate.acquire(request({ statementId: 3 })));
  assert.is(world.timers, 1);
  assert.is(getEventListeners(signal, 'abort').length, 1);
  controller.abort(new RvbbitError('RVB_DEADLINE', 'late', { stage: 'execute' }));
  assert.equal(new Set(await Promise.all(aborted)), new Set(['RVB_DEADLINE']));
  assert.is(getEventListeners(signal, 'abort').length, 0);
  assert.is(await codeOf(gate.acquire(request({ signal }))), 'RVB_DEADLINE');
  gate.closeStatement(2);
  assert.is(await closed, 'RVB_CANCELLED');
  assert.is(gate.waiting, 1);
  gate.close();
  assert.is(await last, 'RVB_CLOSED');
  assert.is(await codeOf(gate.acquire(request())), 'RVB_CLOSED');
  assert.is(world.timers, 0);
  assert.is(gate.waiting, 0);
});

test('a signal that is granted or aborted without a reason of ours keeps no listener', async () => {
  const gate = new Gate({ limitsOf: () => ({ inFlight: 1 }) });
  const controller = new AbortController();
  const first = taken(gate.acquire(request()));
  const second = gate.acquire(request({ signal: controller.signal }));
  const third = gate.acquire(request({ signal: controller.signal }));
  first.settle({ status: 200 });
  await second;
  assert.is(getEventListeners(controller.signal, 'abort').length, 1);
  controller.abort();
  assert.is(await codeOf(third), 'RVB_CANCELLED');
  assert.is(getEventListeners(controller.signal, 'abort').length, 0);
});

test('behind a call that leaves, the others move up', async () => {
  const world = new World(seed);
  const gate = world.gate({ inputTpm: 100 });
  taken(gate.acquire(request({ inputTokens: 50 })));
  const controller = new AbortController();
  const big = codeOf(gate.acquire(request({ inputTokens: 80, signal: controller.signal })));
  const small = gate.acquire(request({ inputTokens: 50, statementId: 2 }));
  assert.instance(small, Promise, 'a small call must not starve a big one');
  controller.abort();
  await small;
  assert.is(await big, 'RVB_CANCELLED');
});

test('providers, models and a statement with limits of its own do not hold each other back', async () => {
  const gate = new Gate({
    limitsOf: (provider) => (provider === 'p' ? { models: { m: { inFlight: 1 } } } : {}),
  });
  taken(gate.acquire(request()));
  const waits = gate.acquire(request());
  taken(gate.acquire(request({ model: 'n' })));
  taken(gate.acquire(request({ provider: 'q' })));
  const statementLimits = { inFlight: 1 };
  const own = { statementId: 2, statementLimits };
  const first = taken(gate.acquire(request({ provider: 'q', ...own })));
  const second = gate.acquire(request({ provider: 'r', ...own }));
  const third = gate.acquire(request({ provider: 'q', ...own }));
  taken(gate.acquire(request({ provider: 'q' })));
  first.settle({ status: 200 });
  await Promise.race([second, third]);
  for (const waiting of [waits, second, third]) Promise.resolve(waiting).catch(() => {});
  gate.close();
});

test('from a cold start calls in flight grow by the ramp', async () => {
  const world = new World(seed);
  const gate = world.gate({ ramp: 10 });
  const started: number[] = [];
  const calls = Array.from({ length: 40 }, async () => {
    const permit = await gate.acquire(request());
    started.push(world.nowMs);
    return permit;
  });
  await world.run();
  const permits = await Promise.all(calls);
  const after = (ms: number) => started.filter((at) => at < ms).length;
  assert.is(after(50), 1);
  assert.is(after(1_000), 10);
  assert.is(after(2_005), 21);
  for (const permit of permits) permit.settle({ status: 200 });
  // Not cold yet.
  world.nowMs += 1_000;
  const again = Array.from({ length: 40 }, () => taken(gate.acquire(request())));
  for (const permit of again) permit.settle({ status: 200 });
  world.nowMs += 10_000;
  taken(gate.acquire(request()));
  const second = gate.acquire(request());
  assert.instance(second, Promise);
  await world.run();
  await second;
});

test('in any order of asking, settling, cancelling and aborting, the limit holds and nothing is left', async () => {
  const count = cases(60, 2_000);
  for (let at = 0; at < count; at++) {
    const world = new World(seed + at);
    const draw = (below: number) => Math.floor(world.random() * below);
    const inFlight = 1 + draw(6);
    const windowMs = 1_000;
    const gate = world.gate({
      inFlight,
      ...(draw(2) === 0 ? { rpm: 60 * (1 + draw(20)), windowMs } : {}),
      ...(draw(2) === 0 ? { inputTpm: 60 * (50 + draw(200)), windowMs } : {}),
      ...(draw(3) === 0 ? { ramp: 1 + draw(5) } : {}),
      models: { a: { inFlight: 1 + draw(6) } },
    });
    const held: Permit[] = [];
    const controllers: AbortController[] = [];
    let settledCalls = 0;
    let asked = 0;
    const ask = (): void => {
      const controller = new AbortController();
      controllers.push(controller);
      asked += 1;
      const hold = (permit: Permit): void => {
        held.push(permit);
        assert.ok(held.length <= inFlight, `seed ${seed + at}: ${held.length} of ${inFlight}`);
      };
      const permit = gate.acquire(
        request({
          statementId: draw(4),
          model: draw(2) === 0 ? 'a' : 'b',
          inputTokens: draw(50),
          signal: controller.signal,
          ...(draw(4) === 0 ? { statementLimits: { inFlight: 1 } } : {}),
        }),
      );
      if (!(permit instanceof Promise)) hold(permit);
      else {
        permit.then(hold, (error: unknown) => {
          assert.instance(error, RvbbitError);
          settledCalls += 1;
        });
      }
    };
    const giveBack = (): void => {
      const [permit] = held.splice(draw(held.length), 1);
      if (permit === undefined) return;
      settledCalls += 1;
      const status = [200, 200, 200, 500, undefined][draw(5)];
      if (draw(3) === 0) permit.cancel();
      else permit.settle(status === undefined ? {} : { status });
    };
    for (let step = 0; step < 60; step++) {
      const what = draw(10);
      if (what < 5) ask();
      else if (what < 8) giveBack();
      else if (what < 9) controllers[draw(controllers.length)]?.abort();
      else await world.run(world.nowMs + draw(400));
      await settled();
    }
    // Everybody gives back what they get: all of it must come to an end.
    for (let turn = 0; settledCalls < asked; turn++) {
      assert.ok(turn < 10_000, `seed ${seed + at}: ${asked - settledCalls} calls are stuck`);
      giveBack();
      await world.run(world.nowMs + 50);
    }
    assert.is(gate.inFlight('p'), 0);
    assert.is(gate.waiting, 0);
    assert.is(world.timers, 0, `seed ${seed + at}: a timer is left`);
  }
  reportCases(count, 'orders of asking, settling, cancelling and aborting');
});

test('what a gate knows of idle models and statements is bounded', () => {
  let nowMs = 0;
  const gate = new Gate({ limitsOf: () => ({ rpm: 1e9 }), clock: () => nowMs });
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 60_000; at++) {
    nowMs += 1_000;
    const more = { model: `model ${at}`, statementId: at, statementLimits: { rpm: 1_000_000 } };
    taken(gate.acquire(request(more))).settle({ status: 200 });
  }
  global.gc?.();
  const grownMb = (process.memoryUsage().heapUsed - before) / 2 ** 20;
  assert.ok(grownMb < 50, `${grownMb} MB`);
});

test.run();
