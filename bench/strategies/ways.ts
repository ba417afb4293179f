/** The ways to process a workload. Each warms up, then returns its rows and its measurements. Each loads only its own code. */
import { writeFileSync } from 'node:fs';
import type { JournalRecord } from '../../src/journal/records.ts';
import type { Timeline } from '../../src/report/timeline.ts';
import type { Strategy } from '../../src/result.ts';
import type { LedgerEntry, LedgerTotals } from '../../src/sim/ledger.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { cpuMs, peakRssMb, type Sample } from '../suite.ts';
import { timelineOfLedger } from './ledger-timeline.ts';
import { PRICE, sourceOf, TURNS, type Workload } from './workload.ts';

export type Way = 'bare client' | Strategy | 'multi-row' | 'n sessions' | 'udf' | 'udf union all';

/**
 * The ways, in the order of the table. `bare client` is the baseline: n lanes over a plain HTTP client, or a plain
 * Piscina script.
 */
export const WAYS: readonly Way[] = [
  'bare client',
  'batch',
  'multi-row',
  'static',
  'wave',
  'union_all',
  'n sessions',
  'sequential',
  'udf',
  'udf union all',
];

/** Whether the way can process the workload. */
export function takes(way: Way, { sim, statement, cascade, without = [] }: Workload): boolean {
  if (without.includes(way)) return false;
  if (way === 'multi-row') return sim !== undefined && cascade === undefined;
  if (way === 'n sessions') return sim !== undefined && statement === undefined;
  return sim !== undefined || !way.startsWith('udf');
}

/** The rows in one call of `multi-row`. */
const ROWS_A_CALL = 16;

/** The number of warm-up rows, which differ from the measured rows. After them, compiled code is measured. */
const WARM_ROWS = { calls: 60, loops: 60 };
/** With ids below 0, V8 would handle the loop's numbers as fractions. */
const WARM_FROM = 10_000;

interface Ready {
  /** Returns the values by id. */
  run(): Promise<readonly (string | undefined)[]>;
  /** Makes the timeline from the journal's records. Without a journal, the server's ledger is used instead. */
  timeline?(): Timeline;
  close(): Promise<unknown>;
}

