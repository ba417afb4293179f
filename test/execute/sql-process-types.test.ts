/** Values go to the process of the SQL cells and come back as they are, or not at all. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compare, openEngine, runCell, runCells } from './sql-process-support.ts';

/** Values of each type, the first and the last that it has among them. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['true', 'false'],
  TINYINT: ['-128', '127'],
  SMALLINT: ['-32768'],
  INTEGER: ['-2147483648'],
  BIGINT: ['-9223372036854775808'],
  UTINYINT: ['255'],
  USMALLINT: ['65535'],
  UINTEGER: ['4294967295'],
  UBIGINT: ['18446744073709551615'],
  HUGEINT: [
    '170141183460469231731687303715884105727',
    "'-170141183460469231731687303715884105728'",
  ],
  UHUGEINT: ["'340282366920938463463374607431768211455'"],
  FLOAT: ["'nan'", "'-inf'", '0.1', "'-0'"],
  DOUBLE: ["'nan'", "'inf'", '0.1', "'-0'", '5e-324'],
  'DECIMAL(4,1)': ['123.4'],
  'DECIMAL(18,3)': ['-1.234'],
  'DECIMAL(38,10)': ["'9999999999999999999999999999.9999999999'"],
  VARCHAR: ["''", "'a' || chr(0) || 'b'", "'NULL'", "'日本 𝒳'"],
  BLOB: ["'\\x00\\xFF'::BLOB"],
  DATE: ["'infinity'", "'-infinity'", "'290308-12-22 (BC)'", "'5881580-07-10'"],
  TIME: ["'24:00:00'", "'00:00:00.000001'"],
  TIME_NS: ["'24:00:00'", "'00:00:00.000000001'"],
  TIMETZ: ["'12:00:00+05:30'"],
  TIMESTAMP: ["'infinity'", "'290309-12-22 (BC) 00:00:00'", "'2020-01-01 00:00:00.123456'"],
  TIMESTAMPTZ: ["'infinity'", "'2020-01-01 00:00:00.123456+02'"],
  TIMESTAMP_S: ["'infinity'", "'290309-12-22 (BC) 00:00:00'"],
  TIMESTAMP_MS: ["'infinity'", "'2020-01-01 00:00:01.123'"],
  TIMESTAMP_NS: ["'infinity'", "'2020-01-01 00:00:01.123456789'"],
  INTERVAL: ["'1 year 2 days 0.000001 seconds'", "'-5 months'", 'to_years(100000)'],
  UUID: ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
  BIT: ["'0101'"],
  BIGNUM: ["'123456789012345678901234567890123456789012345678901234567890'"],
  JSON: ['\'{"a": 1}\'', "'null'"],
  "ENUM('a', 'b''c')": ["'b''c'"],
  'INTEGER[]': ['[1, NULL]', '[]'],
  'VARCHAR[]': ["['NULL', NULL, '', 'a,b', '[x', '\"q']"],
  'INTEGER[2]': ['[1, 2]'],
  'INTEGER[2][]': ['[[1, 2]]'],
  'HUGEINT[]': ['[1, 170141183460469231731687303715884105727, NULL]'],
  "ENUM('a', 'b''c')[]": ["['a']"],
  'STRUCT(a INTEGER, "b c" VARCHAR)': ["{'a': 1, 'b c': 'x'}", "{'a': NULL, 'b c': NULL}"],
  'STRUCT(i INTERVAL, s VARCHAR)': [
    `{'i': INTERVAL '1 second', 's': 'it''s, "x" \\ } {'}`,
    "{'i': NULL, 's': 'NULL'}",
    "{'i': NULL, 's': NULL}",
  ],
  'MAP(VARCHAR, DECIMAL(10,2))': ["MAP {'k': 1.25}", 'MAP {}'],
  'MAP(INTERVAL, VARCHAR[])': ["MAP {INTERVAL 1 DAY: ['a''b', NULL]}"],
  'UNION(n INTEGER, s VARCHAR)': ['union_value(n := 1)', "union_value(s := 'q')"],
};

test('values of every type come and go unchanged', async () => {
  const types = Object.entries(VALUES);
  const setUp = types.map(([type, values], index) => {
    const rows = [...values.map((value) => `((${value})::${type})`), '(NULL)'];
    const kind = ['TABLE', 'TEMP TABLE', 'VIEW'][index % 3];
    return `CREATE ${kind} "t ${index}" AS SELECT v::${type} AS "a column" FROM (VALUES ${rows.join(', ')}) x(v)`;
  });
  await compare(
    setUp,
    types.map(
      (_, index) =>
        `SELECT "a column", typeof("a column") AS type, "a column"::VARCHAR AS text FROM "t ${index}"`,
    ),
  );
});

test('a table that a cell makes has the types and rows that it would have on the session', async () => {
  await using inline = await openEngine({});
  await using isolated = await openEngine({ sqlCells: 'process' });
  const types = Object.entries(VALUES);
  const cells = types.map((_, index) => ({
    query: `SELECT v, 1 AS "V" FROM given${index}`,
    table: `made${index}`,
  }));
  const seen: unknown[][] = [];
  for (const engine of [inline, isolated]) {
    for (const [index, [type, values]] of types.entries()) {
      const rows = [...values.map((value) => `((${value})::${type})`), '(NULL)'].join(', ');
      await engine.query(
        `CREATE TABLE given${index} AS SELECT v::${type} AS v FROM (VALUES ${rows}) x(v)`,
      );
    }
    const made = await runCells(engine, cells);
    const kept = [];
    for (const { table } of cells) {
      const sql = `SELECT *, typeof(v) AS t, v::VARCHAR AS s FROM ${table}`;
      const { columns, rows } = await engine.query(sql, undefined, { valueForm: 'json' });
      kept.push({ columns, rows });
    }
    seen.push([...made, ...kept]);
  }
  for (const [index, result] of seen[1]!.entries()) assert.equal(result, seen[0]![index]);
});

test('a type that would change is refused, by the name of its column', async () => {
  await using engine = await openEngine({ sqlCells: 'process' });
  await engine.query("CREATE TABLE v AS SELECT 1 AS a, 'x'::VARIANT AS odd");
  await engine.query("CREATE VIEW r AS SELECT row(1, 'b') AS pair");
  await engine.query("CREATE TABLE c AS SELECT ['a' COLLATE NOCASE] AS folded");
  await engine.query('CREATE TABLE u AS SELECT union_value(h := 1::HUGEINT) AS tagged');
  for (const [query, column] of [
    ['SELECT a FROM v', '"odd" is of type VARIANT'],
    ['FROM r', '"pair" is of type STRUCT(INTEGER, VARCHAR)'],
    ['FROM c', '"folded" is of type VARCHAR[] with texts of the collation NOCASE'],
    ['FROM u', '"tagged" is of type UNION("h" HUGEINT)'],
  ] as const) {
    const result = await runCell(engine, query);
    assert.ok('code' in result && result.code === 'RVB_UNSUPPORTED', JSON.stringify(result));
    assert.ok(result.message.includes(column) && result.message.includes('inline'), result.message);
  }
});

test('texts compare by the collation of their column, in tables, views and what a cell makes', () => {
  const counts = `count(*) FILTER (x = 'a') AS x, count(*) FILTER (y = 'q') AS y, count(*) FILTER (z = 'e') AS z,
list(d ORDER BY d) AS d FROM`;
  return compare(
    [
      'CREATE TABLE t(x VARCHAR COLLATE NOCASE, y VARCHAR, z VARCHAR COLLATE NOCASE.NOACCENT, d VARCHAR COLLATE DE)',
      "INSERT INTO t VALUES ('a', 'q', 'é', 'ä'), ('A', 'Q', 'É', 'z'), ('b', 'r', 'f', 'b')",
      'CREATE TEMP TABLE hidden AS FROM t',
      'CREATE VIEW over AS SELECT y COLLATE NOCASE AS y, * EXCLUDE y FROM t',
      'CREATE TABLE lists AS SELECT [y] AS l, MAP {1: y} AS m, {s: y} AS s FROM t',
    ],
    [
      ...['t', 'hidden', 'over'].map((name) => `SELECT ${counts} ${name}`),
      { query: 'SELECT * REPLACE (x AS y, y AS x) FROM t', table: 'made' },
      `SELECT ${counts} made`,
      "FROM lists WHERE l = ['q']",
    ],
  );
});

test.run();
