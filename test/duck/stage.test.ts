import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dedupeNames } from '../../src/duck/columns.ts';
import type { Session } from '../../src/duck/session.ts';
import {
  dropStage,
  type StagedQuery,
  type StageOptions,
  stageQuery,
} from '../../src/duck/stage.ts';
import { stageRuns } from '../../src/duck/stage-runs.ts';
import { cases, mulberry, reportCases, seed } from '../support/cases.ts';
import { memorySession, rejection, rowsOf, withFolder } from './support.ts';

async function stagedRows(session: Session, stage: StagedQuery): Promise<unknown[][]> {
  const names = stage.columns.map((column) => `"${column.name.replaceAll('"', '""')}"`).join(', ');
  const rows = await (
    await session.run(
      `SELECT ${stage.ordinal}, ${names} FROM ${stage.table} ORDER BY ${stage.ordinal}`,
    )
  ).allColumns('json');
  const [ordinals = [], ...columns] = rows;
  assert.equal(
    ordinals,
    ordinals.map((_, i) => i),
    'the ordinal is dense',
  );
  assert.is(ordinals.length, stage.rowCount);
  return ordinals.map((_, row) => columns.map((column) => column[row]));
}

async function staged(session: Session, query: string, options: StageOptions = {}) {
  const stage = await stageQuery(session, query, options);
  const rows = await stagedRows(session, stage);
  await dropStage(session, stage);
  return { ...stage, rows, names: stage.columns.map((column) => column.name) };
}

test('queries of every form are staged', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE t AS SELECT 1 AS k, 2 AS v');
  const forms: readonly (readonly [string, readonly string[], unknown[][]])[] = [
    ['SELECT 1 AS a -- trailing', ['a'], [[1]]],
    ['FROM t', ['k', 'v'], [[1, 2]]],
    ['TABLE t', ['k', 'v'], [[1, 2]]],
    ['VALUES (1), (2) /* x */', ['col0'], [[1], [2]]],
    ['PIVOT t ON k USING sum(v)', ['1'], [[2]]],
    ['SELECT * FROM range(9) FETCH FIRST 2 ROWS ONLY', ['range'], [[0], [1]]],
    ['WITH x AS (SELECT 1 AS a) SELECT * FROM x', ['a'], [[1]]],
    ['SELECT NULL', ['NULL'], [[null]]],
    ['SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS "A"', ['a', 'a_1', 'a_1_1', 'A_2'], [[1, 2, 3, 4]]],
    [
      "SELECT row(1, 'x') AS r, [row(2)] AS l, 1 AS r",
      ['r', 'l', 'r_1'],
      [[{ element1: 1, element2: 'x' }, [{ element1: 2 }], 1]],
    ],
    [
      'SELECT 5 AS rowid, 6 AS "ROWID", 7 AS z FROM range(2)',
      ['rowid', 'ROWID_1', 'z'],
      [
        [5, 6, 7],
        [5, 6, 7],
      ],
    ],
    ['SELECT 1 AS "order", 2 AS "a""b"', ['order', 'a"b'], [[1, 2]]],
    ['SELECT 1 WHERE false', ['1'], []],
  ];
  for (const [query, names, rows] of forms) {
    const stage = await staged(session, query);
    assert.equal(stage.names, names, query);
    assert.equal(stage.rows, rows, query);
  }
  assert.is((await staged(session, 'SHOW ALL TABLES')).names[0], 'database');
  for (const query of ['DESCRIBE t', 'SUMMARIZE t'])
    assert.is((await staged(session, query)).rowCount, 2, query);
  assert.equal(
    await rowsOf(session, "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE 'rvb%'"),
    [{ n: 0 }],
  );
});

test('a query with parameters is staged with their values', async () => {
  await using session = await memorySession();
  assert.equal((await staged(session, 'SELECT $1 AS a, $2 AS b', { parameters: ['x', 3] })).rows, [
    ['x', 3],
  ]);
  assert.equal(
    (await staged(session, 'SELECT $a AS a FROM range(5) LIMIT $n', { parameters: { a: 1, n: 2 } }))
      .rows,
    [[1], [1]],
  );
});

