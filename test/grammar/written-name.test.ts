import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writtenName } from '../../grammar/semantic/written-name.ts';

test('the table or file that a statement changes is found as it is written', () => {
  for (const [sql, name] of [
    ['CREATE OR REPLACE TABLE good AS SELECT 1', 'good'],
    ['CREATE TEMP TABLE IF NOT EXISTS main."my table" AS FROM t', 'main."my table"'],
    ['INSERT OR REPLACE INTO a.b.c (x) SELECT 1', 'a.b.c'],
    ["COPY (SELECT 'TO' FROM t) TO 'out.csv' (FORMAT csv)", "'out.csv'"],
    ['UPDATE t SET a = 1', 't'],
    ['DELETE FROM s.t WHERE a', 's.t'],
    ['WITH w AS (SELECT 1) MERGE INTO t USING w ON true', 't'],
    ['WITH w AS (FROM u) DELETE FROM t USING w', 't'],
    ['WITH update AS (FROM u) INSERT INTO t FROM update', 't'],
    ['SELECT * FROM t', undefined],
    ['SET VARIABLE x = 1', undefined],
    ['INSERT', undefined],
    ['CREATE TABLE', undefined],
    ['', undefined],
  ] as const) {
    assert.is(writtenName(sql), name, sql);
  }
});

test.run();
