/** Measures how soon a running engine answers: a MAP of few rows, and the first row of a SELECT. */
import { Worker } from 'node:worker_threads';
import { DuckDBInstance } from '@duckdb/node-api';
import { Engine } from '../../src/index.ts';
import { quantile } from '../../src/report/measures.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Suite, Variant } from '../suite.ts';

const WARM_UP = 30;
const ROUNDS = 200;
const FIRST_ROUNDS = 5;
const MANY = 5_000_000;

const queryOf = (rows: number) =>
  `SELECT range AS id, 'product ' || range AS name FROM range(${rows})`;
const mapOf = (rows: number) =>
  `RVBBIT MAP PARALLEL 4 'upper.yaml' AS up USING (SELECT * FROM (${queryOf(rows)}))`;
const PLAIN = `SELECT range AS id FROM range(${MANY})`;
const ORDERED = `SELECT range AS id FROM range(${MANY}) ORDER BY hash(range)`;

/** Returns the median time of some rounds, after warm-up rounds that make it steady. */
async function medianOf(work: () => Promise<unknown>, rounds: number, warmUp: number) {
  const times: number[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const startMs = performance.now();
    await work();
    if (round >= 0) times.push(performance.now() - startMs);
  }
  return { ms: quantile(times, 0.5)! };
}

/** The same work without an engine: a script runs a query, and sends its rows to a thread and back. */
function byHand(rows: number): Variant {
  return {
    name: `by hand, ${rows}`,
    async measure() {
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      const worker = new Worker(
        "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (names) => parentPort.postMessage(names.map((name) => name.toUpperCase())));",
        { eval: true },
      );
      const upper = (names: readonly unknown[]) =>
        new Promise<readonly string[]>((resolve) => {
          worker.once('message', resolve);
          worker.postMessage(names);
        });
      const sample = await medianOf(
        async () => {
          const found = await (await connection.run(queryOf(rows))).getRowObjectsJS();
          const values = await upper(found.map(({ name }) => name));
          return found.map((row, index) => ({ ...row, up: values[index] }));
        },
        ROUNDS,
        WARM_UP,
      );
      await worker.terminate();
      return sample;
    },
  };
}

function byEngine(rows: number): Variant {
  return {
    name: `MAP, ${rows}`,
    async measure() {
      await using engine = await Engine.open({ cascades: cascadeRoot });
      return await medianOf(() => engine.query(mapOf(rows)), ROUNDS, WARM_UP);
    },
  };
}

function firstRow(name: string, sql: string): Variant {
  return {
    name,
    async measure() {
      await using engine = await Engine.open();
      const first = async () => {
        for await (const row of engine.stream(sql)) return row;
        return undefined;
      };
      return await medianOf(first, FIRST_ROUNDS, 1);
    },
  };
}

/** DuckDB's own time to its first rows. */
const ordered: Variant = {
  name: 'first row by DuckDB, ordered',
  async measure() {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    return medianOf(async () => (await connection.stream(ORDERED)).fetchChunk(), FIRST_ROUNDS, 1);
  },
};

export const latency: Suite = {
  name: 'latency',
  about:
    'a MAP of 1 and of 100 rows, warm, beside the same by hand; the first row of a SELECT of 5M',
  variants: [
    byHand(1),
    byEngine(1),
    byHand(100),
    byEngine(100),
    firstRow('first row', PLAIN),
    ordered,
    firstRow('first row, ordered', ORDERED),
  ],
  figures: (median) => [
    { name: 'a MAP of 1 row', value: median('MAP, 1', 'ms'), unit: ' ms', atMost: 4 },
    { name: 'a MAP of 100 rows', value: median('MAP, 100', 'ms'), unit: ' ms', atMost: 6 },
    { name: 'the first row', value: median('first row', 'ms'), unit: ' ms', atMost: 15 },
    {
      name: 'the first row of an ORDER BY, against DuckDB',
      value: median('first row, ordered', 'ms') / median('first row by DuckDB, ordered', 'ms'),
      unit: '×',
      atMost: 1.1,
    },
  ],
};
