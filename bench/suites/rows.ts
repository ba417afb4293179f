/** Cheap rows: compares a million rows through a js cell into a table with only reading and appending them. */
import { DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { Engine } from '../../src/index.ts';
import { cascadeRoot, examplesRoot } from '../fixture-root.ts';
import { peakRssMb, type Suite, type Variant } from '../suite.ts';

const ROWS = 1_000_000;
const SOURCE = `SELECT range AS id, 'product ' || range AS name, range * 0.01 AS price, range % 2 = 0 AS stocked, CASE WHEN range % 10 = 0 THEN NULL ELSE 'note ' || range END AS note FROM range(${ROWS})`;

/** A js cell with `when` and `output_schema`, as in the repository's examples. */
const CHECKED = { root: examplesRoot, file: 'price_band.yaml' };
const BARE = { root: cascadeRoot, file: 'upper.yaml' };

type Body = (rows: number, option?: string) => string;

/** Measures a statement whose rows are all read. */
function map(
  name: string,
  { root, file }: typeof BARE,
  statementOf: (body: Body) => string,
): Variant {
  return {
    name,
    async measure() {
      await using engine = await Engine.open({ cascades: root });
      await engine.query(`CREATE TABLE source AS ${SOURCE}`);
      const body: Body = (rows, option) =>
        `RVBBIT MAP PARALLEL 4 '${file}' AS value USING (SELECT * FROM source LIMIT ${rows}) WITH (${[`limit = ${rows}`, option].filter((one) => one !== undefined).join(', ')})`;
      await engine.query(body(100));
      const startMs = performance.now();
      const stream = engine.stream(statementOf(body));
      for await (const _ of stream);
      const ms = performance.now() - startMs;
      const { rows: settled } = await stream.summary;
      if (settled.ok !== ROWS) throw new Error(`only ${settled.ok} rows`);
      return { ms, rssMb: peakRssMb() };
    },
  };
}

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
    map('MAP into a table', BARE, (body) => `CREATE TABLE copy AS ${body(ROWS)}`),
    map('MAP into as_table, rows read', BARE, (body) => body(ROWS, "as_table = 'copy'")),
    map('MAP, rows read', BARE, (body) => body(ROWS)),
    map('with when and output_schema', CHECKED, (body) => `CREATE TABLE copy AS ${body(ROWS)}`),
  ],
  figures: (median) => [
    {
      name: 'MAP against reading and appending',
      value: median('MAP into a table', 'ms') / median('read and append', 'ms'),
      unit: '×',
      atMost: 2.5,
    },
    {
      name: 'when and output_schema against a bare cell',
      value: median('with when and output_schema', 'ms') / median('MAP into a table', 'ms'),
      unit: '×',
      atMost: 1.5,
    },
    {
      name: 'CREATE TABLE AS against rows read alone',
      value: median('MAP into a table', 'ms') / median('MAP, rows read', 'ms'),
      unit: '×',
      atMost: 1.2,
    },
    {
      name: 'as_table against rows read alone',
      value: median('MAP into as_table, rows read', 'ms') / median('MAP, rows read', 'ms'),
      unit: '×',
      atMost: 1.2,
    },
    ...['MAP into a table', 'MAP into as_table, rows read', 'with when and output_schema'].map(
      (variant) => ({
        name: `resident set: ${variant}`,
        value: median(variant, 'rssMb'),
        unit: ' MiB',
        atMost: 512,
      }),
    ),
  ],
};
