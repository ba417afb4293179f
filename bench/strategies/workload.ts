/** What the strategies are compared on: rows with the same questions and latencies for each of them. */
import type { SimulatorOptions } from '../../src/sim/script.ts';

export interface Workload {
  readonly name: string;
  /** One line for the table. */
  readonly about: string;
  readonly rows: number;
  readonly parallel: number;
  /** Of model calls, by the simulated server; undefined where the rows compute. */
  readonly sim?: SimulatorOptions;
  /** Ways that are left out, since they show nothing new and take long. */
  readonly without?: readonly string[];
}

export const SEED = 7;
/** Of the simulated model, in USD for a million tokens. */
export const PRICE = { inputPerMtok: 2.5, outputPerMtok: 10 };
/** Turns of the loop that a CPU-bound row makes. */
export const TURNS = 400_000;

const CONSTANT_50 = { kind: 'constant', ms: 50 } as const;
/** Half of the calls are below 30 ms, one in a hundred is above 300. */
const HEAVY_50 = { kind: 'lognormal', meanMs: 50, sigma: 1 } as const;

/** One call after another, whose time is known from `constant`. */
const SERIAL = ['sequential', 'udf', 'udf union all'];

/** Those of `npm run bench`. */
export const QUICK: readonly Workload[] = [
  {
    name: 'constant',
    about: '60 rows, each a model call of 50 ms, n = 10',
    rows: 60,
    parallel: 10,
    sim: { latency: CONSTANT_50, seed: SEED },
  },
  {
    name: 'heavy tail',
    about: '60 rows, each a model call of 50 ms in the mean, few of them long, n = 10',
    rows: 60,
    parallel: 10,
    sim: { latency: HEAVY_50, seed: SEED },
    without: SERIAL,
  },
  {
    name: 'cpu',
    about: `200 rows, each a loop of ${TURNS} turns in JavaScript, n = 2 on two threads`,
    rows: 200,
    parallel: 2,
    without: ['union_all'],
  },
];

/** Those that `--report` adds: the rows of the quick ones on fewer and on more lanes. */
export const SWEEP: readonly Workload[] = QUICK.filter(({ sim }) => sim !== undefined).flatMap(
  (workload) =>
    [4, 20].map((parallel) => ({
      ...workload,
      name: `${workload.name} n=${parallel}`,
      about: workload.about.replace('n = 10', `n = ${parallel}`),
      parallel,
      without: SERIAL,
    })),
);

/** The name that workloads share which differ in n alone. */
export function familyOf({ name }: Workload): string {
  return name.replace(/ n=\d+$/, '');
}

/** Those that `--full` adds. */
export const FULL: readonly Workload[] = [
  ...[10, 50, 200].flatMap((parallel): Workload[] =>
    (
      [
        ['constant', { kind: 'constant', ms: 500 }],
        ['heavy tail', { kind: 'lognormal', meanMs: 500, sigma: 1 }],
      ] as const
    ).map(([kind, latency]) => ({
      name: `500 ms ${kind} n=${parallel}`,
      about: `${20 * parallel} rows, each a model call of 500 ms${kind === 'constant' ? '' : ' in the mean, few of them long'}`,
      rows: 20 * parallel,
      parallel,
      sim: { latency, seed: SEED },
      without: SERIAL,
    })),
  ),
  {
    name: 'faults',
    about: '200 rows, each a model call of 50 ms, one call in twenty answered 503, n = 10',
    rows: 200,
    parallel: 10,
    sim: {
      latency: CONSTANT_50,
      seed: SEED,
      rules: [{ when: { probability: 0.05, attempt: 1 }, status: 503 }],
    },
    without: ['bare client', ...SERIAL],
  },
  {
    name: 'large rows',
    about: '200 rows of 8 KB, each a model call of 50 ms, n = 50',
    rows: 200,
    parallel: 50,
    sim: { latency: CONSTANT_50, seed: SEED },
    without: SERIAL,
  },
  {
    name: 'n = 1',
    about: '20 rows, each a model call of 50 ms, n = 1',
    rows: 20,
    parallel: 1,
    sim: { latency: CONSTANT_50, seed: SEED },
  },
  {
    name: 'n = 1,000',
    about: '5,000 rows, each a model call of 1 s, n = 1,000',
    rows: 5_000,
    parallel: 1_000,
    sim: { latency: { kind: 'constant', ms: 1_000 }, seed: SEED },
    without: SERIAL,
  },
];

/** SQL of the rows: `id`, and `question` where a model is asked. */
export function sourceOf({ name, rows }: Workload): string {
  const filler = name === 'large rows' ? ` || repeat(' and so on', 800)` : '';
  return `SELECT range AS id, 'question ' || range${filler} AS question FROM range(${rows})`;
}
