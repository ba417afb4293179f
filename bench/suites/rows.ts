/** Cheap rows: a million through a js cell into a table, beside reading and appending them bare. */
import { DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { Engine } from '../../src/index.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { peakRssMb, type Suite } from '../suite.ts';

const ROWS = 1_000_000;
const SOURCE = `SELECT range AS id, 'product ' || range AS name, range * 0.01 AS price, range % 2 = 0 AS stocked, CASE WHEN range % 10 = 0 THEN NULL ELSE 'note ' || range END AS note FROM range(${ROWS})`;

export const rows: Suite = {
  name: 'rows',
  about: `${ROWS / 1e6}M rows × 5 columns through a js cell into a table, against reading and appending them`,
  variants: [
    {
      name: 'read and append',
      async measure() {
        const instance = await DuckDBInstance.create(':memory:');
        const connection = await instance.connect();
        await connection.run(`CREATE TABLE source AS ${SOURCE}`);
        await connection.run(
          'CREATE TABLE copy (id BIGINT, name VARCHAR, price DOUBLE, stocked BOOLEAN, note VARCHAR)',
        );
        const startMs = performance.now();
        const result = await connection.run('SELECT * FROM source');
        const appender = await connection.createAppender('copy');
        const types = result.columnTypes();
        for await (const chunk of result) {
          const copy = DuckDBDataChunk.create(types, chunk.rowCount);
          copy.setColumns(chunk.getColumns());
          appender.appendDataChunk(copy);
        }
        appender.closeSync();
        return { ms: performance.now() - startMs, rssMb: peakRssMb() };
      },
    },
    {
      name: 'MAP into a table',
      async measure() {
        await using engine = await Engine.open({ cascades: cascadeRoot });
        await engine.query(`CREATE TABLE source AS ${SOURCE}`);
        await engine.query(`RVBBIT MAP 'upper.yaml' AS up USING (SELECT * FROM source LIMIT 100)`);
        const startMs = performance.now();
        const { summary } = await engine.query(
          `CREATE TABLE copy AS RVBBIT MAP PARALLEL 4 'upper.yaml' AS up USING (SELECT * FROM source) WITH (limit = ${ROWS})`,
        );
        const ms = performance.now() - startMs;
        if (summary.rows.ok !== ROWS) throw new Error(`only ${summary.rows.ok} rows`);
        return { ms, rssMb: peakRssMb() };
      },
    },
  ],
  figures: (median) => [
    {
      name: 'MAP against reading and appending',
      value: median('MAP into a table', 'ms') / median('read and append', 'ms'),
      unit: '×',
      atMost: 2.5,
    },
    {
      name: 'resident set of MAP',
      value: median('MAP into a table', 'rssMb'),
      unit: ' MiB',
      atMost: 512,
    },
  ],
};
