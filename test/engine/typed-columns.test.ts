/** RETURNING and typed AS: columns of every type, exact, and what is no value of a type fails its own row. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { cases, reportCases } from '../support/cases.ts';

const cascades = makeFolder({
  // The value is what the row's text says.
  'value.yaml': 'cells: [{ name: a, tool: js, inputs: { code: "return input.v" } }]\n',
  'parsed.yaml': 'cells: [{ name: a, tool: js, inputs: { code: "return JSON.parse(input.v)" } }]\n',
  'read.yaml': 'cells: [{ name: a, instructions: "Read {{ input.v }}" }]\n',
  'tables.yaml': `
cells:
  - name: counted
    tool: sql_data
    inputs: { query: "SELECT count(*) AS n FROM {{ input.data_table }}" }
    materialize: counted
  - { name: said, tool: js, inputs: { code: "return { sum: 1.25, when: '2024-02-29' }" } }
`,
});
const schemas: unknown[] = [];
const engine = await Engine.open({
  cascades,
  threads: 1,
  model: async ({ responseSchema }) => {
    schemas.push(responseSchema);
    return { text: '{"brand":"ACME","price":"1.50"}', finishReason: 'stop' };
  },
});
await engine.query("CREATE TYPE mood AS ENUM ('good', 'it''s bad')");
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});

/** A type, and its value in row `i` as SQL. */
const TYPES: readonly (readonly [type: string, value: string])[] = [
  ['BOOLEAN', 'i % 2 = 0'],
  ['TINYINT', 'i % 256 - 128'],
  ['UTINYINT', 'i % 256'],
  ['SMALLINT', 'i * 60 - 30000'],
  ['USMALLINT', 'i * 65'],
  ['INTEGER', '2147483647 - i'],
  ['UINTEGER', '4294967295 - i'],
  ['BIGINT', '-9223372036854775807 - 1 + i'],
  ['UBIGINT', '18446744073709551615 - i'],
  ['HUGEINT', '170141183460469231731687303715884105727 - i'],
  ['UHUGEINT', "'340282366920938463463374607431768211455'::UHUGEINT - i::UHUGEINT"],
  ['DECIMAL(4,1)', '(i % 500) + 0.1'],
  ['DECIMAL(18,3)', '123456789012345.001 + i'],
  ['DECIMAL(38,10)', '1234567890123456789012345678.0000000001::DECIMAL(38,10) + i'],
  ['FLOAT', 'i / 7'],
  ['DOUBLE', '-i / 7e-200'],
  ['VARCHAR', `'a"b''c\\n{}[],' || chr(128512) || chr(10) || i`],
  ["ENUM('a', 'b c', 'd\"e')", `['a', 'b c', 'd"e'][i % 3 + 1]`],
  ['mood', `['good', 'it''s bad'][i % 2 + 1]`],
  ['DATE', "DATE '0001-01-01' + i::INTEGER * 3000"],
  ['TIME', "TIME '00:00:00.000001' + INTERVAL (i) SECOND"],
  ['TIMETZ', "'12:00:00+02'::TIMETZ"],
  ['TIMESTAMP', "TIMESTAMP '1999-12-31 23:59:59.999999' + INTERVAL (i) HOUR"],
  ['TIMESTAMP_S', "TIMESTAMP '1999-12-31 23:59:59' + INTERVAL (i) HOUR"],
  ['TIMESTAMP_MS', "TIMESTAMP '1999-12-31 23:59:59.123' + INTERVAL (i) HOUR"],
  ['TIMESTAMP_NS', "TIMESTAMP_NS '1999-12-31 23:59:59.123456789'"],
  ['TIMESTAMPTZ', "TIMESTAMPTZ '1999-12-31 23:59:59.5+00' + INTERVAL (i) HOUR"],
  ['INTERVAL', "INTERVAL (i) DAY + INTERVAL '3 hours 4 microseconds' + INTERVAL 2 YEAR"],
  ['UUID', "('00000000-0000-4000-8000-' || lpad(i::VARCHAR, 12, '0'))::UUID"],
  ['BLOB', "encode('x' || i) || '\\x00\\xFF\\x5C'::BLOB"],
  ['BIT', '(i + 1)::BIT'],
  ['JSON', `('{"a":[' || i || ',null,"x"]}')::JSON`],
  ['INTEGER[]', '[i, NULL, -i]'],
  ['VARCHAR[][]', "[['a' || i, '\"'], [], NULL]"],
  ['DATE[3]', "['2024-02-29'::DATE, NULL, '2024-03-01'::DATE + i::INTEGER]"],
  [
    'STRUCT(a INTEGER, "b c" DECIMAL(30,2)[])',
    `{'a': i, 'b c': ['12345678901234567890123.45', NULL]}`,
  ],
  ['MAP(VARCHAR, DOUBLE)', "MAP {'k' || i: i / 3, 'l': NULL}"],
  ['MAP(INTEGER, DATE[])', "MAP {i::INTEGER: ['2024-02-29'::DATE]}"],
  [
    'UNION(n INTEGER, s VARCHAR)',
    'CASE WHEN i % 2 = 0 THEN union_value(n := i::INTEGER) ELSE NULL END',
  ],
  [
    'STRUCT(j JSON, e mood, u UUID)[]',
    `[{'j': '{"x":[1]}', 'e': 'good', 'u': '00000000-0000-4000-8000-000000000000'}]`,
  ],
];

