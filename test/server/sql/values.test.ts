/** Values on the wire, in text and in binary, against DuckDB's own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PgClient, query } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const server = await startServer();
const client = await PgClient.connect(server.port);
test.after(async () => {
  client.close();
  await server.close();
});

/** A type with its OID, and literals with the text that Postgres shows for them. */
const VALUES: readonly (readonly [
  type: string,
  oid: number,
  values: Readonly<Record<string, string>>,
])[] = [
  ['BOOLEAN', 16, { true: 't', false: 'f' }],
  ['TINYINT', 21, { '-128': '-128' }],
  ['UTINYINT', 21, { '255': '255' }],
  ['SMALLINT', 21, { '-32768': '-32768', '32767': '32767' }],
  ['INTEGER', 23, { '-2147483648': '-2147483648', '0': '0' }],
  ['UINTEGER', 20, { '4294967295': '4294967295' }],
  [
    'BIGINT',
    20,
    {
      '9223372036854775807': '9223372036854775807',
      "'-9223372036854775808'": '-9223372036854775808',
    },
  ],
  ['UBIGINT', 1700, { '18446744073709551615': '18446744073709551615' }],
  [
    'HUGEINT',
    1700,
    { '-170141183460469231731687303715884105727': '-170141183460469231731687303715884105727' },
  ],
  [
    'DECIMAL(18,4)',
    1700,
    {
      '0': '0.0000',
      '-0.0001': '-0.0001',
      '10000.5': '10000.5000',
      '12345678.9012': '12345678.9012',
      '100000000': '100000000.0000',
    },
  ],
  [
    'DECIMAL(38,0)',
    1700,
    { '99999999999999999999999999999999999999': '99999999999999999999999999999999999999' },
  ],
  ['FLOAT', 700, { '1.1': '1.1', "'nan'": 'NaN', "'-inf'": '-Infinity', '16777216': '16777216' }],
  [
    'DOUBLE',
    701,
    { '0.1': '0.1', "'-0'": '-0', "'nan'": 'NaN', "'inf'": 'Infinity', '1e300': '1e+300' },
  ],
  ['VARCHAR', 25, { "''": '', "'é 😀'": 'é 😀', "'a' || chr(10) || 'b'": 'a\nb' }],
  ['BLOB', 17, { "'\\x00a\\xFF\\x5C'": '\\x0061ff5c', "''": '\\x' }],
  [
    'DATE',
    1082,
    {
      "'2024-02-29'": '2024-02-29',
      "'1999-12-31'": '1999-12-31',
      "'0044-03-15 (BC)'": '0044-03-15 BC',
      "'12345-01-01'": '12345-01-01',
      "'infinity'": 'infinity',
      "'-infinity'": '-infinity',
    },
  ],
  [
    'TIME',
    1083,
    {
      "'12:34:56.5'": '12:34:56.5',
      "'24:00:00'": '24:00:00',
      "'00:00:00.000001'": '00:00:00.000001',
    },
  ],
  ['TIMETZ', 1266, { "'12:34:56+02'": '12:34:56+02', "'01:00:00.25-05:30'": '01:00:00.25-05:30' }],
  [
    'TIMESTAMP',
    1114,
    {
      "'2024-02-29 12:00:00.000001'": '2024-02-29 12:00:00.000001',
      "'1969-12-31 23:59:59.5'": '1969-12-31 23:59:59.5',
      "'0044-03-15 (BC) 10:00:00'": '0044-03-15 10:00:00 BC',
      "'infinity'": 'infinity',
    },
  ],
  ['TIMESTAMP_S', 1114, { "'2024-02-29 12:00:00'": '2024-02-29 12:00:00' }],
  [
    'TIMESTAMPTZ',
    1184,
    { "'2024-07-01 12:00:00+02'": '2024-07-01 10:00:00+00', "'-infinity'": '-infinity' },
  ],
  [
    'INTERVAL',
    1186,
    {
      "'1 year 2 months -3 days 04:05:06.5'": '1 year 2 mons -3 days 04:05:06.5',
      "'-00:00:00.000001'": '-00:00:00.000001',
      "'0 days'": '00:00:00',
    },
  ],
  [
    'UUID',
    2950,
    { "'0123abcd-0000-4000-8000-00000000ffff'": '0123abcd-0000-4000-8000-00000000ffff' },
  ],
  ['JSON', 114, { [`'{"a": [1, null]}'`]: '{"a": [1, null]}' }],
  [
    'INTEGER[]',
    1007,
    { '[1, NULL, 3]': '{1,NULL,3}', '[]': '{}', '[[1, 2], [3, 4]]': '{{1,2},{3,4}}' },
  ],
  [
    'VARCHAR[]',
    1009,
    {
      [`['a b', 'c"d', '', 'NULL', '\\', NULL, 'x,y']`]:
        '{"a b","c\\"d","","NULL","\\\\",NULL,"x,y"}',
    },
  ],
  ['DATE[]', 1182, { "['2024-02-29', NULL]": '{2024-02-29,NULL}' }],
  ['DECIMAL(6,2)[]', 1231, { '[1.5, 20]': '{1.50,20.00}' }],
  ['BLOB[]', 1001, { "['\\x01']": '{"\\\\x01"}' }],
];

