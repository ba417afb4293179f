/** The workloads on which the strategies are compared. Every strategy gets the same questions and latencies. */
import type { SimulatorOptions } from '../../src/sim/script.ts';

export interface Workload {
  readonly name: string;
  /** One line for the table. */
  readonly about: string;
  readonly rows: number;
  readonly parallel: number;
  /** The simulated server of the model calls; undefined if the rows only compute. */
  readonly sim?: SimulatorOptions;
  /** The engine's limit for the provider: the most calls in any second. */
  readonly callsPerSecond?: number;
  /** The number of rows, from the first on, whose answers are cache hits. */
  readonly known?: number;
  /** The cascade of the rows, if it is neither a model call nor the loop. */
  readonly cascade?: 'upper.yaml';
  /** A statement that replaces the MAP over all rows. */
  readonly statement?: Statement;
  /** Ways that are not measured, because they show nothing new and take long. */
  readonly without?: readonly string[];
}

export interface Statement {
  /** The statement, which follows the annotations. */
  readonly sql: string;
  /** Reads the rows that the statement has written. */
  readonly readBack?: string;
  /** The expected rows of `readBack`, or of `sql` without it, as JSON. */
  readonly expected: readonly string[];
}

export const SEED = 7;
/** The price of the simulated model, in USD per million tokens. */
export const PRICE = { inputPerMtok: 2.5, outputPerMtok: 10 };
/** The number of turns of the loop in a CPU-bound row. */
export const TURNS = 400_000;

const CONSTANT_50 = { kind: 'constant', ms: 50 } as const;
/** Half of the calls take less than 30 ms, and one in a hundred takes more than 300 ms. */
const HEAVY_50 = { kind: 'lognormal', meanMs: 50, sigma: 1 } as const;

/** Ways with one call after another. The workload `constant` already shows their time. */
const SERIAL = ['sequential', 'udf', 'udf union all'];
/** Ways that show nothing new in addition to `union_all`, because they also use branches by hash. */
const BRANCHES = ['n sessions'];

/** The workloads of `npm run bench`. */
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
    without: ['union_all', ...BRANCHES, ...SERIAL],
  },
  {
    name: 'cpu',
    about: `200 rows, each a loop of ${TURNS} turns in JavaScript, n = 2 on two threads`,
    rows: 200,
    parallel: 2,
    without: ['static', 'union_all'],
  },
];

const ITEMS = "(SELECT range AS id, 'item ' || range || ' of the list' AS d FROM range(200))";
/** The model's answers, which are true for one item in ten. */
const TRUE_OF_SEVENS = [
  { when: { matches: 'item \\d*7 ' }, answer: { answer: true } },
  { answer: { answer: false } },
];
const SEVENS = Array.from({ length: 20 }, (_, index) => 10 * index + 7);

/** Statements with an operation above a semantic filter. */
const ABOVE: readonly Pick<
  Workload & { statement: Statement },
  'name' | 'statement' | 'without'
>[] = [
  {
    name: 'LIMIT',
    statement: {
      sql: `SELECT id FROM ${ITEMS} WHERE d MEANS 'rare' LIMIT 5`,
      expected: SEVENS.slice(0, 5).map((id) => JSON.stringify({ id })),
    },
    // These strategies ask out of order, so a LIMIT could not stop them early. The engine refuses them.
    without: ['static', 'union_all'],
  },
  {
    name: 'GROUP BY',
    statement: {
      sql: `SELECT id % 3 AS k, count(*)::INTEGER AS n FROM ${ITEMS} WHERE d MEANS 'rare' GROUP BY k ORDER BY k`,
      expected: [0, 1, 2].map((k) =>
        JSON.stringify({ k, n: SEVENS.filter((id) => id % 3 === k).length }),
      ),
    },
  },
  {
    name: 'ORDER BY',
    statement: {
      sql: `SELECT id FROM ${ITEMS} WHERE d MEANS 'rare' ORDER BY id DESC`,
      expected: SEVENS.map((id) => JSON.stringify({ id })).reverse(),
    },
  },
  {
    name: 'CREATE TABLE',
    statement: {
      sql: `CREATE TABLE made AS SELECT id FROM ${ITEMS} WHERE d MEANS 'rare'`,
      readBack: 'SELECT id FROM made ORDER BY id',
      expected: SEVENS.map((id) => JSON.stringify({ id })),
    },
  },
];

/** The workloads that `--report` adds: quick workloads on fewer and on more lanes. */
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

/** Returns the name that workloads share if they differ only in n. */
export function familyOf({ name }: Workload): string {
  return name.replace(/ n=\d+$/, '');
}

/** The workloads that `--full` adds. */
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
      without: [...BRANCHES, ...SERIAL],
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
    without: ['bare client', ...BRANCHES, ...SERIAL],
  },
  {
    name: 'large rows',
    about: '200 rows of 8 KB, each a model call of 50 ms, n = 50',
    rows: 200,
    parallel: 50,
    sim: { latency: CONSTANT_50, seed: SEED },
    without: [...BRANCHES, ...SERIAL],
  },
  {
    name: 'rate limit',
    about: '200 rows, each a model call of 200 ms, at most 50 a second, n = 50',
    rows: 200,
    parallel: 50,
    sim: { latency: { kind: 'constant', ms: 200 }, seed: SEED },
    callsPerSecond: 50,
    without: ['bare client', ...BRANCHES, ...SERIAL],
  },
  {
    name: 'half known',
    about: '400 rows, each a model call of 50 ms, half of them answered before, n = 10',
    rows: 400,
    parallel: 10,
    sim: { latency: HEAVY_50, seed: SEED },
    known: 200,
    without: ['bare client', ...BRANCHES, ...SERIAL],
  },
  {
    name: 'cheap cell',
    about: '20,000 rows, each turned to upper case in JavaScript, n = 2 on two threads',
    rows: 20_000,
    parallel: 2,
    cascade: 'upper.yaml',
    without: ['bare client'],
  },
  ...ABOVE.map(
    ({ name, statement, without = [] }): Workload => ({
      name,
      about: `${name} above a semantic filter on 200 rows, calls of 50 ms, n = 10`,
      rows: 200,
      parallel: 10,
      sim: { latency: HEAVY_50, seed: SEED, rules: TRUE_OF_SEVENS },
      statement,
      without: ['bare client', 'udf', 'udf union all', ...without],
    }),
  ),
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
    without: [...BRANCHES, ...SERIAL],
  },
];

/** Returns the SQL of the rows: `id`, and the cascade's input `question` or `name`. */
export function sourceOf({ name, rows, cascade }: Workload): string {
  if (cascade !== undefined)
    return `SELECT range AS id, 'row ' || range AS name FROM range(${rows})`;
  const filler = name === 'large rows' ? ` || repeat(' and so on', 800)` : '';
  return `SELECT range AS id, 'question ' || range${filler} AS question FROM range(${rows})`;
}
