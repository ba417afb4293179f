/** Expressions with parameters of many types: the rows are of the types that the client was told. */
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

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]\d+)?$/;
const FORMS: Readonly<Record<number, RegExp>> = {
  16: /^[tf]$/,
  20: /^-?\d+$/,
  21: /^-?\d+$/,
  23: /^-?\d+$/,
  700: NUMBER,
  701: NUMBER,
  1700: NUMBER,
  1082: /^\d{4}-\d\d-\d\d$/,
  1114: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/,
  1184: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*\+00$/,
};

test('whatever the expression, the parameters and their types, the rows are of the types told', async () => {
  const expressions = [
    '$1', '$1 + i', '$1 * 2.5', "'x' || $1", 'coalesce($1, i)', 'coalesce($1 * 2.5, 1)', '$1 || s', '-$1', '[$1]',
    '[$1, $1]', "{'a': $1}", 'd * $1', 'x + $1', '$1::VARCHAR', '$1::DOUBLE', '$1::DECIMAL(6,1)', '$1 IS NULL',
    'greatest($1, b)', 'CASE WHEN i = 7 THEN $1 ELSE d END', 'sum($1)', 'max($1) + count(*)', 'dt + $1', 'ts - $1',
    '$1 = i', '$1 > d', 'upper($1)', 'abs($1)', '(SELECT $1)', 'list_contains([1, 2], $1)', 'nullif($1, i)', 'n + $1',
    'to_json($1)', 'round($1, 1)', 'coalesce(n, $1)', "coalesce('x' || $1, s)", "date_trunc('month', $1)", '$1 BETWEEN 1 AND 9',
    '$1 % 3', 'least(d, $1)', '$1 / 2', 'i = ANY([$1])', 'strlen($1)', 'extract(year FROM $1)', 'i IN ($1, 2)', '$1 ^ 2',
  ]; // biome-ignore format: one list
  const typed: readonly (readonly [oid: number, values: readonly (string | null)[]])[] = [
    [0, ['5', null]],
    [21, ['5', null]],
    [23, ['5', null]],
    [20, ['9007199254740993', null]],
    [25, ['5', null]],
    [700, ['1.5']],
    [701, ['1.5', 'NaN', null]],
    [1700, ['1.500', '-12e2', '123456789012345678901234.5', 'NaN', null]],
    [1082, ['2024-02-29', null]],
    [1114, ['2024-02-29 10:00:00']],
    [1184, ['2024-02-29 10:00:00+00']],
    [1186, ['1 day']],
    [16, ['t', null]],
    [1007, ['{1,NULL}', '{}']],
    [1231, ['{1.5,-2}', null]],
  ];
  let compared = 0;
  for (const expression of expressions) {
    const sql = `SELECT ${expression} AS v FROM t`;
    for (const [oid, value] of typed.flatMap(([type, values]) =>
      values.map((each) => [type, each] as const),
    )) {
      const what = `${sql} with ${value} as ${oid}`;
      const { told, text, binary } = await both(client, sql, [value], oid === 0 ? [] : [oid]);
      // What does not bind is refused when it is described, and not with rows of another type.
      if (told.error !== undefined) continue;
      for (const { error } of [text, binary]) {
        if (error !== undefined)
          assert.match(error.get('C')!, /^22|^42/, `${what}: ${error.get('M')}`);
      }
      if (text.error !== undefined || binary.error !== undefined) continue;
      const type = told.columns[0]!.oid;
      const shown = text.rows[0]?.[0];
      const isNumber = shown !== 'NaN' && shown !== 'Infinity';
      if (typeof shown === 'string' && isNumber && FORMS[type] !== undefined) {
        assert.match(shown, FORMS[type], what);
      }
      const [same] = texts(binary, [type]);
      if (typeof same === 'string' && NUMBER.test(same))
        assert.is(Math.fround(Number(same)), Math.fround(Number(shown)), what);
      compared += 1;
    }
  }
  console.log(`${compared} statements compared`);
  assert.ok(compared > 600);
});

test.run();
