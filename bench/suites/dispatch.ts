/** Model calls: compares the engine with a bare HTTP client, with the same n and the same simulated server. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Engine } from '../../src/index.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { BareClient } from '../bare-client.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { cpuMs, type Figure, type Sample, type Suite, type Variant } from '../suite.ts';

interface Load {
  readonly name: string;
  readonly rows: number;
  readonly parallel: number;
  readonly latency: NonNullable<SimulatorOptions['latency']>;
  readonly warmUp: number;
}

/** Warm-up calls of both sides, so that their code is measured in its steady state. */
const WARM_UP = 1_000;
/** Warm-up calls if processor time is measured: V8's compiler takes a sixth of the time of the first ten thousand calls. */
const COMPILED = 10_000;

/** Short calls, of which the engine's own part shows. The suite `strategies` has longer calls. */
const LOADS: readonly Load[] = [
  { ms: 20, parallel: 50 },
  { ms: 200, parallel: 500 },
].map(({ ms, parallel }) => ({
  name: `${ms} ms n=${parallel}`,
  rows: 10_000,
  parallel,
  latency: { kind: 'constant', ms },
  warmUp: COMPILED,
}));
const WIDE: Load = {
  name: '20,000 × 1 s n=1000',
  rows: 20_000,
  parallel: 1_000,
  latency: { kind: 'constant', ms: 1_000 },
  warmUp: WARM_UP,
};
/** The example of the seeds, 100 rows of 2 s, with half of its latency. */
const SEED = { rows: 100, latency: { kind: 'constant', ms: 1_000 } } as const;

/**
 * Runs `work` against its own server, and adds the most calls that the server saw at once. `work` calls `begin` between
 * its warm-up and its measurement.
 */
async function againstServer(
  latency: Load['latency'],
  work: (sim: SimulatorProcess, begin: () => Promise<void>) => Promise<Sample>,
): Promise<Sample> {
  await using sim = await spawnSimulator({ latency: { kind: 'constant', ms: 5 }, seed: 7 });
  const sample = await work(sim, async () => {
    await sim.script({ latency });
    await sim.reset();
  });
  const { totals } = await sim.summary();
  return { ...sample, maxInFlight: totals.maxInFlight };
}

function bare({ name, rows, parallel, latency, warmUp }: Load): Variant {
  return {
    name: `${name} bare`,
    measure: () =>
      againstServer(latency, async (sim, begin) => {
        const client = new BareClient(sim.url, parallel);
        await client.askAll(warmUp, (row) => `warm ${row}`);
        await begin();
        const cpu = process.cpuUsage();
        const startMs = performance.now();
        await client.askAll(rows, (row) => `row ${row}`);
        const ms = performance.now() - startMs;
        const sample = { ms, cpuMsPerRow: cpuMs(cpu) / rows };
        await client.close();
        return sample;
      }),
  };
}

function engine({ name, rows, parallel, latency, warmUp }: Load): Variant {
  return {
    name: `${name} engine`,
    measure: () =>
      againstServer(latency, (sim, begin) =>
        withEngine(sim, { parallel, warmUp }, begin, async (opened) => {
          const delay = monitorEventLoopDelay({ resolution: 5 });
          const cpu = process.cpuUsage();
          delay.enable();
          const ms = await timedMap(opened, rows, parallel);
          delay.disable();
          return { ms, cpuMsPerRow: cpuMs(cpu) / rows, loopP99Ms: delay.percentile(99) / 1e6 };
        }),
      ),
  };
}

function seeds(name: string, parallel: number): Variant {
  return {
    name,
    measure: () =>
      againstServer(SEED.latency, (sim, begin) =>
        withEngine(sim, { parallel, warmUp: WARM_UP }, begin, async (opened) => ({
          ms: await timedMap(opened, SEED.rows, parallel),
        })),
      ),
  };
}

async function withEngine(
  sim: SimulatorProcess,
  { parallel, warmUp }: Pick<Load, 'parallel' | 'warmUp'>,
  begin: () => Promise<void>,
  work: (engine: Engine) => Promise<Sample>,
): Promise<Sample> {
  await using opened = await Engine.open({
    cascades: cascadeRoot,
    threads: 2,
    providers: { sim: { baseUrl: sim.url } },
    model: 'sim/m',
  });
  // The warm-up asks other questions, because an answer's latency depends on its question.
  await timedMap(opened, warmUp, parallel, 'warm');
  await begin();
  return await work(opened);
}

async function timedMap(
  opened: Engine,
  rows: number,
  parallel: number,
  word = 'row',
): Promise<number> {
  const startMs = performance.now();
  const { summary } = await opened.query(
    `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' AS answer USING (SELECT '${word} ' || range AS question FROM range(${rows})) WITH (limit = ${rows})`,
  );
  if (summary.rows.ok !== rows) throw new Error(`only ${summary.rows.ok} of ${rows} rows`);
  return performance.now() - startMs;
}

export const dispatch: Suite = {
  name: 'dispatch',
  about: 'model calls through the engine and through a bare client, by latency and n',
  variants: [
    ...LOADS.flatMap((load) => [bare(load), engine(load)]),
    bare(WIDE),
    engine(WIDE),
    seeds('sequential', 1),
    seeds('PARALLEL 10', 10),
  ],
  figures: (median) => [
    ...[...LOADS, WIDE].map(
      ({ name, parallel }): Figure => ({
        name: `${name}: calls at once, by the server's count`,
        value: median(`${name} engine`, 'maxInFlight'),
        unit: '',
        atMost: parallel,
      }),
    ),
    ...LOADS.flatMap(({ name }): Figure[] => [
      {
        name: `${name}: CPU of a call above the bare client`,
        value:
          1_000 * (median(`${name} engine`, 'cpuMsPerRow') - median(`${name} bare`, 'cpuMsPerRow')),
        unit: ' µs',
        atMost: 120,
      },
      {
        name: `${name}: engine against bare client`,
        value: median(`${name} engine`, 'ms') / median(`${name} bare`, 'ms'),
        unit: '×',
        atMost: 1.1,
      },
    ]),
    {
      name: `${WIDE.name}: rate against the bare client's`,
      value: median(`${WIDE.name} bare`, 'ms') / median(`${WIDE.name} engine`, 'ms'),
      unit: '×',
      atLeast: 0.98,
    },
    {
      name: `${WIDE.name}: main loop delay, p99`,
      value: median(`${WIDE.name} engine`, 'loopP99Ms'),
      unit: ' ms',
      atMost: 50,
    },
    {
      name: "the seeds' table: sequential against PARALLEL 10",
      value: median('sequential', 'ms') / median('PARALLEL 10', 'ms'),
      unit: '×',
      atLeast: 9.7,
    },
  ],
};