/** Types that go out only: they come back as text. */
const ONE_WAY: readonly (readonly [expression: string, oid: number, text: string])[] = [
  ["'b'::ENUM('a', 'b')", 25, 'b'],
  ["'0101'::BIT", 25, '0101'],
  ["'2024-02-29 12:00:00.123456789'::TIMESTAMP_NS", 25, '2024-02-29 12:00:00.123456789'],
  [
    '340282366920938463463374607431768211455::UHUGEINT',
    1700,
    '340282366920938463463374607431768211455',
  ],
  [
    `{'a': 1, 'b"c': 1.50, 'd': [DATE '2024-02-29', NULL]}`,
    114,
    '{"a":1,"b\\"c":1.50,"d":["2024-02-29",null]}',
  ],
  ["MAP {'k': 9007199254740993, 'l': NULL}", 114, '{"k":9007199254740993,"l":null}'],
  ['MAP {1: true}', 114, '{"1":true}'],
  ["[{'n': 'nan'::DOUBLE}]", 114, '[{"n":"NaN"}]'],
  ["'x'::UNION(n INTEGER, s VARCHAR)", 114, '"x"'],
  ['[[1], [2, 3], NULL]', 1007, '{{1},{2,3},NULL}'],
  ['array_value(1::BIGINT, 2)', 1016, '{1,2}'],
  ['NULL', 23, ''],
];

test('each type has its OID, its text, and binary bytes that mean the same', async () => {
  for (const [type, oid, values] of VALUES) {
    for (const [literal, text] of Object.entries(values)) {
      const as = literal.startsWith('[[') ? `${type}[]` : type;
      const expression = `CAST(${literal} AS ${as})`;
      const shown = await client.query(`SELECT ${expression} AS v`);
      assert.is(shown.error?.get('M'), undefined, expression);
      assert.is(shown.columns[0]?.oid, oid, expression);
      assert.is(shown.rows[0]?.[0], text, expression);
      const { rows } = await client.extended(`SELECT ${expression} AS v`, [], { formats: [1] });
      const bytes = rows[0]?.[0] as Buffer;
      const same = `SELECT $1::${as} IS NOT DISTINCT FROM ${expression} AS same, typeof($1::${as})`;
      for (const value of [text, bytes]) {
        const back = await client.extended(same, [value], { types: [oid] });
        assert.is(back.error?.get('M'), undefined, `${expression} from ${String(value)}`);
        assert.is(back.rows[0]?.[0], 't', `${expression} from ${typeof value}`);
      }
    }
  }
});

test('bytes that a client writes as a literal keep their value', async () => {
  const hex = String.raw`'\x68656c6C6f'::bytea AS a, '\x'::bytea AS b, ['\x0001'::pg_catalog.bytea] AS c`;
  const other = String.raw`'\x41' AS d, '''\x41''::bytea' AS e -- '\x41'::bytea`;
  const { rows } = await client.query(`SELECT ${hex}, ${other}`);
  const said = [String.raw`\x68656c6c6f`, String.raw`\x`, String.raw`{"\\x0001"}`];
  assert.equal(rows, [[...said, String.raw`\x41`, String.raw`'\x41'::bytea`]]);
});

