/** An end in the middle of a thousand calls in flight: no call starts after it, and every connection is given back. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, RvbbitError } from '../../src/index.ts';
import type { LedgerEntry } from '../../src/sim/ledger.ts';
import { reportCases } from '../support/cases.ts';
import type { ModelServer } from '../support/model-server.ts';
import { assertAddsUp, assertUsable, errorOf, withModel } from './engine-support.ts';

const LANES = 1_000;
const ROWS = 3_000;
/** Promised: every connection is closed this long after an abort, by the server's clock. */
const CLOSED_MS = 250;
/**
 * The same on a machine that others use too: a program that does nothing but close as many connections to
 * the same server takes its time there as well, and the engine may take so much more in the same minute.
 */
const CLOSED_FACTOR = 4;
/** One end alone may meet a busy moment; this only tells a closed connection from one that waits for its 20 s answer. */
const CLOSED_ONCE_MS = 5_000;
/** Aborts of which the median counts, at each of three moments. */
const ABORTS = 3;
/** Promised: a second. */
const SETTLE_MS = 1_500;
/** Calls that were on their way when the end came may reach the server this long after its mark. */
const LATE_CALL_MS = 300;
const server = { latency: { kind: 'constant', ms: 20_000 } } as const;

function statement(withOptions = '', failing = -1): string {
  const sim = `CASE WHEN i = ${failing} THEN '{"status":400,"delayMs":2500}' ELSE '{}' END`;
  return `RVBBIT MAP PARALLEL ${LANES} 'patient.yaml' AS v USING (
    SELECT 'row' AS word, i AS number, ${sim} AS sim FROM range(${ROWS}) t(i)) WITH (limit = ${ROWS}, cache = false${withOptions})`;
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Waits until the server holds so many calls. */
async function inFlight(sim: ModelServer, calls: number): Promise<void> {
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
async function check(engine: Engine, sim: ModelServer, end: End): Promise<void> {
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
  assert.ok(lastMs < CLOSED_ONCE_MS + lagMs, `connections closed ${lastMs} ms after the end`);
  assert.ok(tookMs < SETTLE_MS, `settled ${tookMs} ms after the end`);
  const { sent } = error.summary!.calls;
  assert.ok(sent >= totals.calls && sent <= LANES + 1, `${sent} booked, ${totals.calls} served`);
  await sim.script({ latency: { kind: 'constant', ms: 0 } });
  await assertUsable(engine);
  assert.is((await sim.summary()).totals.callsSinceMark, 20, 'only the next statement asks');
}

/** When a statement is aborted: how long the server takes over a call, and what is waited for. */
interface Moment {
  readonly name: string;
  readonly latencyMs: number;
  /** While a thousand calls are being made ready the threads have a backlog: only the wide bound holds there. */
  readonly isBusy?: true;
  reached(sim: ModelServer): Promise<void>;
}

const MOMENTS: readonly Moment[] = [
  {
    name: 'while calls start',
    latencyMs: 20_000,
    isBusy: true,
    reached: (sim) => inFlight(sim, 1),
  },
  { name: 'with all calls in flight', latencyMs: 20_000, reached: (sim) => inFlight(sim, LANES) },
  {
    name: 'while answers come',
    latencyMs: 600,
    reached: async (sim) => {
      while ((await sim.summary()).totals.byOutcome.answered < LANES) await sleep(10);
    },
  },
];

/** From the end to the last connection that it closed, by the server's clock; 0 where there was none. */
async function lastClosedMs(sim: ModelServer, endedMs: number): Promise<number> {
  while ((await sim.summary()).totals.inFlight > 0) await sleep(10);
  const { entries } = await sim.ledger();
  await sim.reset();
  const closed = entries.filter(({ outcome }) => outcome === 'aborted');
  return Math.max(0, ...closed.map(({ atMs, durationMs }) => atMs + durationMs! - endedMs));
}

/** The same for a program that only holds connections with a call each, and closes them. */
async function bareClosedMs(sim: ModelServer): Promise<number> {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'row' }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`;
  const sockets = Array.from({ length: LANES }, () => {
    const socket = connect(sim.port, '127.0.0.1').on('error', () => {});
    socket.write(head + body);
    return socket;
  });
  await inFlight(sim, LANES);
  const endedMs = nowMs();
  for (const socket of sockets) socket.destroy();
  return lastClosedMs(sim, endedMs);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

for (const { name, latencyMs, isBusy, reached } of MOMENTS) {
  test(`an abort ${name} closes ${LANES} connections${isBusy ? '' : ` within ${CLOSED_MS} ms`}`, async () => {
    const latency = { kind: 'constant', ms: latencyMs } as const;
    await withModel({ apart: true, server: { latency } }, async (engine, sim) => {
      const closed: number[] = [];
      const bare: number[] = [];
      for (let round = 0; round < ABORTS; round++) {
        const controller = new AbortController();
        const { signal } = controller;
        const work = errorOf(engine.query(statement(), undefined, { signal }));
        await reached(sim);
        const endedMs = nowMs();
        controller.abort();
        assert.is((await work).code, 'RVB_CANCELLED');
        closed.push(await lastClosedMs(sim, endedMs));
        await sim.script({ latency: server.latency });
        bare.push(await bareClosedMs(sim));
        await sim.script({ latency });
      }
      const shown = (values: readonly number[]) => values.map((ms) => ms.toFixed(0)).join(' ');
      console.log(`abort ${name}: closed after ${shown(closed)} ms; bare ${shown(bare)} ms`);
      const boundMs = isBusy ? CLOSED_ONCE_MS : Math.max(CLOSED_MS, CLOSED_FACTOR * medianOf(bare));
      assert.ok(Math.max(...closed) > 0, 'calls were in flight');
      assert.ok(medianOf(closed) < boundMs, `closed after ${shown(closed)} ms, bound ${boundMs}`);
      assert.ok(Math.max(...closed) < CLOSED_ONCE_MS, `closed after ${shown(closed)} ms`);
    });
  });
}

for (const calls of [LANES, 200]) {
  test(`an abort closes ${calls} connections, and no call starts after it`, async () => {
    await withModel({ apart: true, server }, async (engine, sim) => {
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
  await withModel({ apart: true, server }, async (engine, sim) => {
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
  await withModel({ apart: true, server }, async (engine, sim) => {
    const startedMs = nowMs();
    const marking = sleep(3_000).then(() => sim.mark());
    const error = await errorOf(engine.query(statement(", deadline = '3s'")));
    const settledMs = nowMs();
    const { atMs: markMs } = await marking;
    const end = { name: 'deadline', code: 'RVB_DEADLINE', reason: 'deadline', calls: 500 };
    await check(engine, sim, { ...end, error, endedMs: startedMs + 3_000, settledMs, markMs });
  });
  reportCases(4 + MOMENTS.length * ABORTS, 'ends of statements with calls in flight');
});

test.run();