test('an error in the query keeps its own place and leaves no table', async () => {
  await using session = await memorySession();
  const error = await rejection(stageQuery(session, 'SELECT 1,\n  nope'));
  assert.is(error.sqlState, '42703');
  assert.equal(error.place, { line: 2, column: 3 });
  await rejection(
    stageQuery(
      session,
      "SELECT CASE WHEN i = 900 THEN error('late') ELSE i END FROM range(1000) t(i)",
    ),
  );
  assert.equal(
    await rowsOf(session, "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE 'rvb%'"),
    [{ n: 0 }],
  );
});

test('a text that closes the staging’s parenthesis is refused', async () => {
  await using session = await memorySession();
  assert.is((await rejection(stageQuery(session, 'SELECT 1) AS x, (SELECT 2'))).code, 'RVB_SQL');
});

test('a limit cuts, says so, and says nothing where the rows just fit', async () => {
  await using session = await memorySession();
  for (const [limit, rowCount, cut] of [
    [3, 3, true],
    [9, 9, true],
    [10, 10, false],
    [11, 10, false],
    [0, 0, true],
  ] as const) {
    const stage = await staged(session, 'SELECT * FROM range(10)', { limit });
    assert.equal([stage.rowCount, stage.cut, stage.rows.length], [rowCount, cut, rowCount]);
  }
  const hidden = await staged(session, 'SELECT range AS rowid FROM range(10)', { limit: 4 });
  assert.equal([hidden.rows, hidden.cut], [[[0], [1], [2], [3]], true]);
});

test('rows keep the order of the query, whatever the threads and the settings', async () => {
  await withFolder(async (folder) => {
    await using session = await memorySession();
    // Several row groups, so that several threads have some.
    const rows = cases(400_000, 1_000_000);
    const csv = join(folder, 'a.csv');
    await session.run(`COPY (SELECT i, 'row ' || i AS s FROM range(${rows}) t(i)) TO '${csv}'`);
    await session.run(
      `COPY (SELECT i, 'row ' || i AS s FROM range(${rows}) t(i)) TO '${join(folder, 'a.parquet')}'`,
    );
    const inOrder = (stage: StagedQuery) =>
      rowsOf(
        session,
        `SELECT count(*) AS n FROM (SELECT i, lag(i) OVER (ORDER BY ${stage.ordinal}) AS b FROM ${stage.table}) WHERE i <= b`,
      );
    for (const setting of ['threads = 1', 'threads = 4']) {
      await session.run(`SET ${setting}`);
      for (const query of [
        `FROM read_csv('${csv}')`,
        `FROM '${join(folder, 'a.parquet')}'`,
        `SELECT i FROM range(${rows}) t(i) ORDER BY i`,
        `SELECT -i AS i FROM range(${rows}) t(i) ORDER BY i DESC LIMIT ${0.9 * rows}`,
        'SELECT i, i AS rowid FROM range(300000) t(i)',
      ]) {
        const stage = await stageQuery(
          session,
          query.replace('-i AS i', 'i').replace('i DESC', 'i'),
        );
        assert.equal(await inOrder(stage), [{ n: 0 }], `${setting}: ${query}`);
        await dropStage(session, stage);
      }
    }
    await session.run('SET preserve_insertion_order = false');
    for (const limit of [undefined, 0.8 * rows]) {
      const stage = await stageQuery(
        session,
        `SELECT i FROM range(${rows}) t(i) ORDER BY hash(i) % 2, i`,
        { limit },
      );
      const found = await rowsOf(
        session,
        `SELECT count(*) AS n FROM (SELECT hash(i) % 2 AS h, i, lag(hash(i) % 2) OVER w AS g, lag(i) OVER w AS b FROM ${stage.table} WINDOW w AS (ORDER BY ${stage.ordinal})) WHERE b IS NOT NULL AND (g, b) >= (h, i)`,
      );
      assert.equal(found, [{ n: 0 }], `unordered, limit ${limit}`);
      await dropStage(session, stage);
    }
  });
});

