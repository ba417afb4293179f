/** A MAP that is kept in memory gives what the same MAP gives by way of temp tables. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult, type ValueForm } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const js = (id: string, code: string) =>
  `cascade_id: ${id}\ncells:\n  - { name: a, tool: js, inputs: { code: ${JSON.stringify(code)} } }\n`;
const cascades = makeFolder({
  'show.yaml': js(
    'show',
    'return `${input.c === undefined} ${JSON.stringify(input.c)} ${Object.is(input.c, -0)}`;',
  ),
  'odd.yaml': js('odd', "if (Number(input.c) % 2 === 1) throw new Error('odd'); return input.c;"),
  'blind.yaml': `inputs_schema: { type: object, additionalProperties: false }\n${js('blind', 'return 1;')}`,
});
const engine = await Engine.open({ cascades, threads: 1 });
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});

const VALUES: Readonly<Record<string, string>> = {
  'numbers with -0, NULL and NaN':
    "SELECT unnest([0.0, -0.0, NULL, 'nan'::DOUBLE, 0.0, -0.0])::DOUBLE AS c",
  'texts that differ by case': "SELECT unnest(['a', 'A', 'a', NULL]) COLLATE NOCASE AS c",
  'intervals that are equal': "SELECT unnest([INTERVAL '30 days', INTERVAL '1 month']) AS c",
  'nested values': "SELECT unnest([{'x': [0.0]}, {'x': [-0.0]}, {'x': [0.0]}]) AS c",
  'unnamed structs': "SELECT row(1, 'x') AS c FROM range(2)",
  'names that repeat': 'SELECT 1 AS c, 2 AS c, 3 AS C',
  'a column called __proto__': 'SELECT 5 AS c, 7 AS "__proto__"',
  'no rows': 'SELECT 1 AS c WHERE false',
  'rows in an order': 'SELECT range % 7 AS c FROM range(50) ORDER BY hash(range)',
};
/** Each once as it is and once with a LIMIT above what is kept in memory. */
const both = (cascade: string, query: string, options = '') =>
  [query, `SELECT * FROM (${query}) LIMIT 1000000`].map(
    (each) => `RVBBIT MAP PARALLEL 3 '${cascade}' AS v USING (${each})${options}`,
  );
const told = ({ columns, rows, rowCount, summary }: QueryResult) => ({
  columns,
  rows: rows.map((row) => Object.entries(row)),
  rowCount,
  figures: summary.rows,
  runs: summary.runs,
});

test('columns, rows, types and figures are the same', async () => {
  const forms: readonly ValueForm[] = ['js', 'json', 'json-numbers'];
  for (const [what, query] of Object.entries(VALUES)) {
    for (const valueForm of forms) {
      for (const options of ['', ' WITH (dedupe = false)']) {
        const [held, staged] = await Promise.all(
          both('show.yaml', query, options).map((sql) =>
            engine.query(sql, undefined, { valueForm }),
          ),
        );
        assert.equal(told(held!), told(staged!), `${what} as ${valueForm}${options}`);
      }
    }
  }
});

test('failed rows stand as on_error says, with their failure beside them', async () => {
  const query = 'SELECT range % 6 AS c FROM range(20)';
  for (const onError of ["'null'", "'skip'", "'default:none'"]) {
    const options = ` WITH (on_error = ${onError}, error_column = 'e')`;
    const [held, staged] = await Promise.all(
      both('odd.yaml', query, options).map((sql) => engine.query(sql)),
    );
    assert.equal(told(held!), told(staged!), onError);
    assert.ok(held!.summary.rows.failed > 0);
  }
});

test('a cascade that reads nothing runs once, and a parameter is bound', async () => {
  const sql = "RVBBIT MAP 'blind.yaml' AS v USING (SELECT range AS c FROM range($1))";
  const { rows, summary } = await engine.query(sql, [9]);
  assert.is(rows.length, 9);
  assert.is(summary.runs, 1);
});

test('its rows stream in order as they become known', async () => {
  for (const sql of both('show.yaml', 'SELECT range % 5 AS c FROM range(40)')) {
    const rows: unknown[] = [];
    for await (const row of engine.stream(sql)) rows.push(row['v']);
    assert.equal(
      rows,
      Array.from({ length: 40 }, (_, n) => `false ${n % 5} false`),
    );
  }
});

test('it leaves no table behind', async () => {
  await engine.query("RVBBIT MAP 'show.yaml' AS v USING (SELECT 1 AS c)");
  const tables = await engine.query("SELECT * FROM duckdb_tables() WHERE table_name LIKE 'rvb%'");
  assert.is(tables.rowCount, 0);
});

test.run();
