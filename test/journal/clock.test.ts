/** The clock that dates records. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock, wallClock } from '../../src/journal/journal.ts';

/** A clock whose wall time and uptime (ms) the test sets. */
function clockOf(times: { wall: number; uptime: number }) {
  return wallClock(
    times.wall - times.uptime,
    () => times.wall,
    () => times.uptime,
  );
}

test('a clock tells microseconds of the wall clock, with the resolution of the monotonic one', () => {
  const times = { wall: 1_000_000, uptime: 5 };
  const clock = clockOf(times);
  assert.is(clock(), 1_000_000_000);
  times.uptime += 0.25;
  assert.is(clock(), 1_000_000_250);
  assert.ok(Math.abs(systemClock() / 1_000 - Date.now()) < 1_500);
});

test('a clock catches up after a suspend or a step ahead, and does not go back with a step back', () => {
  const times = { wall: 1_000_000, uptime: 5 };
  const clock = clockOf(times);
  // Eight hours asleep: the monotonic clock stood still.
  times.wall += 28_800_000;
  assert.is(clock(), 29_800_000_000);
  times.wall += 10.5;
  times.uptime += 10.5;
  assert.is(clock(), 29_800_010_500);
  times.wall -= 3_600_000;
  times.uptime += 1;
  assert.is(clock(), 29_800_011_500);
  times.wall += 900;
  times.uptime += 0.5;
  assert.is(clock(), 29_800_012_000, 'less than a second is no step');
});

test.run();
