/** An end in the middle of a thousand calls in flight: no call starts after it, and every connection is given back. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, RvbbitError } from '../../src/index.ts';
import type { LedgerEntry } from '../../src/simulator/ledger.ts';
import type { SimulatorProcess } from '../../src/simulator/spawn.ts';
import { reportCases } from '../support/cases.ts';
import { assertAddsUp, assertUsable, errorOf, withModel } from './engine-support.ts';

const LANES = 1_000;
const ROWS = 3_000;
/**
 * The aim is 250 ms; with 209 to 543 ms seen on two shared cores, and once 1,145 ms, the bound only tells a
 * connection that was closed from one that waited for its 5 s answer. The figure is printed.
 */
const CLOSED_MS = 2_000;
/** Promised: a second. */
const SETTLE_MS = 1_500;
/** Calls that were on their way when the end came may reach the server this long after its mark. */
const LATE_CALL_MS = 300;
const server = { latency: { kind: 'constant', ms: 5_000 } } as const;

function statement(withOptions = '', failing = -1): string {
  const sim = `CASE WHEN i = ${failing} THEN '{"status":400,"delayMs":2500}' ELSE '{}' END`;
  return `RVBBIT MAP PARALLEL ${LANES} 'patient.yaml' AS v USING (
    SELECT 'row' AS word, i AS number, ${sim} AS sim FROM range(${ROWS}) t(i)) WITH (limit = ${ROWS}${withOptions})`;
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Waits until the server holds so many calls. */
async function inFlight(sim: SimulatorProcess, calls: number): Promise<void> {
  for (let i = 0; i < 800; i++) {
    if ((await sim.summary()).totals.inFlight >= calls) return;
    await sleep(10);
  }
  throw new Error(`the server never held ${calls} calls at once`);
}

interface End {
  readonly name: string;
  readonly code: string;
  readonly reason: string;
  /** Calls in flight when the end came; fewer where it came while they were still starting. */
  readonly calls: number;
  readonly error: RvbbitError;
  /** When the end was decided, and when the statement had settled. */
  readonly endedMs: number;
  readonly settledMs: number;
  /** When the server took a mark that was sent with the end: a busy server sees calls and closed connections as late. */
  readonly markMs: number;
}

/** What holds after every end. */
async function check(engine: Engine, sim: SimulatorProcess, end: End): Promise<void> {
  const { name, error, endedMs, settledMs, markMs } = end;
  // Calls that would start although nobody waits for them get time to do so.
  await sleep(LATE_CALL_MS + 200);
  const { totals, entries } = await sim.ledger();
  await sim.mark();
  const endOf = ({ atMs, durationMs }: LedgerEntry) => atMs + (durationMs ?? Infinity);
  const left = entries.filter(({ outcome }) => outcome === 'aborted');
  const closedMs = left.map((entry) => endOf(entry) - endedMs);
  const lastMs = Math.max(...closedMs);
  const tookMs = settledMs - endedMs;
  const lagMs = Math.max(0, markMs - endedMs);
  console.log(
    `${name}: ${left.length} connections closed after ${lastMs.toFixed(0)} ms, settled after ${tookMs.toFixed(0)} ms, mark after ${lagMs.toFixed(0)} ms`,
  );
  assert.is(error.code, end.code, error.message);
  assert.is(error.summary?.status, 'incomplete');
  assert.is(error.summary?.reason, end.reason);
  assertAddsUp(error.summary!);
  assert.is(error.summary!.rows.in, ROWS);
  assert.ok(left.length >= end.calls, `${left.length} connections were closed`);
  assert.is(totals.inFlight, 0);
  assert.ok(totals.maxInFlight <= LANES, `${totals.maxInFlight} in flight`);
  assert.ok(totals.calls <= LANES + (end.reason === 'failed' ? 1 : 0), `${totals.calls} calls`);
  const late = entries.filter(({ atMs }) => atMs > endedMs + lagMs + LATE_CALL_MS);
  assert.equal(late, [], 'no call starts after the end');
  assert.ok(lastMs < CLOSED_MS + lagMs, `connections closed ${lastMs} ms after the end`);
  assert.ok(tookMs < SETTLE_MS, `settled ${tookMs} ms after the end`);
  const { sent } = error.summary!.calls;
  assert.ok(sent >= totals.calls && sent <= LANES + 1, `${sent} booked, ${totals.calls} served`);
  await sim.script({ latency: { kind: 'constant', ms: 0 } });
  await assertUsable(engine);
  assert.is((await sim.summary()).totals.callsSinceMark, 20, 'only the next statement asks');
}

for (const calls of [LANES, 200]) {
  test(`an abort closes ${calls} connections, and no call starts after it`, async () => {
    await withModel({ server }, async (engine, sim) => {
      const controller = new AbortController();
      const { signal } = controller;
      const work = errorOf(engine.query(statement(), undefined, { signal }));
      await inFlight(sim, calls);
      const endedMs = nowMs();
      controller.abort();
      const marking = sim.mark();
      const error = await work;
      const settledMs = nowMs();
      const { atMs: markMs } = await marking;
      const end = { name: `abort at ${calls} calls`, code: 'RVB_CANCELLED', reason: 'cancelled' };
      await check(engine, sim, { ...end, calls, error, endedMs, settledMs, markMs });
    });
  });
}

test("a failed row under on_error = 'fail' closes the connections of the others", async () => {
  await withModel({ server }, async (engine, sim) => {
    const marking = once(engine.events, 'rows').then(() => sim.mark());
    const error = await errorOf(engine.query(statement(", on_error = 'fail'", 500)));
    const settledMs = nowMs();
    const { atMs: markMs } = await marking;
    const { entries } = await sim.ledger();
    const failed = entries.find(({ outcome }) => outcome === 'faulted')!;
    const endedMs = failed.atMs + failed.durationMs!;
    const end = { name: 'on_error', code: 'RVB_MODEL_HTTP', reason: 'failed', calls: 500 };
    await check(engine, sim, { ...end, error, endedMs, settledMs, markMs });
  });
});

test('a deadline closes the connections of all calls', async () => {
  await withModel({ server }, async (engine, sim) => {
    const startedMs = nowMs();
    const marking = sleep(3_000).then(() => sim.mark());
    const error = await errorOf(engine.query(statement(", deadline = '3s'")));
    const settledMs = nowMs();
    const { atMs: markMs } = await marking;
    const end = { name: 'deadline', code: 'RVB_DEADLINE', reason: 'deadline', calls: 500 };
    await check(engine, sim, { ...end, error, endedMs: startedMs + 3_000, settledMs, markMs });
  });
  reportCases(4, 'ends of statements with calls in flight');
});

test.run();
