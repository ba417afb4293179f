/** The ways to get through a workload: each warms up, then gives its rows and what they took. It loads its own code alone. */
import { writeFileSync } from 'node:fs';
import type { JournalRecord } from '../../src/journal/records.ts';
import type { Timeline } from '../../src/report/timeline.ts';
import type { Strategy } from '../../src/result.ts';
import type { LedgerEntry, LedgerTotals } from '../../src/sim/ledger.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { peakRssMb, type Sample } from '../suite.ts';
import { timelineOfLedger } from './ledger-timeline.ts';
import { PRICE, sourceOf, TURNS, type Workload } from './workload.ts';

export type Way = 'bare client' | Strategy | 'udf' | 'udf union all';

/** In the order of the table. `bare client` is the floor: n lanes over a plain HTTP client, or a plain Piscina script. */
export const WAYS: readonly Way[] = [
  'bare client',
  'batch',
  'static',
  'wave',
  'union_all',
  'sequential',
  'udf',
  'udf union all',
];

/** Whether the way can take the workload. */
export function takes(way: Way, { sim, without = [] }: Workload): boolean {
  return !without.includes(way) && (sim !== undefined || !way.startsWith('udf'));
}

/** Rows of the warm-up, others than those that count: what is compared is compiled code. */
const WARM_ROWS = { calls: 200, loops: 60 };
/** Ids below 0 would make the loop's numbers fractions to V8. */
const WARM_FROM = 10_000;

interface Ready {
  /** Values by id. */
  run(): Promise<readonly (string | undefined)[]>;
  /** Of the journal's records, where there is a journal; else the server's ledger tells. */
  timeline?(): Timeline;
  close(): Promise<unknown>;
}

/** What one fresh process takes for the workload. A workload without model calls has no timeline. */
export async function measureWay(
  way: Way,
  workload: Workload,
  timelineFile?: string,
): Promise<Sample> {
  const { sim: options } = workload;
  await using sim =
    options === undefined
      ? undefined
      : await spawnSimulator({
          seed: options.seed,
          latency: { kind: 'constant', ms: 1 },
          prices: { m: PRICE },
        });
  const ready = await prepare(way, workload, sim, timelineFile !== undefined);
  try {
    if (sim !== undefined && options !== undefined) {
      const { latency, rules } = options;
      await sim.script({
        ...(latency === undefined ? {} : { latency }),
        ...(rules === undefined ? {} : { rules }),
      });
      await sim.reset();
    }
    const cpu = process.cpuUsage();
    const atMs = Date.now();
    const startMs = performance.now();
    const values = await ready.run();
    const ms = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    const sample = {
      ms,
      cpuMs: (user + system) / 1_000,
      rssMb: peakRssMb(),
      wrong: wrongRows(workload, values),
    };
    if (sim === undefined) return sample;
    const { entries, totals } = await sim.ledger();
    if (timelineFile !== undefined) {
      const timeline = ready.timeline?.() ?? timelineOfLedger(entries, atMs, ms);
      writeFileSync(timelineFile, JSON.stringify(timeline));
    }
    return { ...sample, ...callsOf(entries, totals, workload) };
  } finally {
    await ready.close();
  }
}

/** Calls that were made, the most at once, and the time that no n lanes can beat. */
function callsOf(
  entries: readonly LedgerEntry[],
  totals: LedgerTotals,
  { parallel }: Workload,
): Sample {
  const delays = entries.map(({ delayMs }) => delayMs ?? 0);
  const sum = delays.reduce((all, one) => all + one, 0);
  return {
    calls: totals.calls,
    inFlight: totals.maxInFlight,
    boundMs: Math.max(sum / parallel, ...delays),
  };
}

/** Rows whose value is not the one that it must be. */
export function wrongRows(workload: Workload, values: readonly (string | undefined)[]): number {
  const { rows } = workload;
  let wrong = Math.abs(values.length - rows);
  for (let id = 0; id < rows; id += 1) {
    const value = values[id];
    const isRight =
      workload.sim === undefined
        ? value === String(loop(id))
        : value?.startsWith(`question ${id}`) === true &&
          !/^\d/.test(value.slice(`question ${id}`.length));
    if (!isRight) wrong += 1;
  }
  return wrong;
}

