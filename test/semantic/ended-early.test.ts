/** A statement that changes data and ends early changes nothing: its next run would do a part of it twice. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';

const ROWS = 12;

test('INSERT, CREATE TABLE AS, MERGE, UPDATE and DELETE change nothing where they ended early, and all when run again', async () => {
  let drain = new AbortController();
  let left = Infinity;
  await using engine = await Engine.open({
    threads: 1,
    model: async () => {
      left -= 1;
      if (left === 0) drain.abort();
      return { text: '{"answer": true}', finishReason: 'stop' };
    },
  });
  const count = async (what: string) =>
    (await engine.query(`SELECT count(*)::INT AS n FROM ${what}`)).rows[0]?.['n'];
  await engine.query(`CREATE TABLE source AS SELECT 'text ' || i AS x FROM range(${ROWS}) r(i)`);
  await engine.query('CREATE TABLE filled(x VARCHAR)');
  await engine.query('CREATE TABLE merged(x VARCHAR)');
  const merge = 'MERGE INTO merged USING source ON merged.x = source.x WHEN NOT MATCHED';
  for (const [sql, changed, before, after] of [
    ["INSERT INTO filled SELECT x FROM source WHERE x MEANS 'a'", 'filled', 0, ROWS],
    ["CREATE TABLE made AS SELECT x FROM source WHERE x MEANS 'b'", 'made', undefined, ROWS],
    [`${merge} AND source.x MEANS 'e' THEN INSERT (x) VALUES (source.x)`, 'merged', 0, ROWS],
    ["UPDATE source SET x = 'new' WHERE x MEANS 'c'", "source WHERE x = 'new'", 0, ROWS],
    ["DELETE FROM filled WHERE x MEANS 'd'", 'filled', ROWS, 0],
  ] as const) {
    drain = new AbortController();
    left = 4;
    const text = `-- @ parallel: 2\n${sql}`;
    const early = await engine.query(text, undefined, { drain: drain.signal });
    assert.is(early.summary.reason, 'interrupted', sql);
    assert.is(early.rowCount, 0, sql);
    assert.match(early.notices.map(({ message }) => message).join(), 'nothing was written');
    if (before !== undefined) assert.is(await count(changed), before, sql);
    assert.is((await engine.query(text)).summary.status, 'complete');
    assert.is(await count(changed), after, sql);
  }
});

test('changes nothing where its answers do not get to the disk', async () => {
  for (const sql of [
    "INSERT INTO filled SELECT x FROM source WHERE x MEANS 'a'",
    "EXPLAIN ANALYZE INSERT INTO filled SELECT x FROM source WHERE x MEANS 'a'",
    "MERGE INTO filled USING source ON filled.x = source.x WHEN NOT MATCHED AND source.x MEANS 'a' THEN INSERT (x) VALUES (source.x)",
    "DELETE FROM kept WHERE x MEANS 'a'",
  ]) {
    const stateDir = mkdtempSync(join(tmpdir(), 'rvbbit-full-'));
    const journal = join(stateDir, 'journal');
    try {
      const engine = await Engine.open({
        threads: 1,
        stateDir,
        model: async () => {
          for (const name of readdirSync(journal)) rmSync(join(journal, name));
          return { text: '{"answer": true}', finishReason: 'stop' };
        },
      });
      await engine.query("CREATE TABLE source AS SELECT 'text' AS x");
      await engine.query('CREATE TABLE kept AS FROM source');
      await engine.query('CREATE TABLE filled (x VARCHAR)');
      const code = await engine.query(sql).then(
        () => undefined,
        (thrown: RvbbitError) => thrown.code,
      );
      assert.is(code, 'RVB_JOURNAL_WRITE', sql);
      assert.equal((await engine.query('FROM filled')).rows, [], sql);
      assert.is((await engine.query('FROM kept')).rowCount, 1, sql);
      await engine.close().catch(() => {});
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  }
});

test.run();
