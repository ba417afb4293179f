/** SQL cells: compares one query of some milliseconds for each row with the same queries on bare connections. */
import { DuckDBInstance } from '@duckdb/node-api';
import { Engine } from '../../src/index.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Suite, Variant } from '../suite.ts';

const ROWS = 200;
const SQL = 'SELECT count(*) AS n FROM range(300000) r(i) WHERE hash(i + $1) % 7 = 3';

function bare(name: string, connections: number): Variant {
  return {
    name,
    async measure() {
      const instance = await DuckDBInstance.create(':memory:');
      const open = await Promise.all(Array.from({ length: connections }, () => instance.connect()));
      let next = 0;
      const startMs = performance.now();
      await Promise.all(
        open.map(async (connection) => {
          for (let n = next++; n < ROWS; n = next++) await connection.run(SQL, [n]);
        }),
      );
      return { ms: performance.now() - startMs };
    },
  };
}

function cells(parallel: number): Variant {
  return {
    name: `SQL cells, n = ${parallel}`,
    async measure() {
      await using engine = await Engine.open({ cascades: cascadeRoot });
      const map = (rows: number) =>
        engine.query(
          `RVBBIT MAP PARALLEL ${parallel} 'count.yaml' AS v USING (SELECT range AS n FROM range(${rows}))`,
        );
      await map(10);
      const startMs = performance.now();
      const { summary } = await map(ROWS);
      if (summary.rows.ok !== ROWS) throw new Error(`only ${summary.rows.ok} rows`);
      return { ms: performance.now() - startMs };
    },
  };
}

export const sqlcells: Suite = {
  name: 'sqlcells',
  about: `${ROWS} rows, each with a query of some milliseconds, beside the same on bare connections`,
  variants: [bare('one connection', 1), bare('two connections', 2), cells(1), cells(4)],
  figures: (median) => [
    {
      name: 'one at a time, against one connection',
      value: median('SQL cells, n = 1', 'ms') / median('one connection', 'ms'),
      unit: '×',
      atMost: 1.5,
    },
    {
      name: 'four at a time, against two connections',
      value: median('SQL cells, n = 4', 'ms') / median('two connections', 'ms'),
      unit: '×',
      atMost: 1.3,
    },
  ],
};