function loop(id: number): number {
  let sum = 0;
  for (let i = 0; i < TURNS; i += 1) sum = (sum * 31 + i + (id % 7)) % 1_000_003;
  return sum;
}

async function prepare(
  way: Way,
  workload: Workload,
  sim: SimulatorProcess | undefined,
  isTraced: boolean,
): Promise<Ready> {
  if (way === 'bare client') {
    return sim === undefined ? bareThreads(workload) : bareClient(workload, sim.url);
  }
  if (way === 'udf' || way === 'udf union all') {
    const branches = way === 'udf' ? 1 : workload.parallel;
    const { askByFunction } = await import('./udf.ts');
    const run = await askByFunction(new URL(sim!.url).origin, workload, branches);
    return { run, close: () => run.close() };
  }
  return engineWay(way, workload, sim, isTraced);
}

async function engineWay(
  strategy: Strategy,
  workload: Workload,
  sim: SimulatorProcess | undefined,
  isTraced: boolean,
): Promise<Ready> {
  const { Engine } = await import('../../src/index.ts');
  const engine = await Engine.open({
    cascades: cascadeRoot,
    threads: 2,
    ...(sim === undefined
      ? {}
      : { providers: { sim: { baseUrl: sim.url, prices: { m: PRICE } } }, model: 'sim/m' }),
  });
  const cascade = sim === undefined ? 'modulo.yaml' : 'ask.yaml';
  const { rows, parallel } = workload;
  let records: JournalRecord[] = [];
  if (isTraced) engine.events.on('record', (record: JournalRecord) => records.push(record));
  const map = async (source: string) => {
    records = [];
    const { rows: got } = await engine.query(
      `RVBBIT MAP PARALLEL ${parallel} '${cascade}' AS value USING (${source}) WITH (limit = ${rows + WARM_ROWS.calls}, strategy = '${strategy}')`,
    );
    const values: (string | undefined)[] = [];
    for (const { id, value } of got)
      values[Number(id)] = value === null ? undefined : String(value);
    return values;
  };
  await map(
    `SELECT ${WARM_FROM} + range AS id, 'warm ' || range AS question FROM range(${sim === undefined ? WARM_ROWS.loops : WARM_ROWS.calls})`,
  );
  const { timelineOf } = await import('../../src/report/timeline.ts');
  return {
    run: () => map(sourceOf(workload)),
    timeline: () => timelineOf(records),
    close: () => engine.close(),
  };
}

async function bareClient({ name, rows, parallel }: Workload, url: string): Promise<Ready> {
  const { Pool } = await import('undici');
  const pool = new Pool(new URL(url).origin, { connections: parallel, pipelining: 1 });
  const ask = async (content: string): Promise<string> => {
    const { body } = await pool.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
    });
    const answer = (await body.json()) as { choices: { message: { content: string } }[] };
    return answer.choices[0]!.message.content;
  };
  const filler = name === 'large rows' ? ' and so on'.repeat(800) : '';
  const all = async (count: number, word: string) => {
    const values: string[] = [];
    let next = 0;
    const lane = async () => {
      for (let id = next++; id < count; id = next++)
        values[id] = await ask(`${word} ${id}${filler}`);
    };
    await Promise.all(Array.from({ length: parallel }, lane));
    return values;
  };
  await all(WARM_ROWS.calls, 'warm');
  return { run: () => all(rows, 'question'), close: () => pool.destroy() };
}

async function bareThreads({ rows, parallel }: Workload): Promise<Ready> {
  const { Piscina } = await import('piscina');
  const filename = new URL('../modulo-worker.js', import.meta.url).href;
  const pool = new Piscina({ filename, minThreads: parallel, maxThreads: parallel });
  const all = async (from: number, count: number) => {
    const values = await Promise.all(
      Array.from(
        { length: count },
        (_, index) => pool.run({ id: from + index }, { name: 'modulo' }) as Promise<number>,
      ),
    );
    return values.map(String);
  };
  await all(WARM_FROM, WARM_ROWS.loops);
  return { run: () => all(0, rows), close: () => pool.destroy() };
}
