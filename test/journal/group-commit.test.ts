/** Group commit: when a sync runs, and for whom. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GroupCommit } from '../../src/journal/disk/group-commit.ts';

/** A sync that takes so long, and how often it ran. */
function counted(tookMs: number) {
  const runs = { started: 0, atOnce: 0, most: 0 };
  const commits = new GroupCommit(async () => {
    runs.started += 1;
    runs.atOnce += 1;
    runs.most = Math.max(runs.most, runs.atOnce);
    await sleep(tookMs);
    runs.atOnce -= 1;
  });
  return { commits, runs };
}

test('everyone who waits is served by one sync', async () => {
  const { commits, runs } = counted(5);
  for (let n = 0; n < 50; n += 1) commits.note();
  await Promise.all(Array.from({ length: 50 }, () => commits.commit()));
  assert.is(runs.started, 1);
  await commits.commit();
  assert.is(runs.started, 1, 'nothing is new');
});

test('what nobody waits for is synced too, unless it can wait', async () => {
  const { commits, runs } = counted(1);
  commits.note(Infinity);
  commits.note(60_000);
  await sleep(100);
  assert.is(runs.started, 0);
  commits.note();
  for (let ms = 0; ms < 2_000 && runs.started === 0; ms += 10) await sleep(10);
  assert.is(runs.started, 1);
  await commits.idle();
  for (let n = 0; n < 100; n += 1) commits.note(Infinity);
  for (let n = 0; n < 63; n += 1) commits.note(60_000);
  assert.is(runs.started, 1);
  commits.note(60_000);
  assert.is(runs.started, 2, 'the 64th');
  await commits.idle();
});

test('what can wait for a while is synced after it, also where it came during a sync', async () => {
  const { commits, runs } = counted(20);
  const startedMs = performance.now();
  commits.note(100);
  while (runs.started === 0) await sleep(1);
  assert.ok(performance.now() - startedMs >= 98);
  const noteMs = performance.now();
  commits.note(150);
  while (runs.started === 1) await sleep(1);
  assert.ok(performance.now() - noteMs >= 148);
  await commits.idle();
  assert.is(runs.started, 2);
});

test('one sync at a time; a commit during one waits for the next', async () => {
  const { commits, runs } = counted(30);
  commits.note();
  const first = commits.commit();
  while (runs.started === 0) await sleep(1);
  commits.note();
  let isSecondDone = false;
  const second = commits.commit().then(() => {
    isSecondDone = true;
  });
  await first;
  assert.is(isSecondDone, false);
  await second;
  assert.is(runs.started, 2);
  assert.is(runs.most, 1);
});

test('a failed sync fails who waits, and everyone after', async () => {
  const commits = new GroupCommit(async () => {
    throw new Error('no space');
  });
  commits.note();
  const outcomes = await Promise.allSettled([commits.commit(), commits.commit()]);
  assert.equal(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.is(await commits.commit().catch((thrown: Error) => thrown.message), 'no space');
});

test.run();
