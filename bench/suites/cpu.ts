/** CPU-bound rows: the same arithmetic in a js cell and in a plain Piscina script, on one worker thread and on two. */
import { Piscina } from 'piscina';
import { Engine } from '../../src/index.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Sample, Suite, Variant } from '../suite.ts';

const ROWS = 2_000;
const WARM_UP = 100;
/** The metric for the sum of the rows' results, which is the same in every variant. */
const SUM = 'sum';

function engine(threads: number): Variant {
  return {
    name: `engine, ${threadsText(threads)}`,
    async measure() {
      await using opened = await Engine.open({ cascades: cascadeRoot, threads });
      const map = async (rows: number) => {
        const result = await opened.query(
          `RVBBIT MAP PARALLEL ${2 * threads} 'modulo.yaml' AS sum USING (SELECT range AS id FROM range(${rows})) WITH (limit = ${rows})`,
        );
        return result.rows.reduce((sum, row) => sum + Number(row['sum']), 0);
      };
      return await timed(map);
    },
  };
}

function piscina(threads: number): Variant {
  return {
    name: `Piscina, ${threadsText(threads)}`,
    async measure() {
      const filename = new URL('../modulo-worker.js', import.meta.url).href;
      const pool = new Piscina({ filename, minThreads: threads, maxThreads: threads });
      const sums = async (rows: number) => {
        const ids = Array.from(
          { length: rows },
          (_, id) => pool.run({ id }, { name: 'modulo' }) as Promise<number>,
        );
        return (await Promise.all(ids)).reduce((sum, one) => sum + one, 0);
      };
      try {
        return await timed(sums);
      } finally {
        await pool.destroy();
      }
    },
  };
}

async function timed(work: (rows: number) => Promise<number>): Promise<Sample> {
  await work(WARM_UP);
  const startMs = performance.now();
  const sum = await work(ROWS);
  return { ms: performance.now() - startMs, [SUM]: sum };
}

function threadsText(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

export const cpu: Suite = {
  name: 'cpu',
  about: `${ROWS} rows of a loop with 400,000 turns, in a js cell and in a plain Piscina script`,
  variants: [engine(1), piscina(1), engine(2), piscina(2)],
  figures: (median) => [
    ...[1, 2].map((threads) => ({
      name: `${threadsText(threads)}: engine against Piscina`,
      value:
        median(`engine, ${threadsText(threads)}`, 'ms') /
        median(`Piscina, ${threadsText(threads)}`, 'ms'),
      unit: '×',
      atMost: 1.05,
    })),
    {
      name: 'two threads of the engine against one',
      value: median('engine, 1 thread', 'ms') / median('engine, 2 threads', 'ms'),
      unit: '×',
      atLeast: 1.9,
    },
    {
      name: 'sum of the results, engine less Piscina',
      value: median('engine, 2 threads', SUM) - median('Piscina, 2 threads', SUM),
      unit: '',
      atLeast: 0,
      atMost: 0,
    },
  ],
};