test('distinct keeps the first row of each value before the limit', async () => {
  await using session = await memorySession();
  await session.run(
    "CREATE TABLE t AS SELECT * FROM (VALUES ('b', 1), ('a', 2), ('b', 1), ('A', 3), ('c', 4), ('a', 5)) x(k, v)",
  );
  assert.equal((await staged(session, 'FROM t', { distinct: ['k'] })).rows, [
    ['b', 1],
    ['a', 2],
    ['A', 3],
    ['c', 4],
  ]);
  const all = await staged(session, 'FROM t', { distinct: 'row' });
  assert.equal([all.rowCount, all.dropped, all.cut], [5, 1, false]);
  const cut = await staged(session, 'FROM t', { distinct: ['K'], limit: 3 });
  assert.equal(
    [cut.rows, cut.dropped, cut.cut],
    [
      [
        ['b', 1],
        ['a', 2],
        ['A', 3],
      ],
      1,
      true,
    ],
  );
  const hidden = await staged(session, 'SELECT k, v AS rowid FROM t', {
    distinct: ['k'],
    limit: 3,
  });
  assert.equal(
    [hidden.rows, hidden.ordinal],
    [
      [
        ['b', 1],
        ['a', 2],
        ['A', 3],
      ],
      '"rvb_ordinal"',
    ],
  );
  assert.match(
    (await rejection(stageQuery(session, 'FROM t', { distinct: ['x'] }))).message,
    /no column x; it has k, v/,
  );
});

test('an unqualified name in the query is the user’s table', async () => {
  await using session = await memorySession();
  await session.run(
    "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 'mine' AS a; SET search_path = 's'",
  );
  assert.equal((await staged(session, 'SELECT a FROM t')).rows, [['mine']]);
});

test('column names are made unique as DuckDB makes them', async () => {
  await using session = await memorySession();
  const random = mulberry(seed);
  const count = cases(30, 2_000);
  for (let round = 0; round < count; round += 1) {
    const names = Array.from(
      { length: 1 + Math.floor(random() * 6) },
      () => ['a', 'A', 'a_1', 'A_1', 'a_2', 'b', 'É', 'é', 'a_1_1'][Math.floor(random() * 9)]!,
    );
    const query = `SELECT ${names.map((name, i) => `${i} AS "${name}"`).join(', ')}`;
    const stage = await stageQuery(session, query);
    await dropStage(session, stage);
    assert.equal(
      stage.columns.map((column) => column.name),
      dedupeNames(names),
      query,
    );
    assert.equal(new Set(dedupeNames(names)).size, names.length);
  }
  reportCases(count, 'sets of column names');
});