/** Measures a workload in a fresh process. A workload without model calls has no timeline. */
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
    const sample = {
      ms,
      cpuMs: cpuMs(cpu),
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

/** Returns the number of calls, the most calls in flight, and the least time that is possible with n lanes. */
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

function plainNumber(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

/** Returns the number of rows with a wrong value. */
export function wrongRows(workload: Workload, values: readonly (string | undefined)[]): number {
  const { statement } = workload;
  const rows = statement === undefined ? workload.rows : statement.expected.length;
  let wrong = Math.abs(values.length - rows);
  for (let id = 0; id < rows; id += 1) {
    if (!isRight(workload, id, values[id])) wrong += 1;
  }
  return wrong;
}

function isRight({ statement, cascade, sim }: Workload, id: number, value?: string): boolean {
  if (statement !== undefined) return value === statement.expected[id];
  if (cascade !== undefined) return value === `ROW ${id}`;
  if (sim === undefined) return value === String(loop(id));
  const asked = `question ${id}`;
  return value?.startsWith(asked) === true && !/^\d/.test(value.slice(asked.length));
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
    const run = await askByFunction(sim!.url, workload, branches);
    return { run, close: () => run.close() };
  }
  return way === 'n sessions'
    ? sessionsWay(workload, sim!)
    : way === 'multi-row'
      ? engineWay('batch', workload, sim, isTraced, ROWS_A_CALL)
      : engineWay(way, workload, sim, isTraced);
}

async function engineWay(
  strategy: Strategy,
  workload: Workload,
  sim: SimulatorProcess | undefined,
  isTraced: boolean,
  batch = 1,
): Promise<Ready> {
  const { rows, parallel, callsPerSecond, known = 0, statement } = workload;
  const { Engine } = await import('../../src/index.ts');
  const engine = await Engine.open({
    cascades: cascadeRoot,
    threads: 2,
    ...(sim === undefined
      ? {}
      : {
          providers: {
            sim: {
              baseUrl: sim.url,
              prices: { m: PRICE },
              ...(callsPerSecond === undefined
                ? {}
                : { limits: { rpm: 60 * callsPerSecond, window: '1s' } }),
            },
          },
          model: 'sim/m',
        }),
  });
  const { cascade = sim === undefined ? 'modulo.yaml' : 'ask.yaml' } = workload;
  let records: JournalRecord[] = [];
  if (isTraced) engine.events.on('record', (record: JournalRecord) => records.push(record));
  const map = async (source: string) => {
    records = [];
    const { rows: got } = await engine.query(
      `RVBBIT MAP PARALLEL ${parallel} '${cascade}' AS value USING (${source}) WITH (limit = ${rows + WARM_ROWS.calls}, strategy = '${strategy}', batch = ${batch})`,
    );
    const values: (string | undefined)[] = [];
    for (const { id, value } of got)
      values[Number(id)] = value === null ? undefined : String(value);
    return values;
  };
  await map(
    `SELECT ${WARM_FROM} + range AS id, 'warm ' || range AS question, question AS name FROM range(${sim === undefined ? WARM_ROWS.loops : WARM_ROWS.calls})`,
  );
  if (statement !== undefined) {
    await engine.query("SELECT d MEANS 'warm' FROM (VALUES ('one'), ('two')) v(d)");
  }
  if (known > 0) await map(`${sourceOf(workload)} LIMIT ${known}`);
  const run = async () => {
    if (statement === undefined) return map(sourceOf(workload));
    const told = `-- @ parallel: ${parallel}\n-- @ strategy: ${strategy}\n-- @ batch: ${batch}\n`;
    records = [];
    const ran = await engine.query(told + statement.sql);
    const { rows: got } =
      statement.readBack === undefined ? ran : await engine.query(statement.readBack);
    return got.map((row) => JSON.stringify(row, plainNumber));
  };
  const { timelineOf } = await import('../../src/report/timeline.ts');
  return { run, timeline: () => timelineOf(records), close: () => engine.close() };
}

/** A manual UNION ALL: n statements at once, each in its own session with its branch of the rows. */
async function sessionsWay(workload: Workload, sim: SimulatorProcess): Promise<Ready> {
  const { parallel, rows } = workload;
  const { Engine } = await import('../../src/index.ts');
  const engine = await Engine.open({
    ...{ cascades: cascadeRoot, threads: 2, model: 'sim/m' },
    providers: { sim: { baseUrl: sim.url } },
  });
  const sessions = await Promise.all(Array.from({ length: parallel }, () => engine.session()));
  const branches = async (source: string) => {
    const values: (string | undefined)[] = [];
    const branch = async (session: (typeof sessions)[number], number: number) => {
      const { rows: got } = await session.query(
        `RVBBIT MAP 'ask.yaml' AS value USING (SELECT * FROM (${source}) WHERE hash(id) % ${parallel} = ${number}) WITH (limit = ${rows + WARM_ROWS.calls})`,
      );
      for (const { id, value } of got)
        values[Number(id)] = value === null ? undefined : String(value);
    };
    await Promise.all(sessions.map(branch));
    return values;
  };
  await branches(
    `SELECT ${WARM_FROM} + range AS id, 'warm ' || range AS question FROM range(${WARM_ROWS.calls})`,
  );
  return { run: () => branches(sourceOf(workload)), close: () => engine.close() };
}

async function bareClient({ name, rows, parallel }: Workload, url: string): Promise<Ready> {
  const { BareClient } = await import('../bare-client.ts');
  const client = new BareClient(url, parallel);
  const filler = name === 'large rows' ? ' and so on'.repeat(800) : '';
  const all = (count: number, word: string) =>
    client.askAll(count, (id) => `${word} ${id}${filler}`);
  await all(WARM_ROWS.calls, 'warm');
  return { run: () => all(rows, 'question'), close: () => client.close() };
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
