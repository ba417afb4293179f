/** `npm run bench -- --simulated`: the strategies on a virtual clock, with the same figures on any machine. */
import type { CallLimits } from '../../src/model/call-limits.ts';
import { chooseParallel } from '../../src/plan/choose-parallel.ts';
import type { Strategy } from '../../src/result.ts';
import { drawLatency, type Latency } from '../../src/sim/latency.ts';
import { createRandom } from '../../src/sim/random.ts';

import { aligned } from '../report.ts';
import { simulate } from './simulate.ts';

interface Scene {
  readonly name: string;
  readonly rows: number;
  readonly parallel: readonly number[];
  readonly latency: Latency;
  /** The fraction of the rows, at the beginning, whose answers are cache hits. */
  readonly known?: number;
  readonly asks?: boolean;
  readonly limits?: CallLimits;
}

const SEED = 7;
const STRATEGIES: readonly Strategy[] = ['batch', 'static', 'wave', 'union_all', 'sequential'];
const MOST = [1, 10, 50, 200, 1_000];

const SCENES: readonly Scene[] = [
  { name: 'constant 500 ms', rows: 1_000, parallel: MOST, latency: { kind: 'constant', ms: 500 } },
  {
    name: 'lognormal 500 ms',
    rows: 1_000,
    parallel: MOST,
    latency: { kind: 'lognormal', meanMs: 500, sigma: 1 },
  },
  {
    name: 'pareto from 200 ms',
    rows: 1_000,
    parallel: MOST,
    latency: { kind: 'pareto', minMs: 200, alpha: 1.5, maxMs: 20_000 },
  },
  {
    name: 'half known, lognormal',
    rows: 1_000,
    parallel: [10, 50],
    latency: { kind: 'lognormal', meanMs: 500, sigma: 1 },
    known: 0.5,
  },
  {
    name: '600 a minute, 500 ms',
    rows: 1_000,
    parallel: [10, 50],
    latency: { kind: 'constant', ms: 500 },
    limits: { rpm: 600, windowMs: 1_000 },
  },
  {
    name: 'computes 5 ms',
    rows: 1_000,
    parallel: [2, 10],
    latency: { kind: 'constant', ms: 5 },
    asks: false,
  },
  {
    name: 'ten rows, lognormal',
    rows: 10,
    parallel: [5, 10],
    latency: { kind: 'lognormal', meanMs: 500, sigma: 1 },
  },
];

type Choice = Omit<Scene, 'parallel' | 'known'>;

const CANDIDATES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/** Worker threads of the simulated machine. Rows that compute do not become faster with more lanes than threads. */
const THREADS = 2;
const LOGNORMAL = (meanMs: number): Latency => ({ kind: 'lognormal', meanMs, sigma: 1 });

/** Limits and latencies for which `strategy = 'auto'` chooses n. */
const CHOICES: readonly Choice[] = [
  { name: 'no limits told', rows: 1_000, latency: LOGNORMAL(500) },
  ...[60, 600, 6_000].flatMap((rpm) =>
    [200, 2_000].map((ms) => ({
      name: `${rpm} a minute, ${ms} ms`,
      rows: 1_000,
      latency: LOGNORMAL(ms),
      limits: { rpm },
    })),
  ),
  {
    name: '600 in even parts, 2000 ms',
    rows: 1_000,
    latency: LOGNORMAL(2_000),
    limits: { rpm: 600, windowMs: 1_000 },
  },
  { name: '32 in flight', rows: 1_000, latency: LOGNORMAL(500), limits: { inFlight: 32 } },
  {
    name: '32 in flight, 600 a minute',
    rows: 1_000,
    latency: LOGNORMAL(2_000),
    limits: { inFlight: 32, rpm: 600 },
  },
  { name: 'computes', rows: 1_000, latency: { kind: 'constant', ms: 5 }, asks: false },
];

/** Makes the table: the time of every strategy in whole milliseconds, and the least time that is possible with n lanes. */
export async function simulatedTable(): Promise<string> {
  const lines: string[][] = [['', 'n', 'rows', 'least', ...STRATEGIES, 'first row']];
  for (const scene of SCENES) {
    for (const parallel of scene.parallel) lines.push(await lineOf(scene, parallel));
  }
  const chosen: string[][] = [['', 'chosen n', 'ms', 'best n', 'ms', '× best']];
  for (const scene of CHOICES) chosen.push(await choiceOf(scene));
  return `${aligned(lines).join('\n')}\n\n${aligned(chosen).join('\n')}\n`;
}

/** Returns the n that `strategy = 'auto'` chooses, and the best of the candidates that the limits allow. */
async function choiceOf({ name, rows, latency, asks = true, limits = {} }: Choice) {
  const { delays } = drawn({ rows, latency });
  const callMs = delays.reduce((all, one) => all + one, 0) / rows;
  const { parallel } = chooseParallel({
    ...{ asks, threads: THREADS, callMs, isAssumed: false },
    limits: [limits],
  });
  const timeAt = async (n: number) =>
    (await simulate({ strategy: 'batch', parallel: n, delays, asks, limits })).ms;
  const most = asks ? (limits.inFlight ?? (limits.rpm === undefined ? 10 : 1_000)) : THREADS;
  let best = { n: parallel, ms: await timeAt(parallel) };
  const { ms } = best;
  for (const n of CANDIDATES.filter((one) => one <= most)) {
    const other = await timeAt(n);
    if (other < best.ms) best = { n, ms: other };
  }
  const figures = [parallel, Math.round(ms), best.n, Math.round(best.ms)].map(String);
  return [name, ...figures, (ms / best.ms).toFixed(2)];
}

/** Draws the time of each row, in ms. */
function drawn({ rows, latency, known = 0 }: Pick<Scene, 'rows' | 'latency' | 'known'>) {
  const random = createRandom(SEED);
  const delays = Array.from({ length: rows }, (_, row) => {
    const delay = Math.round(drawLatency(latency, random));
    return row < rows * known ? 0 : delay;
  });
  return { delays };
}

async function lineOf(scene: Scene, parallel: number): Promise<string[]> {
  const { name, rows, latency, known = 0, asks = true, limits } = scene;
  const { delays } = drawn({ rows, latency, known });
  const sum = delays.reduce((all, one) => all + one, 0);
  const paced = limits?.rpm === undefined ? 0 : (rows / limits.rpm) * 60_000 - 1_000;
  const least = Math.max(sum / parallel, paced, ...delays);
  const cells: string[] = [];
  let firstRowMs = 0;
  for (const strategy of STRATEGIES) {
    const outcome = await simulate({
      ...{ strategy, parallel, delays, asks },
      ...(limits === undefined ? {} : { limits }),
    });
    if (outcome.atOnce > parallel)
      throw new Error(`${strategy} had ${outcome.atOnce} rows at once`);
    if (strategy === 'batch') firstRowMs = outcome.firstRowMs;
    cells.push(String(Math.round(outcome.ms)));
  }
  return [
    name,
    String(parallel),
    String(rows),
    String(Math.ceil(least)),
    ...cells,
    String(Math.round(firstRowMs)),
  ];
}
