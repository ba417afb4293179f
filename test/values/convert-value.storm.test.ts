/** Whatever is taken for a value of a type, DuckDB casts to it: alone, and inside of a list of JSON to the same value. */
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ColumnType, readColumnType } from '../../src/values/column-type.ts';
import { convertValue, NO_VALUE } from '../../src/values/convert-value.ts';
import { cases, mulberry, reportCases, seed } from '../support/cases.ts';

const random = mulberry(seed);
const below = (bound: number) => Math.floor(random() * bound);
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
const digits = (most: number) => Array.from({ length: 1 + below(most) }, () => below(10)).join('');
const two = (bound: number) => String(below(bound)).padStart(2, '0');

const YEARS = [0, 1, 999, 1582, 1677, 1678, 1970, 2024, 2261, 2262, 9999];
const date = () =>
  `${String(pick([...YEARS, below(10_000)])).padStart(4, '0')}-${two(14)}-${two(33)}`;
const time = () => `${two(26)}:${two(61)}${pick(['', `:${two(61)}`, `:${two(60)}.${digits(10)}`])}`;
const zone = () => pick(['', 'Z', 'z', '+00', '-15', '+15:59', '-0830', '+02:00', '+14', '+16']);
const timestamp = () => `${date()}${pick([' ', 'T', 't'])}${time()}`;
const UNITS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];
const interval = () => {
  const parts = Array.from(
    { length: 1 + below(4) },
    () => `${pick(['', '-'])}${digits(9)} ${pick(UNITS)}${pick(['', 's'])}`,
  );
  return `${parts.join(' ')}${pick(['', ` ${pick(['', '-'])}${digits(5)}:${two(60)}:${two(60)}`])}`;
};
const number = () =>
  pick(['', '-']) +
  pick([digits(40), `${digits(20)}.${digits(20)}`, `${digits(3)}e${pick(['', '-'])}${digits(3)}`]);

const TEXTS: readonly (readonly [
  type: string,
  family: ColumnType['family'],
  make: () => string,
])[] = [
  ['DATE', 'date', date],
  ['TIME', 'time', time],
  ['TIMESTAMP', 'timestamp', timestamp],
  ['TIMESTAMP WITH TIME ZONE', 'timestamp', () => timestamp() + zone()],
  ['TIMESTAMP_NS', 'timestamp', timestamp],
  ['TIMESTAMP_S', 'timestamp', timestamp],
  ['TIMESTAMP_MS', 'timestamp', timestamp],
  ['TIME WITH TIME ZONE', 'timetz', () => time() + zone()],
  ['INTERVAL', 'interval', interval],
  ...['HUGEINT', 'UHUGEINT', 'UBIGINT', 'BIGINT', 'INTEGER', 'UTINYINT'].map(
    (type) => [type, 'integer', number] as const,
  ),
  ...['DECIMAL(38,10)', 'DECIMAL(18,3)', 'DECIMAL(4,4)'].map(
    (type) => [type, 'decimal', number] as const,
  ),
  ['FLOAT', 'float', number],
  ['DOUBLE', 'float', number],
  ['BIT', 'bit', () => digits(5).replace(/[2-9]/g, '1')],
  ['BLOB', 'blob', () => pick(['\\x00', '\\xff', 'a', "'", '"', '\\x5C']) + pick(['', 'b\\xFF'])],
  ['UUID', 'uuid', () => `ABCDEF01-2345-6789-abcd-${digits(12).padStart(12, '0')}`],
];
/** No part of another value can have them. */
const WHOLE_ONLY = ['BIT', 'BLOB'];

test('DuckDB casts what is taken', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  let taken = 0;
  for (const [name, family, make] of TEXTS) {
    const type = readColumnType(name) ?? { name, family };
    await connection.run('CREATE OR REPLACE TABLE texts (given VARCHAR, made VARCHAR)');
    const appender = await connection.createAppender('texts');
    for (let count = cases(1_000, 20_000); count > 0; count -= 1) {
      const given = make();
      const made = convertValue(type, given, true);
      if (made === NO_VALUE) continue;
      taken += 1;
      appender.appendVarchar(given);
      appender.appendVarchar(String(made));
      appender.endRow();
    }
    appender.closeSync();
    const part = `TRY_CAST(to_json([made]) AS ${name}[])[1]`;
    const isSame = WHOLE_ONLY.includes(name) ? 'true' : `${part} IS NOT DISTINCT FROM whole`;
    const reader = await connection.runAndReadAll(
      `SELECT given, made FROM (SELECT *, TRY_CAST(made AS ${name}) AS whole FROM texts) WHERE whole IS NULL OR NOT (${isSame}) LIMIT 3`,
    );
    assert.equal(reader.getRows(), [], name);
  }
  connection.disconnectSync();
  assert.ok(taken > 1_000);
  reportCases(taken, 'values of 22 types');
});

test.run();