test('a column of every type gets the values exactly, and so does a table', async () => {
  const rows = cases(100, 1_000);
  const columns = TYPES.map(([type, value], at) => {
    const isNested = /[[(]/.test(type) && !/^(DECIMAL|ENUM)/.test(type);
    const x = `x${at}`;
    return {
      type,
      typed: `CAST(CASE WHEN i % 17 = 16 THEN NULL ELSE ${value} END AS ${type}) AS ${x}`,
      // As JSON, whose figures are texts where a number of JSON has too few.
      text: `'"c${at}": ' || coalesce(to_json(${isNested || type === 'JSON' ? x : `${x}::VARCHAR`})::VARCHAR, 'null')`,
      returned: `c${at} ${type}`,
      check: `count(*) FILTER (c${at} IS NOT DISTINCT FROM ${x} AND typeof(c${at}) = typeof(${x}))::INTEGER AS "${at}"`,
    };
  });
  const list = (key: 'typed' | 'text' | 'returned' | 'check', between = ', ') =>
    columns.map((column) => column[key]).join(between);
  await engine.query(
    `CREATE OR REPLACE TABLE given AS SELECT *, '{' || ${list('text', " || ', ' || ")} || '}' AS v FROM (SELECT i, ${list('typed')} FROM range(${rows}) r(i))`,
  );
  const { summary } = await engine.query(
    `CREATE OR REPLACE TABLE made AS RVBBIT MAP 'value.yaml' USING (SELECT * FROM given) RETURNING (${list('returned')}) WITH (limit = ${rows})`,
  );
  assert.equal(summary.failures.slice(0, 1), []);
  const [same] = (await engine.query(`SELECT ${list('check')} FROM made`)).rows;
  for (const [at, { type }] of columns.entries()) assert.is(same![String(at)], rows, type);
  reportCases(TYPES.length, `types, ${rows} rows each`);
});

/** What is none of a type's values. */
const WRONG: readonly (readonly [type: string, ...values: string[]])[] = [
  ['BOOLEAN', '1', '"yes"'],
  ['TINYINT', '128', '1.5', '"1e1"', '""', '[1]'],
  ['BIGINT', '9007199254740993.5', '"9223372036854775808"', '1e300'],
  ['DECIMAL(5,2)', '1.555', '1000', '"NaN"', 'true', '{"a":1}'],
  // As JavaScript writes what it has rounded.
  ['DECIMAL(38,2)', '12345678901234568', '1234567890123456.8'],
  ['DOUBLE', '"1.5 apples"', '"Infinity"'],
  ['DATE', '"2023-02-29"', '"29.02.2024"', '20240229'],
  ['TIME', '"24:00:00"', '"12:00:00.1234567"'],
  ['TIMESTAMP', '"2024-02-29 12:00:00+01"', '"2024-02-29 12:00:00.1234567"', '1709208000'],
  ['TIMESTAMP_S', '"2024-02-29 12:00:00.5"'],
  ['TIMESTAMPTZ', '"2024-02-29 12:00:00"'],
  ['TIMESTAMP_NS', '"1600-01-01"', '"2300-01-01 00:00:00"'],
  ['VARCHAR', '"a\\ud800b"'],
  ['JSON', '{"a":"\\udc00"}'],
  // The half is an escape in a text that holds JSON.
  ['STRUCT(a VARCHAR)', '"{\\"a\\":\\"\\\\ud800\\"}"'],
  ['VARCHAR[]', '"[\\"\\\\ud800\\"]"'],
  ['MAP(VARCHAR, VARCHAR)', '"{\\"\\\\ud800\\":\\"x\\"}"'],
  ['UNION(a VARCHAR[], b DATE)', '"[\\"\\\\ud800\\"]"'],
  ['INTERVAL', '"999999999 years"', '"999999999 weeks"', '"soon"', '"1 fortnight"', '""', '" "'],
  ['UUID', '"x"'],
  ['BLOB', '"é"', '"\\\\x1"'],
  ['mood', '"Good"', '"bad"'],
  ['INTEGER[]', '"[1,"', '{"0":1}', '[1.5]'],
  ['INTEGER[2]', '[1]', '[1,2,3]'],
  ['STRUCT(a INTEGER)', '{}', '{"a":1,"b":2}', '{"a":"x"}', '[1]'],
  ['MAP(INTEGER, INTEGER)', '{"a":1}', '{"1":"x"}'],
  // One key, written in two ways.
  ['MAP(TIMESTAMP, INTEGER)', '{"2024-01-01 00:00:00.5":1,"2024-01-01T00:00:00.50":2}'],
  ['MAP(TIMESTAMP, INTEGER)', '{"2024-01-01":1,"2024-01-01 00:00:00.000":2}'],
  ['MAP(TIMESTAMPTZ, INTEGER)', '{"2024-01-01 00:00Z":1,"2024-01-01 02:30:00.0+02:30":2}'],
  ['MAP(TIME, INTEGER)', '{"12:00":1,"12:00:00.0":2}'],
  ['MAP(TIMETZ, INTEGER)', '{"12:00:00.1Z":1,"12:00:00.10-00:00":2}'],
  ['MAP(INTERVAL, INTEGER)', '{"1 month":1,"29 days 24:00:00":2}', '{"1 hour":1,"01:00:00":2}'],
  ['MAP(FLOAT, INTEGER)', '{"0.1":1,"0.10000000001":2}', '{"0":1,"-0.0":2}'],
  ['UNION(n INTEGER, b BOOLEAN)', '"x"', '{"n":1.5}'],
];

test('keys of a MAP that are like but not equal are all kept', async () => {
  for (const [type, ...keys] of [
    ['TIMESTAMP', '2024-01-01', '2024-01-01 00:00:00.1', '2024-01-01 00:00:00.01', '2024-01-10'],
    ['TIMESTAMPTZ', '2024-01-01 00:00Z', '2024-01-01 00:00+01', '1969-12-31 23:59:59.5Z'],
    ['TIME', '12:00', '12:00:10', '12:00:00.100001', '12:00:00.1'],
    ['TIMETZ', '12:00:00+00', '13:00:00+01', '12:00:00-01'],
    ['INTERVAL', '29 days', '1 month -1 days', '1 month', '-1 months', '00:00:00.1', '1 second'],
    ['FLOAT', '0.1', '0.2', '1e-3'],
    ['DOUBLE', '0.1', '0.10000000001'],
  ] as const) {
    const value = JSON.stringify({ c: Object.fromEntries(keys.map((key) => [key, 1])) });
    const { rows } = await engine.query(
      `SELECT cardinality(c)::INTEGER AS n, cardinality(map_from_entries(map_entries(c)))::INTEGER AS own
FROM (RVBBIT MAP 'value.yaml' USING (SELECT '${value}' AS v) RETURNING (c MAP(${type}, INTEGER)))`,
    );
    assert.equal(rows, [{ n: keys.length, own: keys.length }], type);
  }
});

test('what is no value of the type fails its own row', async () => {
  let count = 0;
  for (const [type, ...values] of WRONG) {
    const texts = values.flatMap((value) => [`{"c": ${value}}`, '{"c": null}']);
    const list = texts.map((text, at) => `(${at}, '${text.replaceAll("'", "''")}')`).join(', ');
    const { rows, summary } = await engine.query(
      `RVBBIT MAP 'value.yaml' USING (SELECT * FROM (VALUES ${list}) t(i, v)) RETURNING (c ${type})`,
    );
    assert.ok(rows.length === texts.length && rows.every(({ c }) => c === null), type);
    assert.equal(
      summary.failures.map(({ ordinal, code }) => [texts[ordinal], code]),
      values.map((value) => [`{"c": ${value}}`, 'RVB_TYPE_MISMATCH']),
    );
    count += values.length;
  }
  reportCases(count, 'values that are none');
});

test('fields are taken by name, by path, or whole', async () => {
  const of = async (columns: string, ...values: string[]) => {
    const list = values.map((value, at) => `(${at}, '${value}')`).join(', ');
    const { rows, columns: got } = await engine.query(
      `RVBBIT MAP 'value.yaml' AS (${columns}) USING (SELECT * FROM (VALUES ${list}) t(i, v)) WITH (error_column = 'why')`,
    );
    assert.equal(got.at(-1)?.name, 'why');
    return rows.map(({ i: _i, v: _v, why, ...fields }) =>
      why === null ? Object.values(fields) : (why as { code: string }).code,
    );
  };
  assert.equal(
    await of('a INTEGER, B INTEGER, c FROM \'$.x."y z"[1]\'', '{"A":1,"b":2,"x":{"y z":[0,"c"]}}'),
    [[1, 2, 'c']],
  );
  assert.equal(await of('a, b', '{"a":{"x":1},"b":true}', '{"a":1}', '[1,2]', 'text'), [
    ['{"x":1}', 'true'],
    ...Array(3).fill('RVB_TYPE_MISMATCH'),
  ]);
  assert.equal(
    await of(
      'n INTEGER',
      '{"n":1}',
      '7',
      '```json\\n{"n": 2}\\n```'.replaceAll('\\n', '\n'),
      '{"m":1}',
    ),
    [[1], [7], [2], 'RVB_TYPE_MISMATCH'],
  );
  assert.equal(await of('s STRUCT(a INTEGER)', '{"a":3}', '{"s":{"a":4}}'), [
    [{ a: 3 }],
    [{ a: 4 }],
  ]);
  assert.equal(await of('word', 'a word', '{"word":"another"}', 'null'), [
    ['a word'],
    ['another'],
    [null],
  ]);
  // A whole text keeps its spaces.
  const texts = ['  a  ', '\n', '', ' 7 ', ' "a"\n', ' [1, 2] ', '\ta\r\n'];
  for (const columns of ['word', 'word VARCHAR']) {
    assert.equal(
      await of(columns, ...texts),
      texts.map((text) => [text]),
    );
  }
  assert.equal(await of('word', '```\n a \n```', '{"word":" b "}'), [[' a '], [' b ']]);
  assert.equal(await of('n INTEGER', ' 7\n'), [[7]]);
});

test('long numbers keep their figures, also inside of objects, lists and JSON', async () => {
  const long = '12345678901234567890123.45';
  const { rows } = await engine.query(
    `RVBBIT MAP 'value.yaml' USING (SELECT '{"d":[${long}],"j":{"x":${long},"s":"${long}"},"t":${long},"k":"x"}' AS v)
RETURNING (d DECIMAL(30,2)[], j JSON, t, k JSON)`,
  );
  const { rows: more } = await engine.query(
    `RVBBIT MAP 'value.yaml' USING (SELECT '{"a":1e400,"b":{"c":1e-400},"m":"\ue000123","z":"2024-01-01T08:30Z","o":"08:30+02"}' AS v)
RETURNING (a, b JSON, m, z TIMESTAMPTZ, o TIMETZ)`,
  );
  assert.equal(
    more.map(({ a, b, m }) => [a, b, m]),
    [['1e400', '{"c":1e-400}', '\ue000123']],
  );
  assert.ok(more[0]!['z'] !== null && more[0]!['o'] !== null);
  assert.equal(
    rows.map(({ d, j, t, k }) => [d, j, t, k]),
    [[[long], `{"x":${long},"s":"${long}"}`, long, '"x"']],
  );
  const { rows: nested } = await engine.query(
    `RVBBIT MAP 'value.yaml' USING (SELECT '{"l":[${long},"x",null,{"a":1e-400}],"s":{"n":1,"j":[${long}]},"m":{"k":${long}},"u":{"j":[${long}]}}' AS v)
RETURNING (l JSON[], s STRUCT(n INTEGER, j JSON), m MAP(VARCHAR, JSON), u UNION(n INTEGER, j JSON))`,
  );
  assert.equal(
    nested.map(({ l, s, m, u }) => [l, s, m, u]),
    [
      [
        [long, '"x"', null, '{"a":1e-400}'],
        { n: 1, j: `[${long}]` },
        [{ key: 'k', value: long }],
        { tag: 'j', value: `[${long}]` },
      ],
    ],
  );
});

test('a number below a millionth is a DECIMAL with all its digits', async () => {
  const { rows, summary } = await engine.query(
    `RVBBIT MAP 'value.yaml' USING (SELECT '{"a":0.0000001,"b":-0.00000015,"c":0.00123456789012345}' AS v)
RETURNING (a DECIMAL(10,7), b DECIMAL(38,20), c DECIMAL(20,18))`,
  );
  assert.equal(summary.failures, []);
  assert.equal(
    rows.map(({ a, b, c }) => [a, b, c]),
    [['0.0000001', '-0.00000015000000000000', '0.001234567890123450']],
  );
});

test('the model is asked for the columns; a default stands for what failed', async () => {
  const { rows } = await engine.query(
    "RVBBIT MAP 'read.yaml' USING (SELECT 'x' AS v) RETURNING (brand, price DECIMAL(10,2))",
  );
  assert.equal(rows, [{ v: 'x', brand: 'ACME', price: '1.50' }]);
  const { properties, required } = schemas.at(-1) as Record<string, unknown>;
  assert.equal(required, ['brand', 'price']);
  assert.equal(properties, {
    brand: { type: ['string', 'null'] },
    price: { type: ['number', 'string', 'null'], description: 'DECIMAL(10,2)' },
  });
  const nested = (columns: string) =>
    engine.query(`RVBBIT MAP 'read.yaml' USING (SELECT 'y' AS v) RETURNING (${columns})`);
  await nested("brand, city FROM '$.address.city', zip INTEGER FROM '$.address.zip'");
  const { properties: parts } = schemas.at(-1) as { properties: Record<string, unknown> };
  assert.equal(parts['address'], {
    type: 'object',
    properties: {
      city: { type: ['string', 'null'] },
      zip: { type: ['number', 'string', 'null'], description: 'INTEGER' },
    },
    required: ['city', 'zip'],
    additionalProperties: false,
  });
  await nested("first FROM '$.items[0]'");
  assert.is(schemas.at(-1), undefined, 'of a list no element can be asked for');
  const map = (more: string) =>
    engine.query(
      `RVBBIT MAP 'value.yaml' USING (SELECT 'x' AS v) RETURNING (n INTEGER, d DATE) ${more}`,
    );
  const other = await map(`WITH (on_error = 'default:{"n":0,"d":"2024-01-01"}')`);
  assert.equal(
    other.rows.map(({ n }) => n),
    [0],
  );
  assert.is(other.summary.rows.failed, 1);
  assert.is(await codeOf(map("WITH (on_error = 'default:none')")), 'RVB_OPTION_TYPE');
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    ({ code, place }: RvbbitError) =>
      place === undefined ? code : `${code} ${place.line}:${place.column}`,
  );

test('what is wrong with a column is told at its place, before a row runs', async () => {
  const head = "RVBBIT MAP 'value.yaml' USING (SELECT 1 AS v)\n";
  const codes = [];
  for (const columns of [
    'c FROM \'$."a\\x"\'',
    'c BLOB[]',
    'a NOTYPE',
    'b, a VARIANT',
    "a FROM 'a.b'",
    "a FROM '$[*]'",
    'a, A INT',
    'v INT',
  ]) {
    codes.push(await codeOf(engine.query(`${head}RETURNING (${columns})`)));
  }
  assert.equal(codes, [
    'RVB_SYNTAX 2:19',
    'RVB_UNSUPPORTED 2:14',
    'RVB_SQL 2:14',
    'RVB_UNSUPPORTED 2:17',
    'RVB_SYNTAX 2:19',
    'RVB_SYNTAX 2:19',
    'RVB_COLUMN_COLLISION 2:15',
    'RVB_COLUMN_COLLISION',
  ]);
});

test("RUN gives its cells' outputs as columns, and the tables that it made", async () => {
  const run = (more: string) =>
    engine.query(`RVBBIT RUN 'tables.yaml' USING (FROM range(5) r(i)) ${more}`);
  const fields = await run(
    "RETURNING (said JSON, sum DECIMAL(4,2) FROM '$.said.sum', day DATE FROM '$.said.when')",
  );
  assert.equal(
    fields.columns.map(({ type }) => type),
    ['JSON', 'DECIMAL(4,2)', 'DATE'],
  );
  assert.is(fields.rows[0]!['sum'], '1.25');
  const { rows } = await run('RETURNING TABLES');
  assert.equal(
    rows.map(({ table_name, row_count, columns }) => [table_name, Number(row_count), columns]),
    [['counted', 1, ['n']]],
  );
  assert.is((await run('RETURNING TABLES (Counted)')).rowCount, 1);
  assert.is(await codeOf(run('RETURNING TABLES (other)')), 'RVB_SQL');
  assert.is(await codeOf(run("RETURNING (n INTEGER FROM '$.said.sum')")), 'RVB_TYPE_MISMATCH');
  await engine.query(
    "CREATE TABLE kept AS RVBBIT RUN 'tables.yaml' USING (SELECT 1 AS i) RETURNING (sum DOUBLE FROM '$.said.sum')",
  );
  assert.equal((await engine.query('FROM kept')).rows, [{ sum: 1.25 }]);
});

test('tables of a RUN go to a schema, all of them once it has succeeded', async () => {
  await engine.query('CREATE SCHEMA kept');
  const run = (schema: string, more = '') =>
    engine.query(
      `RVBBIT RUN 'tables.yaml' USING (FROM range(5) r(i)) ${more} WITH (schema = '${schema}')`,
    );
  await run('kept');
  const { rows } = await run('memory.kept', 'RETURNING TABLES');
  assert.equal(
    rows.map(({ table_name, row_count }) => [table_name, Number(row_count)]),
    [['counted', 1]],
  );
  assert.equal((await engine.query('SELECT n::INTEGER AS n FROM kept.counted')).rows, [{ n: 5 }]);
  const left = await engine.query(
    "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = 'counted'",
  );
  assert.is(left.rowCount, 0);
  assert.is(await codeOf(run('missing')), 'RVB_SQL 1:69');
  const map = "RVBBIT MAP 'value.yaml' USING (SELECT 1 AS v) WITH (schema = 'kept')";
  assert.is(await codeOf(engine.query(map)), 'RVB_UNSUPPORTED');
});

test.run();
