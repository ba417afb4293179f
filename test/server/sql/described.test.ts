/** The rows of a statement are of the types that the client was told, whatever the types of its parameters are. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PgClient } from '../../support/pg-client.ts';
import { both, TABLE, texts } from './both-formats.ts';
import { startServer } from './support.ts';

const server = await startServer();
const client = await PgClient.connect(server.port);
await client.query(TABLE);
test.after(async () => {
  client.close();
  await server.close();
});

test('a parameter without a type has the type that Postgres would find, and the rows have the types told', async () => {
  const cases: readonly (readonly [
    sql: string,
    value: string,
    parameter: number,
    column: number,
    text: string,
  ])[] = [
    ["SELECT 'x' || $1", 'y', 25, 25, 'xy'],
    ['SELECT $1', '007', 25, 25, '007'],
    ['SELECT $1 * 2.5', '4', 1700, 1700, '10.0'],
    ['SELECT $1 * 2.5', '1.5', 1700, 1700, '3.75'],
    ['SELECT i + $1 FROM t', '40', 23, 23, '47'],
    ['SELECT b + $1 FROM t', '1', 20, 20, '9007199254740994'],
    ['SELECT d + $1 FROM t', '1.5', 1700, 1700, '2.75'],
    ['SELECT abs($1)', '-9007199254740993', 1700, 1700, '9007199254740993'],
    ['SELECT coalesce($1, i) FROM t', '5', 23, 23, '5'],
    ['SELECT dt + $1 FROM t', '1', 23, 1082, '2024-03-01'],
    ["SELECT date_trunc('day', $1)", '2024-02-29 12:30:00', 1184, 1184, '2024-02-29 00:00:00+00'],
    ['SELECT count(*) FROM range($1)', '3', 20, 20, '3'],
    ['SELECT * FROM range($1::BIGINT)', '1', 20, 20, '0'],
    ['SELECT * FROM unnest($1::INTEGER[])', '{4}', 1007, 23, '4'],
    ['SELECT i FROM t WHERE i = ANY($1)', '{1,7}', 1231, 23, '7'],
    ['SELECT i FROM t WHERE i = ANY($1) OR true', '{}', 1231, 23, '7'],
    ['SELECT s FROM t WHERE s = ANY($1)', '{abc}', 1009, 25, 'abc'],
    ['SELECT round(d, $1) FROM t', '1', 23, 1700, '1.3'],
    ['SELECT quantile_cont(i, $1) FROM t', '0.5', 1700, 701, '7'],
    ['SELECT $2::DATE', '2024-02-29', 25, 1082, '2024-02-29'],
  ];
  for (const [sql, value, parameter, column, text] of cases) {
    const values = sql.includes('$2') ? [null, value] : [value];
    const { told, parameters, text: shown, binary } = await both(client, sql, values);
    const oid = told.columns[0]?.oid;
    assert.is(
      told.error?.get('M') ?? shown.error?.get('M') ?? binary.error?.get('M'),
      undefined,
      sql,
    );
    assert.equal([parameters[0], oid, shown.rows[0]?.[0]], [parameter, column, text], sql);
    assert.is(Number(texts(binary, [oid!])[0] ?? 0) - Number(text) || 0, 0, sql);
  }
});

test('columns that depend on a value are described with the value, and without it the error says so', async () => {
  const sql = 'SELECT * FROM read_csv($1, header := true)';
  const { told } = await both(client, sql, ['test/server/sql/support.ts']);
  assert.is(told.error?.get('C'), '42P18');
  const json = 'SELECT * FROM query($1)';
  const { columns, rows, error } = await client.extended(json, ["SELECT 5 AS five, 'a' AS a"]);
  assert.is(error?.get('M'), undefined);
  assert.equal(
    [columns.map(({ name, oid }) => [name, oid]), rows],
    [
      [
        ['five', 23],
        ['a', 25],
      ],
      [['5', 'a']],
    ],
  );
});

test.run();
