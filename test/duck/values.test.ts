import { readFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';

async function openSession(): Promise<Session> {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  await lease.release();
  return session;
}

const session = await openSession();
await session.run("SET TimeZone = 'America/New_York'");
const zone = (form: string) => session.run(`SET TimeZone = '${form}'`);

/** DuckDB prints the last instants of a TIMESTAMPTZ a millisecond late, so its text is no measure there. */
function zoned(text: string): readonly string[] {
  if (text.startsWith('294247')) return [];
  return [text.endsWith('infinity') ? `'${text}'::TIMESTAMPTZ` : `'${text}+00'::TIMESTAMPTZ`];
}

/** Expressions whose json form is the text that DuckDB prints (zoned ones in UTC). */
const AS_TEXT: readonly string[] = [
  ...[
    '1970-01-01',
    '2024-02-29',
    '0001-01-01',
    '0001-12-31 (BC)',
    '0044-03-15 (BC)',
    '5877642-06-25 (BC)',
    '5881580-07-10',
    'infinity',
    '-infinity',
    '10000-01-01',
  ].map((d) => `DATE '${d}'`),
  ...[
    '1970-01-01 00:00:00',
    '2024-02-29 23:59:59.999999',
    '1969-12-31 23:59:59.5',
    '0044-03-15 (BC) 01:02:03',
    '290309-12-22 (BC) 00:00:00',
    '294247-01-10 04:00:54.775806',
    'infinity',
    '-infinity',
  ].flatMap((d) => [`TIMESTAMP '${d}'`, ...zoned(d)]),
  ...['TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS'].flatMap((t) =>
    [
      "'2024-02-29 12:00:00.123456789'",
      "'1969-12-31 23:59:58.25'",
      "'infinity'",
      "'-infinity'",
    ].map((d) => `${d}::${t}`),
  ),
  "TIME '00:00:00'",
  "TIME '24:00:00'",
  "TIME '23:59:59.000001'",
  "'12:34:56.123456789'::TIME_NS",
  "'12:00:00+05:30:10'::TIMETZ",
  "'12:00:00.5-08'::TIMETZ",
  "'00:00:00+00'::TIMETZ",
  "INTERVAL '14 months'",
  "INTERVAL '-14 months'",
  "INTERVAL '30 days'",
  "INTERVAL '1 month'",
  "'1 year -1 day 25:00:00'::INTERVAL",
  "INTERVAL '-1.5 seconds'",
  "INTERVAL '0 days'",
  "INTERVAL '-1 month'",
  "uuid '00000000-0000-0000-0000-000000000000'",
  "uuid 'ffffffff-ffff-4fff-bfff-ffffffffffff'",
  "'b''c'::ENUM('a', 'b''c')",
  '1.50::DECIMAL(4,2)',
  '-0.05::DECIMAL(9,2)',
  '12345678901234.5678::DECIMAL(18,4)',
  "'-99999999999999999999999999999999.999999'::DECIMAL(38,6)",
  '7::DECIMAL(5,0)',
  "'0'::BIT",
  "'010101010101010'::BIT",
  '170141183460469231731687303715884105727::HUGEINT',
  '340282366920938463463374607431768211455::UHUGEINT',
  '9223372036854775807::BIGINT',
  '18446744073709551615::UBIGINT',
  "'-123456789012345678901234567890123456789012345678901234567890'::BIGNUM",
  "''::BLOB",
  "unhex('000102FF7F805C22272041')",
];

test('a value whose JSON form is text reads as DuckDB prints it', async () => {
  await zone('UTC');
  for (const expression of AS_TEXT) {
    const [row] = await (
      await session.run(`SELECT ${expression} AS v, CAST(${expression} AS VARCHAR) AS t`)
    ).rows('json');
    assert.is(row!['v'], row!['t'], expression);
  }
});

test('all 256 bytes of a BLOB read as DuckDB prints them', async () => {
  const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('');
  const [row] = await (
    await session.run(`SELECT unhex('${hex}') AS v, CAST(unhex('${hex}') AS VARCHAR) AS t`)
  ).rows('json');
  assert.is(row!['v'], row!['t']);
});

test('random dates, timestamps and intervals read as DuckDB prints them', async () => {
  await zone('UTC');
  const kinds = [
    'make_date((random() * 3400000000 - 1700000000)::INT)',
    'make_timestamp((random() * 1.8e19 - 9e18)::BIGINT)',
    'make_timestamp_ns((random() * 1.8e19 - 9e18)::BIGINT)',
    'make_timestamp((random() * 4e15 - 2e15)::BIGINT)::TIMESTAMPTZ',
    'to_months((random() * 100 - 50)::INT) + to_days((random() * 100 - 50)::INT) + to_microseconds((random() * 1e12 - 5e11)::BIGINT)',
    '((random() - 0.5) * 1e12)::DECIMAL(18, 5)',
    'uuid()',
  ];
  for (const kind of kinds) {
    const reader = await session.run(
      `WITH x AS MATERIALIZED (SELECT ${kind} AS v FROM range(3000)) SELECT v, CAST(v AS VARCHAR) AS t FROM x`,
    );
    for (const row of await reader.rows('json')) assert.is(row['v'], row['t'], kind);
  }
});

test('a zoned timestamp reads in UTC whatever the session time zone', async () => {
  await zone('America/New_York');
  const [row] = await (
    await session.run("SELECT '2020-01-01 00:00:00.5+00'::TIMESTAMPTZ AS v")
  ).rows('json');
  assert.is(row!['v'], '2020-01-01 00:00:00.5+00');
});

interface Documented {
  readonly expression: string;
  readonly type: string;
  readonly js: unknown;
  readonly json: unknown;
}

/** The table rows of docs/values.md: `| type | example | js | json |`, each form as JavaScript. */
async function documented(): Promise<Documented[]> {
  const text = await readFile(new URL('../../../docs/values.md', import.meta.url), 'utf8');
  const cell = (part: string) =>
    part
      .trim()
      .replace(/^`+|`+$/g, '')
      .replaceAll('\\|', '|');
  return text
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .map((line) => {
      const [, type, expression, js, json] = line.split(/(?<!\\)\|/).map(cell);
      const value = (source: string): unknown => new Function(`return (${source});`)();
      return { type: type!, expression: expression!, js: value(js!), json: value(json!) };
    });
}

test('every row of docs/values.md is what DuckDB gives', async () => {
  await zone('UTC');
  const rows = await documented();
  assert.ok(rows.length >= 40, `only ${rows.length} rows`);
  for (const { expression, type, js, json } of rows) {
    const reader = await session.run(`SELECT ${expression} AS v`);
    assert.is(reader.columns[0]!.type, type, expression);
    assert.equal((await reader.rows('js'))[0]!['v'], js, `${expression} js`);
    assert.equal((await reader.rows('json'))[0]!['v'], json, `${expression} json`);
    const nulls = await (
      await session.run(
        `SELECT x.v FROM (SELECT ${expression} AS v) AS x RIGHT JOIN range(3) ON false`,
      )
    ).rows('js');
    assert.equal(
      nulls.map((row) => row['v']),
      [null, null, null],
      `${expression} null`,
    );
  }
});

test('the documented types are all that DuckDB has', async () => {
  const { DuckDBTypeId } = await import('@duckdb/node-api');
  const internal = ['INVALID', 'ANY', 'STRING_LITERAL', 'INTEGER_LITERAL', 'SQLNULL'];
  const all = Object.keys(DuckDBTypeId).filter(
    (name) => Number.isNaN(Number(name)) && !internal.includes(name),
  );
  const seen = new Set<string>();
  for (const { expression } of await documented()) {
    const [column] = (await session.run(`SELECT ${expression} AS v`)).columns;
    seen.add(DuckDBTypeId[column!.duckType.typeId]!);
  }
  assert.equal(
    all.filter((name) => !seen.has(name)),
    [],
  );
});

test('a json form survives JSON.stringify and back', async () => {
  for (const { expression, json } of await documented()) {
    assert.equal(JSON.parse(JSON.stringify(json)), Object.is(json, -0) ? 0 : json, expression);
  }
});

test('strings of every length, with NULLs between, come back byte for byte', async () => {
  const reader = await session.run(
    'SELECT CASE WHEN i % 7 = 3 THEN NULL ELSE repeat(chr(33 + (i * 31 % 3000)::INT), (i * i % 40)::INT) END AS v, octet_length(encode(v)) AS n, md5(v) AS h FROM range(20000) t(i)',
  );
  const { createHash } = await import('node:crypto');
  let rows = 0;
  for await (const { columns, rowCount } of reader.slices('js')) {
    for (let row = 0; row < rowCount; row += 1) {
      const value = columns[0]![row] as string | null;
      if (value === null) assert.is(columns[2]![row], null);
      else assert.is(createHash('md5').update(value).digest('hex'), columns[2]![row]);
      rows += 1;
    }
  }
  assert.is(rows, 20_000);
});

test('strings within lists, and strings that hold NUL, come back whole', async () => {
  const [row] = await (
    await session.run(
      "SELECT ['a', NULL, repeat('é', 30), '', repeat('x', 13)] AS v, 'a' || chr(0) || repeat('b', 20) AS n",
    )
  ).rows('json');
  assert.equal(row!['v'], ['a', null, 'é'.repeat(30), '', 'x'.repeat(13)]);
  assert.is(row!['n'], `a\0${'b'.repeat(20)}`);
});

test('a column and a field called __proto__ are values like any other', async () => {
  const [row] = await (await session.run(`SELECT 1 AS "__proto__", {'__proto__': 2} AS s`)).rows(
    'js',
  );
  assert.equal(
    Object.entries(row!).map(([key]) => key),
    ['__proto__', 's'],
  );
  assert.is(JSON.stringify(row), '{"__proto__":1,"s":{"__proto__":2}}');
  assert.is(Object.getPrototypeOf(row), Object.prototype);
});

test.after(() => session.close());
test.run();
