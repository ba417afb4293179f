import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { outgrown, secondsFor, type TestRun, TIER_SECONDS } from './support/tier-time.ts';

const whole: TestRun = { storm: false, deep: false, some: false, seconds: undefined };

test('a whole tier has its seconds; some files, and the deep tier, have no limit', () => {
  assert.is(secondsFor(whole), TIER_SECONDS.test);
  assert.is(secondsFor({ ...whole, storm: true }), TIER_SECONDS.storm);
  assert.is(secondsFor({ ...whole, some: true }), undefined);
  assert.is(secondsFor({ ...whole, storm: true, some: true }), undefined);
  assert.is(secondsFor({ ...whole, deep: true }), undefined);
});

test('a time given from outside holds for whatever is run', () => {
  assert.is(secondsFor({ ...whole, seconds: '400' }), 400);
  assert.is(secondsFor({ ...whole, some: true, seconds: '0.5' }), 0.5);
  assert.is(secondsFor({ ...whole, seconds: '' }), TIER_SECONDS.test);
  for (const seconds of ['soon', '0', '-1', 'NaN']) {
    assert.throws(() => secondsFor({ ...whole, seconds }), /RVBBIT_TEST_SECONDS takes a number/);
  }
});

test('a run fails when it has taken a fifth more than its time, and is told what to do', () => {
  assert.is(outgrown(179_000, 180), undefined);
  assert.is(outgrown(216_000, 180), undefined);
  const said = outgrown(217_000, 180)!;
  assert.match(said, 'took 217 s: its time is 180 s, and it fails beyond 216 s');
  assert.match(said, 'Make the slowest files do less');
  assert.is(outgrown(1e9, undefined), undefined);
});

test('a run that has outgrown its time counts as one failure', () => {
  const run = (seconds: string) =>
    spawnSync(process.execPath, [fileURLToPath(new URL('./run.js', import.meta.url)), 'no such'], {
      encoding: 'utf8',
      env: { ...process.env, RVBBIT_TEST_SECONDS: seconds },
    });
  const late = run('0.00001');
  assert.match(late.stdout, /FAIL the run took .*\n0 passed, 2 failed\n$/s);
  assert.is(late.status, 1);
  assert.match(run('100').stdout, /^no test file matches\n0 passed, 1 failed\n$/);
});

test.run();
