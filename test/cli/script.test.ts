import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cutScript, statementsOnly } from '../../src/cli/script.ts';

test('statements keep the line and column that they have in their file', () => {
  const source = `SELECT 1; SELECT 2;\n\n-- @ parallel: 2\nRVBBIT MAP 'a.yaml' USING (SELECT 1);`;
  const statements = statementsOnly(cutScript(source, 'q.sql'), 'it');
  assert.equal(
    statements.map(({ place, dialect }) => [place.line, place.column, dialect]),
    [
      [1, 1, false],
      [1, 11, false],
      [3, 1, true],
    ],
  );
  for (const { sql, place, firstWord } of statements) {
    const before = sql.slice(0, sql.search(/\S/)).split('\n');
    assert.is(before.length, place.line);
    assert.is(before.at(-1)!.length + 1, place.column);
    assert.match(sql.slice(firstWord), /^(?:SELECT|RVBBIT)/);
  }
});

test('a command is a dot or a backslash at the start of a statement, up to the end of its line', () => {
  const source = String.raw`.tables
SELECT '
.not' AS a, (1
.5) -- ;
; .mode csv
/* x */ \d "a;b" -- c
-- @ parallel: 2
SELECT 2;
\q`;
  const parts = cutScript(source, 'q.sql');
  assert.equal(
    parts.map((part) => [
      'command' in part ? part.command : part.sql.trim().split('\n')[0],
      part.place.line,
      part.place.column,
    ]),
    [
      ['.tables', 1, 1],
      ["SELECT '", 2, 1],
      ['.mode csv', 5, 3],
      ['\\d "a;b" -- c', 6, 9],
      ['-- @ parallel: 2', 7, 1],
      ['\\q', 9, 1],
    ],
  );
});

test('a long script is cut in a time that grows with its length alone', () => {
  const started = performance.now();
  assert.is(cutScript('SELECT 1;\n'.repeat(50_000)).length, 50_000);
  assert.ok(performance.now() - started < 20_000);
});

test('statements that give rows are told from those that do not', () => {
  const gives = (sql: string) => statementsOnly(cutScript(sql), 'it')[0]?.givesRows;
  for (const sql of [
    'SELECT 1',
    '/* x */ from t',
    '(SELECT 1)',
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'VALUES (1)',
    "RVBBIT MAP 'a.yaml' USING (SELECT 1)",
    'EXPLAIN SELECT 1',
    'SHOW TABLES',
    'INSERT INTO t VALUES (1) RETURNING *',
    'WITH a AS (INSERT INTO x SELECT 1) SELECT 1',
  ]) {
    assert.is(gives(sql), true, sql);
  }
  for (const sql of [
    'CREATE TABLE t AS SELECT 1',
    'INSERT INTO t SELECT 1',
    "INSERT INTO t RVBBIT MAP 'a.yaml' USING (SELECT 1)",
    'WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a',
    'BEGIN',
    "COPY t TO 'x.csv'",
    'SET threads = 1',
  ]) {
    assert.is(gives(sql), false, sql);
  }
});

test.run();
