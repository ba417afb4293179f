/** Names in the queries of SQL cells mean in a process of their own what they mean on the session. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../../src/json.ts';
import { cascades, compare, openEngine, outputsOf } from './sql-process-support.ts';

test('a table is itself however queries write its name, beside CTEs and other tables of that name', () =>
  compare(
    [
      'CREATE TABLE t AS SELECT 3 AS x',
      'CREATE TEMP TABLE "T2" AS SELECT 4 AS x',
      "CREATE TABLE odd AS SELECT 'x'::VARIANT AS x",
    ],
    [
      'WITH odd AS (SELECT 1 AS x), c AS (FROM Odd) SELECT (FROM c) AS a, (SELECT x FROM "ODD") AS b',
      'WITH RECURSIVE odd(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM odd WHERE x < 3) FROM odd',
      'WITH t AS (FROM t), u AS (WITH t AS (SELECT x + 1 AS x FROM t) FROM t) SELECT * FROM t, u',
      'SELECT (SELECT x FROM t) + (SELECT x FROM main.t) AS s',
      'FROM T',
      'WITH t AS (SELECT 7 AS x) SELECT x FROM t',
      'WITH t AS (SELECT 7 AS x) SELECT t.x, u.x AS y FROM t, memory.T AS u',
      'SELECT a.x + b.x + c.x AS s FROM t2 AS a, temp.T2 AS b, main."t2" AS c',
    ],
  ));

test('a copy has no rowid that could be taken for that of its table', async () => {
  await using engine = await openEngine({ sqlCells: 'process' });
  await engine.query('CREATE TABLE t AS SELECT range AS n FROM range(3)');
  await engine.query('DELETE FROM t WHERE n = 0');
  await engine.query('CREATE TABLE own AS SELECT 7 AS rowid');
  assert.equal(await outputsOf(engine, ['SELECT rowid FROM t', 'SELECT rowid FROM own']), [
    null,
    { rows: [{ rowid: 7 }], columns: ['rowid'], row_count: 1 },
  ]);
});

test('macros that call macros are there, whichever is named or was made first', () =>
  compare(
    [
      'CREATE MACRO h(x) AS x + 10',
      'CREATE MACRO g(x) AS x + h(x)',
      'CREATE MACRO f(x) AS h(x) * 2 + g(x)',
      'CREATE MACRO rows_of(n) AS TABLE SELECT f(i) AS v FROM range(n) t(i)',
      'CREATE OR REPLACE MACRO h(x) AS x + 100',
      'CREATE MACRO pairs(a, b) AS a * b',
      'CREATE MACRO pairs(a) AS TABLE (SELECT a), (a, b) AS TABLE (WITH t AS (SELECT a, b) FROM t)',
      'CREATE TEMP TABLE hidden AS SELECT 5 AS n',
      "CREATE TEMP TYPE mood AS ENUM ('sad', 'ok')",
      "CREATE MACRO shown() AS (SELECT n || 'ok'::mood FROM hidden)",
    ],
    [
      'SELECT f(2) AS v',
      'SELECT h(1) AS a, g(1) AS b, f(1) AS c',
      'FROM rows_of(2)',
      'SELECT shown() AS v',
    ],
  ));

for (const first of ['memory', 'kept']) {
  test(`tables are found where the session looks for them, in the database ${first}`, async () => {
    const places = ['main', 'b', '"C, d"', '"a""b"'].map((schema) => `${first}.${schema}`);
    const setUp = [
      'CREATE SCHEMA b',
      'CREATE SCHEMA "C, d"',
      'CREATE SCHEMA "a""b"',
      "ATTACH ':memory:' AS other",
      'CREATE SCHEMA other.b',
      ...[...places, 'other.main', 'other.b'].flatMap((place, index) => [
        `CREATE TABLE ${place}.t AS SELECT ${index} AS n`,
        `CREATE TABLE ${place}.t${index} AS SELECT ${index} AS n`,
      ]),
    ];
    const names = [
      't',
      'b.t',
      'main.t',
      'other.t',
      `${first}.t`,
      'other.b.t',
      'main.t0',
      'main.t4',
    ];
    for (const index of [0, 1, 2, 3, 4, 5]) names.push(`t${index}`, `other.t${index}`);
    const queries = names.map((name) => `FROM ${name}`);
    const openIn = (sqlCells: 'inline' | 'process') =>
      openEngine({
        sqlCells,
        ...(first === 'memory'
          ? {}
          : { database: join(mkdtempSync(join(cascades, sqlCells)), `${first}.db`) }),
      });
    await using inline = await openIn('inline');
    await using isolated = await openIn('process');
    for (const sql of setUp) for (const engine of [inline, isolated]) await engine.query(sql);
    for (const path of [
      'SELECT 1',
      "SET search_path = 'main,b'",
      `SET search_path = 'B,"C, d",MAIN'`,
      "SET search_path = 'other.b,main'",
      "SET search_path = 'other.b,b'",
      'USE other.b',
      `SET search_path = 'b,${first}.b,other'`,
      `USE ${first}."a""b"`,
      "SET search_path = 'b'",
      'RESET search_path',
      'USE b',
    ]) {
      const seen: Json[][] = [];
      for (const engine of [inline, isolated]) {
        await engine.query(path);
        seen.push(await outputsOf(engine, queries));
      }
      for (const [index, query] of queries.entries())
        assert.equal(seen[1]![index], seen[0]![index], `${path}: ${query}`);
      assert.ok(seen[0]!.filter((output) => output !== null).length > 5, path);
    }
  });
}

test.run();
