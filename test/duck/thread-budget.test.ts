import { readFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { threadBudget } from '../../src/duck/thread-budget.ts';
import { Semaphore } from '../../src/util/semaphore.ts';
import { rejection } from './support.ts';

test('one thread of libuv’s pool stays free', () => {
  const settings = [undefined, '16', '2', '1', '0', 'x'];
  assert.equal(settings.map(threadBudget), [3, 15, 1, 1, 3, 3]);
});

test('a file is read at once while eight sessions run long queries', async () => {
  const lease = await acquireDatabase(':memory:');
  const sessions = await Promise.all(Array.from({ length: 8 }, () => Session.open(lease)));
  await lease.release();
  const abort = new AbortController();
  const queries = sessions.map((session) =>
    rejection(
      session.run('SELECT count(*) FROM range(100000000000) a WHERE hash(a.range) = 1', {
        signal: abort.signal,
      }),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  await readFile(new URL(import.meta.url));
  const took = performance.now() - start;
  abort.abort();
  for (const error of await Promise.all(queries)) assert.is(error.code, 'RVB_CANCELLED');
  assert.ok(took < 500, `${took} ms`);
  await Promise.all(sessions.map((session) => session.close()));
});

test('permits go out in the order of asking, and an aborted waiter is skipped', async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire();
  const order: number[] = [];
  const abort = new AbortController();
  const waiting = [1, 2, 3].map((n) =>
    semaphore.use(async () => order.push(n), n === 2 ? abort.signal : undefined),
  );
  const cancelled = rejection(waiting[1]!);
  abort.abort();
  assert.is((await cancelled).code, 'RVB_CANCELLED');
  release();
  release();
  await Promise.all([waiting[0], waiting[2]]);
  assert.equal(order, [1, 3]);
});

test.run();
