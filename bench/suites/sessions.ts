/**
 * Sessions side by side: measures small MAPs in some sessions while others run long SELECTs, with journal, DNS look-ups
 * and model calls at the same time.
 */
import { lookup } from 'node:dns/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine, type EngineSession } from '../../src/index.ts';
import { quantile } from '../../src/report/measures.ts';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Sample, Suite } from '../suite.ts';

const SESSIONS = 20;
const BUSY = 8;
/** Takes about 5 s if eight of them share two cores. */
const LONG = 'SELECT count(*) FROM range(1000000) a(i), range(200) b(j) WHERE (a.i * b.j) % 7 = 3';
const MAP =
  "RVBBIT MAP PARALLEL 2 'upper.yaml' AS up USING (SELECT 'name ' || range AS name FROM range(10))";
const MAPS = 400;
/** The time between the starts of two MAPs. The sessions take turns. */
const EVERY_MS = 40;
const LOOKUP_EVERY_MS = 20;
const ASKED = { rows: 20, parallel: 10, latencyMs: 100 };

/** Returns the 99th percentile, in milliseconds. */
function p99(times: readonly number[]): number {
  return quantile(times, 0.99) ?? 0;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Starts MAPs at a steady pace, whether or not earlier MAPs have ended. */
async function mapTimes(sessions: readonly EngineSession[]): Promise<number[]> {
  const running: Promise<number>[] = [];
  for (let n = 0; n < MAPS; n += 1) {
    running.push(timed(() => sessions[n % sessions.length]!.query(MAP)));
    await sleep(EVERY_MS);
  }
  return Promise.all(running);
}

async function measure(): Promise<Sample> {
  const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-sessions-'));
  await using sim = await spawnSimulator({
    latency: { kind: 'constant', ms: ASKED.latencyMs },
    seed: 7,
  });
  const engine = await Engine.open({
    cascades: cascadeRoot,
    stateDir,
    sessions: SESSIONS,
    providers: { sim: { baseUrl: sim.url } },
    model: 'sim/m',
  });
  try {
    const all = await Promise.all(Array.from({ length: SESSIONS }, () => engine.session()));
    const [asking, ...others] = all.slice(BUSY);
    await mapTimes(others);
    const alone = await mapTimes(others);

    const abort = new AbortController();
    const { signal } = abort;
    const longs: number[] = [];
    const lookups: number[] = [];
    let asked = 0;
    const again = async (work: () => Promise<unknown>) => {
      while (!signal.aborted) {
        await work().catch((thrown: unknown) => {
          if (!signal.aborted) throw thrown;
        });
      }
    };
    const beside = [
      ...all
        .slice(0, BUSY)
        .map((session) =>
          again(async () =>
            longs.push(await timed(() => session.query(LONG, undefined, { signal }))),
          ),
        ),
      again(async () => {
        lookups.push(await timed(() => lookup('localhost')));
        await sleep(LOOKUP_EVERY_MS);
      }),
      again(async () => {
        asked += ASKED.rows;
        await asking!.query(
          `RVBBIT MAP PARALLEL ${ASKED.parallel} 'ask.yaml' AS answer USING (SELECT 'row ' || (${asked} + range) AS question FROM range(${ASKED.rows}))`,
          undefined,
          { signal },
        );
      }),
    ];
    await sleep(500);
    const busy = await mapTimes(others);
    abort.abort();
    await Promise.all(beside);
    return {
      'alone p99 ms': p99(alone),
      'beside p99 ms': p99(busy),
      'beside p50 ms': quantile(busy, 0.5)!,
      'DNS p99 ms': p99(lookups),
      'a long SELECT ms': longs.reduce((sum, ms) => sum + ms, 0) / longs.length,
      'rows asked': asked,
    };
  } finally {
    await engine.close();
    rmSync(stateDir, { recursive: true });
  }
}

export const sessions: Suite = {
  name: 'sessions',
  about: `a 10-row MAP every ${EVERY_MS} ms in the others of ${SESSIONS} sessions, alone and while ${BUSY} are always in long SELECTs, with journal, DNS look-ups and model calls beside`,
  variants: [{ name: 'sessions', measure }],
  figures: (median) => [
    {
      name: 'a 10-row MAP beside long SELECTs, p99',
      value: median('sessions', 'beside p99 ms'),
      unit: ' ms',
      atMost: Math.max(3 * median('sessions', 'alone p99 ms'), 25),
    },
    {
      name: 'a 10-row MAP alone, p99',
      value: median('sessions', 'alone p99 ms'),
      unit: ' ms',
    },
    {
      name: 'a DNS look-up beside long SELECTs, p99',
      value: median('sessions', 'DNS p99 ms'),
      unit: ' ms',
      atMost: 25,
    },
  ],
};
