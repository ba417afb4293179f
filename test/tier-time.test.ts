import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cpuBound,
  cpuSeconds,
  outgrown,
  secondsFor,
  slowness,
  type TestRun,
  TIER_SECONDS,
} from './support/tier-time.ts';

const whole: TestRun = { storm: false, deep: false, some: false };

test('a whole tier has its seconds; some files, and the deep tier, have none', () => {
  assert.is(secondsFor(whole), TIER_SECONDS.test);
  assert.is(secondsFor({ ...whole, storm: true }), TIER_SECONDS.storm);
  assert.is(secondsFor({ ...whole, some: true }), undefined);
  assert.is(secondsFor({ ...whole, storm: true, some: true }), undefined);
  assert.is(secondsFor({ ...whole, deep: true }), undefined);
});

test('a run that has taken a fifth more than its time is told so in one line', () => {
  assert.is(slowness(179_000, 180), undefined);
  assert.is(slowness(216_000, 180), undefined);
  assert.match(slowness(217_000, 180)!, /^warning: the run took 217 s, and should take 180 s .*$/);
  assert.is(slowness(1e9, undefined), undefined);
});

test('the bound of processor time comes from outside', () => {
  assert.is(cpuBound('400'), 400);
  assert.is(cpuBound('0.5'), 0.5);
  assert.is(cpuBound(''), undefined);
  assert.is(cpuBound(undefined), undefined);
  for (const text of ['soon', '0', '-1', 'NaN']) {
    assert.throws(() => cpuBound(text), /RVBBIT_TEST_CPU_SECONDS takes a number/);
  }
});

test('processor time is that of the processes that a process has waited for, too', () => {
  const before = cpuSeconds();
  if (before === undefined) return assert.is.not(process.platform, 'linux');
  const busy = 'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);';
  execFileSync('sh', ['-c', `'${process.execPath}' -e '${busy}'; true`]);
  const took = cpuSeconds()! - before;
  assert.ok(took >= 0.3 && took < 5, String(took));
});

test('a run that took more processor time than its bound counts as one failure; without one it is only told', () => {
  assert.is(outgrown(400, 400), undefined);
  assert.match(outgrown(401, 400)!, 'took 401 s of processor time, and may take 400 s');
  const run = (bound: string) =>
    spawnSync(process.execPath, [fileURLToPath(new URL('./run.js', import.meta.url)), 'no such'], {
      encoding: 'utf8',
      env: { ...process.env, RVBBIT_TEST_CPU_SECONDS: bound },
    });
  const late = run('0.00001');
  assert.match(late.stdout, /FAIL the run took .*\n0 passed, 2 failed\n$/s);
  assert.is(late.status, 1);
  for (const bound of ['100', '']) {
    assert.match(run(bound).stdout, /^no test file matches\n0 passed, 1 failed\n$/);
  }
});

test.run();