test('arrays, jsonb, SERIAL and quoting functions that clients write are read as Postgres reads them', async () => {
  const of = async (sql: string) => {
    const { rows, columns, error } = await client.query(sql);
    return (
      error?.get('M') ?? [columns.map(({ name }) => name).join(), ...rows.map((row) => row.join())]
    );
  };
  const array = `x, s = ANY('{b,"c d"}') AS s, x <> ALL ('{2}') AS n, x = ANY('{}') AS e, x = ANY('{1,2}'::int[]) AS c`;
  assert.equal(
    await of(`SELECT ${array} FROM (VALUES (1, 'c d'), (2, 'a')) t(x, s) WHERE x = ANY('{1,2}')`),
    ['x,s,n,e,c', '1,t,t,f,t', '2,f,f,f,t'],
  );
  assert.equal(await of(`SELECT x, '{a}' AS t FROM range(3) t(x) WHERE x < ANY('{1}'::int[])`), [
    'x,t',
    '0,{a}',
  ]);
  const { rows } = await client.extended('SELECT x FROM range(9) t(x) WHERE x = ANY($1)', [
    '{4,5}',
  ]);
  assert.equal(rows, [['4'], ['5']]);
  assert.equal(
    await of(
      `SELECT quote_literal('it''s'), quote_ident('a "b'), quote_ident('ab') AS q, 7 / 2 AS half`,
    ),
    ['quote_literal,quote_ident,q,half', `'it''s',"a ""b",ab,3.5`],
  );
  await of(
    'CREATE TABLE counted (id SERIAL PRIMARY KEY, doc jsonb DEFAULT \'{}\'::jsonb, "Big" bigserial NOT NULL)',
  );
  assert.equal(
    await of(`INSERT INTO counted (doc) VALUES ('{"a": 1}'), (jsonb '{"a": 2}') RETURNING *`),
    ['id,doc,Big', '1,{"a": 1},1', '2,{"a": 2},2'],
  );
  assert.match(String(await of('CREATE TABLE counted (id serial)')), /already exists/);
  assert.equal(await of('CREATE TABLE IF NOT EXISTS counted (id serial)'), ['']);
  assert.equal(await of('DROP TABLE counted; CREATE TABLE counted (id serial, jsonb jsonb)'), ['']);
  const parsed = await client.extended(
    'INSERT INTO counted (jsonb) VALUES ($1) RETURNING id, jsonb',
    ['[]'],
  );
  assert.equal(parsed.rows, [['1', '[]']]);
  assert.is((await client.extended('CREATE TEMP TABLE counted_too (id serial)')).error, undefined);
  assert.equal(await of('INSERT INTO counted_too VALUES (DEFAULT) RETURNING id'), ['id', '1']);
  assert.equal(await of('ALTER TABLE counted ADD COLUMN n BIGSERIAL; SELECT n FROM counted'), [
    'n',
    '1',
  ]);
  // A table that cannot be made leaves no sequence.
  assert.match(String(await of('CREATE TABLE failed (id serial, id int)')), /id/);
  assert.equal(
    await of(`SELECT sequence_name FROM duckdb_sequences() WHERE sequence_name LIKE 'failed%'`),
    ['sequence_name'],
  );
});

test('a type without its like in Postgres goes out as text or as JSON', async () => {
  for (const [expression, oid, text] of ONE_WAY) {
    const { rows, columns, error } = await client.query(`SELECT ${expression} AS v`);
    assert.is(error?.get('M'), undefined, expression);
    assert.is(columns[0]?.oid, oid, expression);
    assert.is(rows[0]?.[0] ?? '', text, expression);
  }
});

test('a column tells the digits of a decimal and the size of an integer', async () => {
  client.send(query('SELECT 1.5::DECIMAL(10,2) AS d, 1::SMALLINT AS s'));
  const { body } = (await client.until('Z')).find(({ type }) => type === 'T')!;
  // A column is its name, table, number, OID, size, modifier and format.
  assert.is(body.readInt16BE(2 + 2 + 10), -1);
  assert.is(body.readInt32BE(2 + 2 + 12), ((10 << 16) | 2) + 4);
  assert.is(body.readInt16BE(2 + 20 + 2 + 10), 2);
});

