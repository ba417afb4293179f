import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult, type ValueForm } from '../../src/index.ts';
import { deep, reportCases } from '../support/cases.ts';

const root = new URL('../../../', import.meta.url);
const cascades = fileURLToPath(new URL('test/fixtures/cascades', root));

const engine = await Engine.open({ cascades, threads: 1 });
await engine.query("SET TimeZone = 'America/New_York'");

/** Every type that `docs/values.md` promises, as expressions. */
const documented = [
  ...(await readFile(new URL('docs/values.md', root), 'utf8')).matchAll(
    /^\| `([^`]+)` \| `([^`]+)` \| `/gm,
  ),
].map(([, type, expression]) => ({ type: type!, expression: expression! }));

/** Nested, empty and extreme values besides. */
const FURTHER = [
  'NULL',
  "''",
  "'a' || chr(0) || 'b'",
  "'äöü 🦆 𝕏'",
  '[]::INTEGER[]',
  '[[NULL], NULL, []]::VARCHAR[][]',
  "{'a': {'b': [{'c': DATE '2024-02-29'}]}}",
  "MAP {[1, 2]: {'x': NULL}}",
  'MAP {}::MAP(VARCHAR, INTEGER)',
  '[MAP {1: 1.10::DECIMAL(4,2)}]',
  "{'with \"quotes\"': 1, ' ': 2}",
  '(-0.0)::DOUBLE',
  "'-nan'::FLOAT",
  '99999999999999999999999999999999999999::DECIMAL(38,0)',
  '(-0.00000000000000000001)::DECIMAL(38,20)',
  "''::BLOB",
  "'1'::BIT",
  'NULL::STRUCT(a INTEGER)',
  'NULL::INTEGER[3]',
  "INTERVAL '-1 month 40 days -3 seconds'",
  "'long ' || repeat('x', 100000)",
];

const expressions = [
  // A table has to name a struct's fields; that has a test of its own.
  ...documented.map(({ expression }) => expression).filter((text) => !text.startsWith('row(')),
  ...FURTHER,
];

/** Columns that a statement has at once; reads-columns.yaml reads as many. */
const GROUP = 11;
const groups = Array.from({ length: Math.ceil(expressions.length / GROUP) }, (_, index) =>
  expressions.slice(index * GROUP, (index + 1) * GROUP),
);

const EVERY_TYPE = `SELECT ${expressions.map((text, index) => `${text} AS c${index}`).join(', ')} FROM range(3)`;

function map(query: string, options = ''): string {
  return `RVBBIT MAP PARALLEL 3 'constant.yaml' AS rvb_v USING (${query})${options && ` WITH (${options})`}`;
}

/** The same columns and values as the query alone gives, and the cascade's column after them. */
function assertSame(mapped: QueryResult, plain: QueryResult, what: string): void {
  assert.equal(mapped.columns.slice(0, -1), plain.columns, `${what}: columns`);
  assert.equal(mapped.columns.at(-1), { name: 'rvb_v', type: 'VARCHAR' });
  assert.is(mapped.rows.length, plain.rows.length, what);
  for (const [index, row] of mapped.rows.entries()) {
    const { rvb_v: value, ...rest } = row;
    assert.equal(rest, { ...plain.rows[index] }, `${what}: row ${index}`);
    assert.is(value, 'v');
  }
}

async function compare(query: string, form: ValueForm, options = ''): Promise<void> {
  const plain = await engine.query(query, undefined, { valueForm: form });
  const mapped = await engine.query(map(query, options), undefined, { valueForm: form });
  assertSame(mapped, plain, `${query.slice(0, 200)} as ${form}`);
  const { rows } = mapped.summary;
  assert.is(rows.ok, plain.rows.length);
  assert.is(rows.failed, 0);
}

test('a column of any type keeps its type and its values, NULLs between them too', async () => {
  assert.ok(documented.length > 40, 'the table of docs/values.md was read');
  for (const group of groups) {
    const values = group.map((expression, index) => `${expression} AS c${index}`).join(', ');
    const nulls = group.map(() => 'NULL').join(', ');
    const query = `SELECT ${values}, 0 AS i UNION ALL SELECT ${nulls}, 1 UNION ALL SELECT ${values}, 2 ORDER BY i`;
    for (const form of ['js', 'json'] as const) await compare(query, form);
  }
  reportCases(2 * expressions.length, 'column types through MAP');
});

test('a cascade may read a column of any type, and rows with equal values run once', async () => {
  for (const group of groups) {
    const values = group.map((expression, index) => `${expression} AS c${index}`).join(', ');
    const query = `SELECT ${values} FROM range(4)`;
    const plain = await engine.query(query);
    const mapped = await engine.query(
      `RVBBIT MAP PARALLEL 3 'reads-columns.yaml' AS rvb_v USING (${query})`,
    );
    assertSame(mapped, plain, values);
    assert.is(mapped.summary.runs, 1, `equal inputs run once: ${values}`);
  }
  reportCases(expressions.length, 'column types read by a cascade');
});

test('every type at once, in one row', async () => {
  for (const form of ['js', 'json'] as const) {
    await compare(EVERY_TYPE, form);
    await compare(EVERY_TYPE, form, 'dedupe = false');
  }
});

test("an unnamed struct's fields come out under the names that its values have", async () => {
  const query = "SELECT row(1, 'x') AS c, [row(2.5, NULL)] AS d FROM range(3)";
  const plain = await engine.query(query);
  const mapped = await engine.query(map(query));
  assert.equal(
    mapped.rows.map(({ c, d }) => ({ c, d })),
    plain.rows.map(({ c, d }) => ({ c, d })),
  );
  assert.equal(mapped.columns[0], {
    name: 'c',
    type: 'STRUCT("element1" INTEGER, "element2" VARCHAR)',
  });
});

test('CREATE TABLE AS and as_table keep every type and value', async () => {
  const plain = await engine.query(EVERY_TYPE);
  await engine.query(`CREATE TABLE made AS ${map(EVERY_TYPE)}`);
  assertSame(await engine.query('FROM made'), plain, 'CREATE TABLE AS');
  await engine.query(map(EVERY_TYPE, "as_table = 'also_made'"));
  assertSame(await engine.query('FROM also_made'), plain, 'as_table');
});

test('INSERT keeps every type and value, in the order of the table and in another', async () => {
  const inserted = [
    ...expressions,
    "'x'::UNION(n VARCHAR, a SMALLINT)",
    "{'d': DATE '2024-02-29'}::STRUCT(d UNION(s VARCHAR, d DATE))",
    "[NULL, 'x']::UNION(b BLOB, v VARCHAR)[]",
  ];
  const columns = inserted.map((_, index) => `c${index}`);
  const values = inserted.map((text, index) => `${text} AS c${index}`);
  const query = `SELECT ${values.join(', ')} UNION ALL SELECT ${columns.map(() => 'NULL').join(', ')}`;
  const plain = await engine.query(query);
  await engine.query(`CREATE TABLE taken AS SELECT *, '' AS rvb_v FROM (${query}) LIMIT 0`);
  await engine.query(`INSERT INTO taken ${map(query)}`);
  assertSame(await engine.query('FROM taken'), plain, 'in the order of the table');
  await engine.query('TRUNCATE taken');
  const backwards = columns.toReversed().join(', ');
  await engine.query(
    `INSERT INTO taken (${backwards}, rvb_v) ${map(`SELECT ${backwards} FROM (${query})`)}`,
  );
  assertSame(await engine.query('FROM taken'), plain, 'in another order');
  reportCases(2 * inserted.length, 'column types through INSERT');
});

test('a stream gives the same values as a query', async () => {
  const plain = await engine.query(EVERY_TYPE);
  const stream = engine.stream(map(EVERY_TYPE));
  const rows = [];
  for await (const row of stream) rows.push(row);
  assertSame({ ...plain, columns: await stream.columns, rows }, plain, 'stream');
});

test('repeated and odd column names come out as a plain SELECT gives them', async () => {
  for (const query of [
    'SELECT 1 AS a, 2 AS a, 3 AS "A", 4 AS a_1',
    'SELECT 1, 1, 1',
    'SELECT * FROM (SELECT 1 AS id) x JOIN (SELECT 1 AS id, 2 AS v) y ON x.id = y.id',
    'SELECT 1 AS rowid, 2 AS "rowid "',
    'SELECT 1 AS "with ""quotes""", 2 AS "a.b", 3 AS "SELECT", 4 AS "🦆", 5 AS " "',
    'SELECT 1 AS run, 2 AS "row", 3 AS value, 4 AS code, 5 AS first',
    'SELECT 1 AS __proto__, 2 AS constructor, 3 AS toString',
  ]) {
    const plain = await engine.query(`SELECT * FROM (${query})`);
    const mapped = await engine.query(map(query));
    assert.equal(
      mapped.rows.map((row) => Object.values(row).slice(0, -1).map(String)),
      plain.rows.map((row) => Object.values(row).map(String)),
      query,
    );
    assert.equal(
      mapped.columns.slice(0, -1).map(({ name }) => name.toLowerCase()),
      plain.columns.map(({ name }) => name.toLowerCase()),
      query,
    );
  }
});

test('500 columns pass through, and a cascade that reads one of them reads it alone', async () => {
  const list = Array.from({ length: 500 }, (_, index) => `i + ${index} AS c${index}`).join(', ');
  await compare(`SELECT ${list} FROM range(20) t(i)`, 'js');
  const report = await engine.explain(
    `RVBBIT MAP 'reads-c.yaml' AS v USING (SELECT c7 AS c, * FROM (SELECT ${list} FROM range(10) t(i)))`,
  );
  assert.equal(report.inputColumns, ['c']);
});

test('any number of rows around a chunk comes out once each, in order, by every way of delivery', async () => {
  const counts = deep
    ? [0, 1, 2, 1_000, 2_047, 2_048, 2_049, 4_096, 16_385]
    : [0, 1, 2_047, 2_048, 2_049, 4_097];
  for (const rows of counts) {
    for (const options of ['', ', dedupe = false']) {
      const query = `SELECT i AS n, i % 7 = 0 AS hit, NULL AS folder FROM range(${rows}) t(i)`;
      const sql = `RVBBIT MAP PARALLEL 5 'quick.yaml' AS v USING (${query}) WITH (limit = 100000${options})`;
      const expected = Array.from({ length: rows }, (_, n) => `v${n}`);
      const result = await engine.query(sql);
      assert.equal(
        result.rows.map((row) => row['v']),
        expected,
      );
      assert.equal(
        result.columns.map(({ type }) => type),
        ['BIGINT', 'BOOLEAN', 'INTEGER', 'VARCHAR'],
      );
      const streamed = [];
      for await (const row of engine.stream(sql)) streamed.push(row['v']);
      assert.equal(streamed, expected);
      await engine.query(`CREATE OR REPLACE TABLE numbered AS ${sql}`);
      const table = await engine.query('SELECT v FROM numbered');
      assert.equal(
        table.rows.map((row) => row['v']),
        expected,
      );
    }
  }
  reportCases(counts.length * 6, 'row counts around a chunk');
});

test('no temporary table of the engine is left, and the session goes on', async () => {
  const { rows } = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  assert.equal(rows, []);
});

test.after(() => engine.close());

test.run();