test('rows are one run where a cascade cannot tell their inputs apart, and only there', async () => {
  await using session = await memorySession();
  const domains: Record<string, readonly string[]> = {
    VARCHAR: ["'a'", "'A'", "''", 'NULL', "'a ' ", "'é'", "'e' || chr(769)"],
    DOUBLE: [
      "'0.0'::DOUBLE",
      "'-0.0'::DOUBLE",
      "'nan'::DOUBLE",
      "'-nan'::DOUBLE",
      'NULL',
      '1.5::DOUBLE',
    ],
    INTERVAL: [
      "INTERVAL '30 days'",
      "INTERVAL '1 month'",
      "INTERVAL '720 hours'",
      "INTERVAL '12 months'",
      "INTERVAL '1 year'",
      'NULL',
    ],
    'VARCHAR[]': ["['a, b']", "['a', 'b']", "['NULL']", '[NULL]', '[]', 'NULL', "['A, b']"],
    'DOUBLE[]': ["['0.0'::DOUBLE]", "['-0.0'::DOUBLE]", '[NULL]', 'NULL'],
    'STRUCT(i INTERVAL)': [
      "{'i': INTERVAL '30 days'}",
      "{'i': INTERVAL '1 month'}",
      'NULL',
      "{'i': NULL}",
    ],
    TIMETZ: ["'12:00:00+00'::TIMETZ", "'13:00:00+01'::TIMETZ", 'NULL'],
    BLOB: ["'a'::BLOB", "'\\x00'::BLOB", 'NULL'],
    'DECIMAL(4,2)': ['1.5', '1.50', 'NULL'],
    VARIANT: ["'1'::VARIANT", '1::VARIANT', 'NULL'],
  };
  const random = mulberry(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const count = cases(20, 1_000);
  for (let round = 0; round < count; round += 1) {
    const types = Array.from({ length: 1 + Math.floor(random() * 2) }, () =>
      pick(Object.keys(domains)),
    );
    const rowCount = 1 + Math.floor(random() * 25);
    const values = Array.from(
      { length: rowCount },
      () =>
        `SELECT ${types.map((type, c) => `CAST(${pick(domains[type]!)} AS ${type})${type === 'VARCHAR' ? ' COLLATE NOCASE' : ''} AS c${c}`).join(', ')}`,
    );
    const query = values.join('\nUNION ALL ');
    const stage = await stageQuery(session, query);
    const keyColumns = types.map((_, c) => `c${c}`);
    const runs = await stageRuns(session, stage, { keyColumns, dedupe: true });
    const rows = await stagedRows(session, stage);
    const numbers = new Map<string, number>();
    const expected = rows.map((row) => {
      const key = JSON.stringify(row, (_, value) => (Object.is(value, -0) ? '-zero' : value));
      if (!numbers.has(key)) numbers.set(key, numbers.size);
      return numbers.get(key)!;
    });
    assert.is(runs.runCount, numbers.size, query);
    const [mapRows, mapRuns] =
      runs.mapTable === undefined
        ? [expected.map((_, i) => i), expected.map((_, i) => i)]
        : await (await session.run(`SELECT "row", run FROM ${runs.mapTable}`)).allColumns('json');
    assert.equal(
      mapRows,
      expected.map((_, i) => i),
      query,
    );
    assert.equal(mapRuns, expected, query);
    const inputs: unknown[][] = keyColumns.map(() => []);
    for (let first = 0; first < runs.runCount; first += 4) {
      const read = await runs.readRuns(first, 4, keyColumns);
      read.columns.forEach((column, c) => {
        inputs[c]!.push(...column);
      });
    }
    const firstRows = [...numbers.values()].map((run) => rows[expected.indexOf(run)]!);
    assert.equal(
      inputs,
      keyColumns.map((_, c) => firstRows.map((row) => row[c])),
      query,
    );
    await runs.drop();
    await dropStage(session, stage);
  }
  reportCases(count, 'stages against an oracle');
});

test('without key columns all rows are one run, and without dedupe each row is its own', async () => {
  await using session = await memorySession();
  const stage = await stageQuery(session, 'SELECT 1 AS a, 2 AS rowid FROM range(5)');
  const one = await stageRuns(session, stage, { keyColumns: [], dedupe: true });
  assert.is(one.runCount, 1);
  assert.equal(
    await (await session.run(`SELECT "row", run FROM ${one.mapTable}`)).allColumns('json'),
    [
      [0, 1, 2, 3, 4],
      [0, 0, 0, 0, 0],
    ],
  );
  assert.equal(await one.readRuns(0, 5, ['a']), { columns: [[1]] });
  assert.equal(await one.readRuns(0, 5, []), { columns: [] });
  const each = await stageRuns(session, stage, { keyColumns: ['a'], dedupe: false });
  assert.equal([each.runCount, each.mapTable], [5, undefined]);
  assert.equal(await each.readRuns(3, 9, ['rowid', 'a']), {
    columns: [
      [2, 2],
      [1, 1],
    ],
  });
});

test('a stage in CSV keeps its rows when the file changes', async () => {
  await withFolder(async (folder) => {
    await using session = await memorySession();
    const path = join(folder, 'a.csv');
    await writeFile(path, 'a\n1\n2\n');
    const stage = await stageQuery(session, `FROM '${path}'`);
    await writeFile(path, 'a\n9\n');
    assert.equal(await stagedRows(session, stage), [[1], [2]]);
  });
});

test('many distinct texts are grouped and read in order', async () => {
  await using session = await memorySession();
  const count = cases(200_000, 1_000_000);
  const stage = await stageQuery(
    session,
    `SELECT 'review number ' || i || ' of the product' AS s, (i % 1000)::DOUBLE AS d FROM range(${count}) t(i)`,
  );
  const start = performance.now();
  const runs = await stageRuns(session, stage, { keyColumns: ['s'], dedupe: true });
  const grouped = performance.now();
  const dupes = await stageRuns(session, stage, { keyColumns: ['d'], dedupe: true });
  const repeated = performance.now();
  const slice = await runs.readRuns(0.9 * count, 16_384, ['s']);
  const read = performance.now();
  console.log(
    `stageRuns ${count}: distinct ${Math.round(grouped - start)} ms, 1000 values ${Math.round(repeated - grouped)} ms, readRuns ${Math.round(read - repeated)} ms`,
  );
  assert.equal([runs.runCount, runs.mapTable, dupes.runCount], [count, undefined, 1_000]);
  assert.is(slice.columns[0]![1], `review number ${0.9 * count + 1} of the product`);
});

test.run();