test('timestamps with a zone are printed in the session time zone, and read in it', async () => {
  const berlin = await PgClient.connect(server.port, { TimeZone: 'Europe/Berlin' });
  assert.is(berlin.parameters.get('TimeZone'), 'Europe/Berlin');
  const shown = await berlin.query(
    "SELECT TIMESTAMPTZ '2024-07-01 10:00:00+00' AS s, TIMESTAMPTZ '2024-01-01 10:00:00.5+00' AS w",
  );
  assert.equal(shown.rows, [['2024-07-01 12:00:00+02', '2024-01-01 11:00:00.5+01']]);
  const read = await berlin.extended(
    "SELECT $1 = TIMESTAMPTZ '2024-07-01 10:00:00+00'",
    ['2024-07-01 12:00:00'],
    { types: [1184] },
  );
  assert.equal(read.rows, [['t']]);
  const moved = await berlin.query(
    "SET TIME ZONE 'Asia/Kolkata'; SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' AS t",
  );
  assert.equal(moved.rows, [['2024-01-01 05:30:00+05:30']]);
  assert.is((await berlin.query("SET TIME ZONE 'Nowhere/City'")).error?.get('C'), '22023');
  berlin.close();
});

test('lists of different lengths have no binary form, and the error says so', async () => {
  const { error } = await client.extended('SELECT [[1], [2, 3]] AS v', [], { formats: [1] });
  assert.is(error?.get('C'), '2202E');
  assert.match(error?.get('M') ?? '', /ask for text/);
});

test('a timestamp that DuckDB has and the binary format has not is an error, and text shows it', async () => {
  const early = "TIMESTAMP '290308-12-22 (BC) 00:00:00'";
  assert.is(
    (await client.extended(`SELECT ${early}`, [], { formats: [1] })).error?.get('C'),
    '22008',
  );
  assert.equal((await client.query(`SELECT ${early}`)).rows, [['290308-12-22 00:00:00 BC']]);
});

test('parameters that are not of their declared form are refused with the value or its size', async () => {
  const wrong: readonly (readonly [oid: number, value: string | Buffer, code: string])[] = [
    [23, Buffer.alloc(3), '22P03'],
    [20, Buffer.alloc(9), '22P03'],
    [1700, Buffer.from([0, 9, 0, 0, 0, 0, 0, 0]), '22P03'],
    [1700, Buffer.from([0, 0, 0x7f, 0xff, 0, 0, 0, 0]), '22003'],
    [1007, Buffer.alloc(11), '22P03'],
    [
      1007,
      Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]),
      '22P03',
    ],
    [17, '\\xzz', '22P02'],
    [60_000, Buffer.alloc(4), '0A000'],
    [23, 'abc', '22000'],
  ];
  for (const [oid, value, code] of wrong) {
    const { error } = await client.extended('SELECT $1::INTEGER', [value], { types: [oid] });
    assert.is(error?.get('C'), code, `${oid} ${String(value)}`);
  }
});

test('a text without a declared type is a number or a list where the statement needs one', async () => {
  await client.query(
    'CREATE OR REPLACE TABLE untyped AS SELECT range AS i, chr((97 + range)::INTEGER) AS s FROM range(5)',
  );
  const rowsOf = async (sql: string, values: readonly string[]) =>
    (await client.extended(sql, values)).rows.flat();
  assert.equal(await rowsOf('SELECT i + $1 FROM untyped WHERE i = 2', ['40']), ['42']);
  assert.equal(await rowsOf('SELECT i FROM untyped WHERE i = ANY($1)', ['{1,3}']), ['1', '3']);
  assert.equal(await rowsOf('SELECT s FROM untyped WHERE s = ANY($1)', ['{b,"d"}']), ['b', 'd']);
  assert.equal(await rowsOf('SELECT $1', ['007']), ['007']);
});

test.run();
